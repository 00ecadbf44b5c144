package shared

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"clipfs/clip/archive"
)

// ErrObject says that what came is not the object that it should be: damaged, cut, forged, or of another version. It is to be
// replaced.
var ErrObject = errors.New("not the object that it should be")

// bad gives that error.
func bad(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrObject)
}

const (
	// maxSize is the most bytes that an object is believed to have behind its header: more than any payload.
	maxSize = 256 << 20
	// maxFragments bounds the fragments of an object, and maxNumber the digits of a fragment number.
	maxFragments, maxNumber = 1000, 64
	maxNumbers              = maxFragments * (maxNumber + 1)
)

// Header is what an object says of itself.
type Header struct {
	Kind Kind
	// Size is how many bytes the object has behind its header, Payload the size of the payload that it is, or whose head.
	Size, Payload int64
	// Tables and Digest are those of tier.Identity.
	Tables, Digest [sha256.Size]byte
	// Ingested is when the archive took in the oldest fragment; Start and End bound the footage. To the millisecond.
	Ingested, Start, End time.Time
	// Part and Gap are the settings of the host that wrote it: hosts share where they agree.
	Part, Gap time.Duration
	Fragments []archive.FragmentID
}

// fixed is how an object begins, integers little-endian, times and lengths in milliseconds.
type fixed struct {
	Magic                                 [8]byte
	Kind                                  byte
	Keyed                                 byte
	CheckSize                             uint16
	Fragments, Numbers                    uint32 // how many, and how many bytes they take
	Size, Payload                         int64
	Ingested, Start, End, PartOf, GapOver int64
	Tables, Digest                        [sha256.Size]byte
	MAC                                   [sha256.Size]byte // over all that stands before the bytes, with zeros here
}

// fixedSize is the length of fixed, macAt where its MAC stands.
const (
	fixedSize = 8 + 1 + 1 + 2 + 4 + 4 + 7*8 + 3*sha256.Size
	macAt     = fixedSize - sha256.Size
)

func magic() [8]byte { return [8]byte([]byte("clipfsT" + string(rune(version)))) }

// Encode gives what stands in an object before its bytes, all of which it reads.
func (k Key) Encode(name Name, h Header, content io.ReaderAt) ([]byte, error) {
	numbers := numbersOf(h.Fragments)
	if !h.Kind.valid() || h.Kind != name.Kind || h.Size <= 0 || h.Size > maxSize || len(h.Fragments) > maxFragments || len(numbers) > maxNumbers {
		return nil, bad("%s of %d bytes, %d fragments", h.Kind, h.Size, len(h.Fragments))
	}
	f := fixed{
		Magic: magic(), Kind: byte(h.Kind), CheckSize: uint16(k.checkSize()), Fragments: uint32(len(h.Fragments)), Numbers: uint32(len(numbers)),
		Size: h.Size, Payload: h.Payload, Ingested: h.Ingested.UnixMilli(), Start: h.Start.UnixMilli(), End: h.End.UnixMilli(),
		PartOf: h.Part.Milliseconds(), GapOver: h.Gap.Milliseconds(), Tables: h.Tables, Digest: h.Digest,
	}
	if k.Secret() {
		f.Keyed = 1
	}
	head := make([]byte, fixedSize, headSize(f))
	_, _ = binary.Encode(head, binary.LittleEndian, f) // there is space
	head = append(head, numbers...)
	buffer := make([]byte, block)
	for at := int64(0); at < h.Size; at += block {
		p := buffer[:min(block, h.Size-at)]
		if n, err := content.ReadAt(p, at); n < len(p) {
			return nil, fmt.Errorf("read at %d: %w", at, err)
		}
		head = append(head, k.check(p)...)
	}
	copy(head[macAt:], k.seal(name, head))
	return head, nil
}

// headSize is the length of all that stands before the bytes.
func headSize(f fixed) int64 { return fixedSize + int64(f.Numbers) + blocks(f.Size)*int64(f.CheckSize) }

// seal gives the MAC of what stands before the bytes of an object, whatever MAC stands in it.
func (k Key) seal(name Name, head []byte) []byte {
	var zeros, length [sha256.Size]byte
	text := []byte(name.String())
	binary.LittleEndian.PutUint64(length[:], uint64(len(text)))
	pieces := [][]byte{length[:8], text, head[:macAt], zeros[:], head[fixedSize:]}
	if k.Secret() {
		return k.mac("object", pieces...)
	}
	sum := uint32(0)
	for _, p := range pieces {
		sum = castagnoli(sum, p)
	}
	return append(binary.LittleEndian.AppendUint32(nil, sum), zeros[4:]...)
}

// Decode reads what stands in an object of so many bytes before its bytes, and gives what it says and those bytes as they are
// checked. ErrObject where it is not the object of that name, made with that key; any other error is that of r.
func (k Key) Decode(name Name, total int64, r io.Reader) (Header, *Body, error) {
	var h Header
	if total < fixedSize {
		return h, nil, bad("%d bytes", total)
	}
	first := make([]byte, fixedSize)
	if _, err := io.ReadFull(r, first); err != nil {
		return h, nil, err
	}
	var f fixed
	_, _ = binary.Decode(first, binary.LittleEndian, &f) // there is enough
	if err := k.plausible(name, f, total); err != nil {
		return h, nil, err
	}
	head := make([]byte, headSize(f))
	if _, err := io.ReadFull(r, head[copy(head, first):]); err != nil {
		return h, nil, err
	}
	if !hmac.Equal(f.MAC[:], k.seal(name, head)) {
		return h, nil, bad("its header is damaged or forged")
	}
	fragments, ok := parseNumbers(head[fixedSize:fixedSize+int64(f.Numbers)], int(f.Fragments))
	if !ok {
		return h, nil, bad("fragment numbers")
	}
	h = Header{
		Kind: Kind(f.Kind), Size: f.Size, Payload: f.Payload, Tables: f.Tables, Digest: f.Digest,
		Ingested: time.UnixMilli(f.Ingested).UTC(), Start: time.UnixMilli(f.Start).UTC(), End: time.UnixMilli(f.End).UTC(),
		Part: time.Duration(f.PartOf) * time.Millisecond, Gap: time.Duration(f.GapOver) * time.Millisecond, Fragments: fragments,
	}
	return h, &Body{key: k, from: r, checks: head[fixedSize+int64(f.Numbers):], left: f.Size}, nil
}

// plausible refuses a fixed header that says what cannot be, before anything is allocated by what it says.
func (k Key) plausible(name Name, f fixed, total int64) error {
	keyed := byte(0)
	if k.Secret() {
		keyed = 1
	}
	switch {
	case f.Magic != magic():
		return bad("magic %q", f.Magic)
	case Kind(f.Kind) != name.Kind:
		return bad("kind %q", f.Kind)
	case f.Keyed != keyed, int(f.CheckSize) != k.checkSize():
		return bad("made with another kind of key")
	case f.Size <= 0, f.Size > maxSize, f.Payload < 0, f.Payload > maxSize, f.Fragments > maxFragments, f.Numbers > maxNumbers:
		return bad("%d bytes, payload %d, %d fragments", f.Size, f.Payload, f.Fragments)
	case headSize(f)+f.Size != total:
		return bad("%d bytes, of %d", total, headSize(f)+f.Size)
	}
	for _, ms := range []int64{f.Ingested, f.Start, f.End, f.PartOf, f.GapOver} {
		if ms < 0 || ms > lastMilli {
			return bad("time %d", ms)
		}
	}
	return nil
}

// lastMilli is the end of the year 9999.
const lastMilli = 253402300799999

// numbersOf writes fragment numbers, one a line.
func numbersOf(all []archive.FragmentID) []byte {
	var b bytes.Buffer
	for _, id := range all {
		b.WriteString(string(id))
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// parseNumbers reads what numbersOf wrote of so many fragments.
func parseNumbers(text []byte, n int) ([]archive.FragmentID, bool) {
	var all []archive.FragmentID
	for line := range strings.Lines(string(text)) {
		id, whole := strings.CutSuffix(line, "\n")
		if !whole || len(id) > maxNumber || !consists(id, "0123456789") {
			return nil, false
		}
		all = append(all, archive.FragmentID(id))
	}
	return all, len(all) == n
}
