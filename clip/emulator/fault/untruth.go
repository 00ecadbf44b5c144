package fault

import (
	"encoding/binary"
	"errors"
	"fmt"

	"clipfs/clip/emulator/isom"
)

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
		return putBoxSize(payload, "mdat")
	case LieMoov:
		return putBoxSize(payload, "moov")
	}
	found, err := findTables(payload)
	if err != nil {
		return err
	}
	switch what {
	case LieSizes: // stsz: version and flags, constant size, count, sizes (ISO/IEC 14496-12 8.7.3)
		stsz, at := found.body("stsz"), 12
		if len(stsz) >= 8 && binary.BigEndian.Uint32(stsz[4:]) != 0 {
			at = 4
		}
		return put(stsz, at, hugeSize)
	case LieCounts: // of stsz and of the first run of stts (8.6.1.2)
		return errors.Join(put(found.body("stsz"), 8, hugeCount), put(found.body("stts"), 8, hugeCount))
	case LieOffsets: // stco: version and flags, count, offsets (8.7.5)
		return put(found.body("stco"), 8, hugeSize)
	case LieOverlap:
		stco := found.body("stco")
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
	found, err := findTables(payload)
	if err != nil {
		return err
	}
	sizes := found.body("stsz")
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
func putBoxSize(payload []byte, kind string) error {
	for at := 0; at+8 <= len(payload); {
		if string(payload[at+4:at+8]) == kind {
			return put(payload[at:], 0, hugeBox)
		}
		size := int64(isom.Word(payload, at))
		if size < 8 || size > int64(len(payload)-at) {
			break
		}
		at += int(size)
	}
	return errNoTable
}

// tables are the sample tables of a payload's first track, which are parts of the payload.
type tables struct{ stbl *isom.Box }

// body gives the body of a table; nil if it is missing.
func (t tables) body(kind string) []byte {
	if b := t.stbl.Find(kind); b != nil {
		return b.Body
	}
	return nil
}

// findTables finds the tables of a payload's first track.
func findTables(payload []byte) (tables, error) {
	boxes, err := isom.Parse(payload)
	if err != nil {
		return tables{}, fmt.Errorf("fault: payload: %w", err)
	}
	top := &isom.Box{Kids: boxes}
	stbl := top.Find("moov", "trak", "mdia", "minf", "stbl")
	if stbl == nil {
		return tables{}, errNoTable
	}
	return tables{stbl}, nil
}
