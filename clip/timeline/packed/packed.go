// Package packed has fragments as they are kept on disk, and in memory while nobody uses them (List, Lists), one after the other: 35 bytes each, where JSON takes 110 and ten times as long, for which
// callers wait. Of each there are
//
//	digits    how many digits its number has, in a byte, and these, two a byte; the last one alone if they are odd
//	producer  varint, milliseconds behind that of the fragment before it, or since 1970
//	server    varint, how much later than producer it is, compared with the fragment before it, in milliseconds
//	length    uvarint, milliseconds
//	size      uvarint
//
// Numbers are as encoding/binary writes them.
package packed

import (
	"encoding/binary"
	"errors"
	"time"

	"clipfs/clip/archive"
)

// ErrImpossible says that what was packed is nothing that an archive could have listed.
var ErrImpossible = errors.New("fragments that cannot be")

// lastMilli is the last time that can be, in milliseconds since 1970: the end of the year 9999.
const lastMilli = 253_402_300_799_000

// Possible reports whether a fragment is one that an archive could have listed.
func Possible(f archive.Fragment) bool {
	in := func(t time.Time) bool { return t.UnixMilli() >= 0 && t.UnixMilli() <= lastMilli }
	return f.ID != "" && f.Size >= 0 && f.Length >= 0 && f.Length <= archive.MaxSpan && in(f.Producer) && in(f.Server)
}

// Pack packs fragments whose numbers are of digits, at most 255. What it gives has no room behind it, as it may be kept for long.
func Pack(fragments []archive.Fragment) []byte {
	if len(fragments) == 0 {
		return nil
	}
	size := 0
	var first packer
	var scratch [4 * binary.MaxVarintLen64]byte
	for i := range fragments {
		size += 1 + (len(fragments[i].ID)+1)/2 + len(first.numbers(scratch[:0], &fragments[i]))
	}
	b := make([]byte, 0, size)
	var second packer
	for i := range fragments {
		b = second.numbers(digits(b, fragments[i].ID), &fragments[i])
	}
	return b
}

// digits adds the number of a fragment.
func digits(b []byte, id archive.FragmentID) []byte {
	b = append(b, byte(len(id)))
	for i := 0; i < len(id); i += 2 {
		pair := id[i] - '0'
		if i+1 < len(id) {
			pair = 10*pair + id[i+1] - '0'
		}
		b = append(b, pair)
	}
	return b
}

// packer has the times of the fragment before, in milliseconds: since 1970, and how much later than that it arrived.
type packer struct{ producer, late int64 }

// numbers adds what follows the digits of a fragment.
func (p *packer) numbers(b []byte, f *archive.Fragment) []byte {
	at := f.Producer.UnixMilli()
	late := f.Server.UnixMilli() - at
	b = binary.AppendVarint(b, at-p.producer)
	b = binary.AppendVarint(b, late-p.late)
	b = binary.AppendUvarint(b, uint64(f.Length.Milliseconds()))
	b = binary.AppendUvarint(b, uint64(f.Size))
	p.producer, p.late = at, late
	return b
}

// Unpack gives what was packed, at most so many; ErrImpossible where that is nothing that an archive could have listed.
func Unpack(p []byte, most int) ([]archive.Fragment, error) {
	if len(p) == 0 {
		return nil, nil
	}
	return appendUnpacked(make([]archive.Fragment, 0, min(most, len(p)/leastPacked+1)), p, most)
}

// appendUnpacked adds what Unpack gives to others.
func appendUnpacked(all []archive.Fragment, p []byte, most int) ([]archive.Fragment, error) {
	most += len(all)
	in := unpacker{left: p}
	var producer, late int64
	for len(in.left) > 0 {
		id := in.digits()
		producer += in.varint()
		late += in.varint()
		length, size := in.uvarint(), in.uvarint()
		f := archive.Fragment{
			ID: id, Producer: time.UnixMilli(producer).UTC(), Server: time.UnixMilli(producer + late).UTC(),
			Length: time.Duration(length) * time.Millisecond, Size: size,
		}
		if in.failed || length < 0 || length > archive.MaxSpan.Milliseconds() || !Possible(f) || len(all) == most {
			return nil, ErrImpossible
		}
		all = append(all, f)
	}
	return all, nil
}

// leastPacked is the size of the smallest fragment that is likely.
const leastPacked = 30

// unpacker reads from the beginning of what is left.
type unpacker struct {
	left   []byte
	failed bool
}

// digits reads a number in digits.
func (u *unpacker) digits() archive.FragmentID {
	n := int(u.left[0])
	size := (n + 1) / 2
	if size > len(u.left)-1 {
		u.fail()
		return ""
	}
	var text [256]byte
	for i, pair := range u.left[1 : 1+size] {
		scale := byte(1)
		if 2*i+1 == n {
			scale = 10 // a digit alone
		}
		if pair >= 100/scale {
			u.fail()
			return ""
		}
		text[2*i], text[2*i+1] = '0'+pair*scale/10, '0'+pair*scale%10
	}
	u.left = u.left[1+size:]
	return archive.FragmentID(text[:n])
}

func (u *unpacker) varint() int64 {
	v, n := binary.Varint(u.left)
	return u.took(v, n)
}

func (u *unpacker) uvarint() int64 {
	v, n := binary.Uvarint(u.left)
	return u.took(int64(v), n) // one that is too large is below 0, which cannot be
}

func (u *unpacker) took(v int64, n int) int64 {
	if n <= 0 {
		u.fail()
		return 0
	}
	u.left = u.left[n:]
	return v
}

// fail reads nothing more.
func (u *unpacker) fail() { u.left, u.failed = nil, true }

// Able reports whether fragments can be packed: their numbers are digits, and no more than a byte tells.
func Able(fragments []archive.Fragment) bool {
	for _, f := range fragments {
		if len(f.ID) > 255 {
			return false
		}
		for i := range len(f.ID) {
			if f.ID[i] < '0' || f.ID[i] > '9' {
				return false
			}
		}
	}
	return true
}
