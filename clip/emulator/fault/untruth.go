package fault

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"clipfs/clip/mp4"
)

// Untruth is what the head of a payload lies about.
type Untruth string

// What a head can lie about: see the package's documentation.
const (
	LieMdat    Untruth = "mdat"
	LieSizes   Untruth = "sizes"
	LieOffsets Untruth = "offsets"
	LieOverlap Untruth = "overlap"
	LieCounts  Untruth = "counts"
	LieMoov    Untruth = "moov"
)

// Untruths gives all of them.
func Untruths() []Untruth {
	return []Untruth{LieMdat, LieSizes, LieOffsets, LieOverlap, LieCounts, LieMoov}
}

// parseUntruth reads the value of what.
func parseUntruth(s string) (Untruth, error) {
	if !slices.Contains(Untruths(), Untruth(s)) {
		return "", fmt.Errorf("%q: want one of %q", s, Untruths())
	}
	return Untruth(s), nil
}

// Numbers that no payload can bear out: 100 MB is the most that a call brings.
const (
	hugeBox   = 0x7fff_fff0
	hugeSize  = 0x7fff_ffff
	hugeCount = 0xffff_ffff
)

// errNoTable: a payload lacks what is to lie.
var errNoTable = errors.New("fault: the payload has no such table")

// Falsify changes the head of a payload, in place, so that it says what is not so.
func Falsify(payload []byte, what Untruth) error {
	switch what {
	case LieMdat:
		return putBoxSize(payload, mp4.TypeMdat)
	case LieMoov:
		return putBoxSize(payload, mp4.TypeMoov)
	}
	tables, err := findTables(payload)
	if err != nil {
		return err
	}
	switch what {
	case LieSizes: // stsz: version and flags, constant size, count, sizes (ISO/IEC 14496-12 8.7.3)
		stsz, at := tables[mp4.TypeStsz], 12
		if len(stsz) >= 8 && binary.BigEndian.Uint32(stsz[4:]) != 0 {
			at = 4
		}
		return put(stsz, at, hugeSize)
	case LieCounts: // of stsz and of the first run of stts (8.6.1.2)
		return errors.Join(put(tables[mp4.TypeStsz], 8, hugeCount), put(tables[mp4.TypeStts], 8, hugeCount))
	case LieOffsets: // stco: version and flags, count, offsets (8.7.5)
		return put(tables[mp4.TypeStco], 8, hugeSize)
	case LieOverlap:
		stco := tables[mp4.TypeStco]
		if len(stco) < 16 {
			return errNoTable
		}
		for at := 12; at+4 <= len(stco); at += 4 {
			copy(stco[at:at+4], stco[8:12])
		}
	}
	return nil
}

// Alter changes a payload, in place, so that it is another one: the first two sample sizes that differ are exchanged, or
// the byte at a position is inverted.
func Alter(payload []byte, at Position) error {
	if at.IsSet() {
		if i := at.Of(int64(len(payload)) - 1); i >= 0 {
			payload[i] ^= 0xff
		}
		return nil
	}
	tables, err := findTables(payload)
	if err != nil {
		return err
	}
	sizes := tables[mp4.TypeStsz]
	for at := 12; at+8 <= len(sizes); at += 4 {
		a, b := binary.BigEndian.Uint32(sizes[at:]), binary.BigEndian.Uint32(sizes[at+4:])
		if a != b {
			binary.BigEndian.PutUint32(sizes[at:], b)
			binary.BigEndian.PutUint32(sizes[at+4:], a)
			return nil
		}
	}
	return errNoTable
}

// put writes a number into a table.
func put(table []byte, at int, value uint32) error {
	if len(table) < at+4 {
		return errNoTable
	}
	binary.BigEndian.PutUint32(table[at:], value)
	return nil
}

// putBoxSize makes a box at the top of a file as large as can be said in 32 bits.
func putBoxSize(payload []byte, kind mp4.FourCC) error {
	for c, err := range mp4.Children(payload) {
		if err != nil {
			return fmt.Errorf("fault: payload: %w", err)
		}
		if c.Type == kind {
			return put(c.Raw, 0, hugeBox)
		}
	}
	return errNoTable
}

// findTables gives the bodies of the tables of a payload's first track, which are parts of the payload.
func findTables(payload []byte) (map[mp4.FourCC][]byte, error) {
	body := payload
	for _, kind := range []mp4.FourCC{mp4.TypeMoov, mp4.TypeTrak, mp4.TypeMdia, mp4.TypeMinf, mp4.TypeStbl} {
		inner, err := child(body, kind)
		if err != nil {
			return nil, err
		}
		body = inner
	}
	tables := make(map[mp4.FourCC][]byte)
	for c, err := range mp4.Children(body) {
		if err != nil {
			return nil, fmt.Errorf("fault: payload: %w", err)
		}
		tables[c.Type] = c.Body
	}
	return tables, nil
}

// child gives the body of the first box of a kind.
func child(body []byte, kind mp4.FourCC) ([]byte, error) {
	for c, err := range mp4.Children(body) {
		if err != nil {
			return nil, fmt.Errorf("fault: payload: %w", err)
		}
		if c.Type == kind {
			return c.Body, nil
		}
	}
	return nil, fmt.Errorf("box %s: %w", kind, errNoTable)
}
