package mp4test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/isom"
)

// Words gives numbers as big-endian 32-bit fields.
func Words(list ...uint32) string {
	var b []byte
	for _, v := range list {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return string(b)
}

// Tables are the boxes of a sample table by type; one that is empty is left out.
type Tables map[string]string

// Fits is a set of tables that agree: three samples of 5, 6 and 7 bytes in two chunks.
func Fits() Tables {
	return Tables{
		"stsd": Words(0, 1) + Box("alaw", strings.Repeat("\x00", 28)),
		"stts": Words(0, 2, 2, 10, 1, 20),
		"ctts": Words(0, 1, 3, 4),
		"stss": Words(0, 1, 2),
		"stsz": Words(0, 0, 3, 5, 6, 7),
		"stsc": Words(0, 2, 1, 2, 1, 2, 1, 1),
		"stco": Words(0, 2, 100, 200),
	}
}

// MovieOf makes a moov of one sound track with these tables.
func MovieOf(list Tables) []byte {
	var stbl strings.Builder
	for _, kind := range []string{"stsd", "stts", "ctts", "stss", "stsz", "stz2", "stsc", "stco", "co64"} {
		if body, ok := list[kind]; ok {
			stbl.WriteString(Box(kind, body))
		}
	}
	return []byte(Box("moov",
		Box("mvhd", Words(0, 0, 0, 1000, 0)+strings.Repeat("\x00", 80))+
			Box("trak", Box("tkhd", strings.Repeat("\x00", 84))+
				Box("mdia", Box("mdhd", Words(0, 0, 0, 1000, 0, 0))+
					Box("hdlr", Words(0, 0)+"soun"+strings.Repeat("\x00", 13))+
					Box("minf", Box("stbl", stbl.String()))))))
}

// Box makes a box with a 32-bit size.
func Box(kind string, body string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))) + kind + body
}

// Seeds are movies that reach every parser: our own, hand-made tables, and each with one thing wrong.
func Seeds(f *testing.F) [][]byte {
	f.Helper()
	all := [][]byte{MovieOf(Fits()), Moov(f, bytes.NewReader(Build(f, Small(Fixed()))))}
	late := Small(time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC))
	late.Tracks[0].Edits[0].Duration = 1 << 40
	late.Tracks[1].Entries = [][]byte{isom.NewAACEntry([]byte{0x12, 0x10}, 44100, 2)}
	all = append(all, Moov(f, bytes.NewReader(Build(f, late))))
	for kind, body := range map[string]string{
		"stz2": Words(0, 4, 3) + "\x56\x70",
		"co64": Words(0, 2, 1, 100, 0, 200),
		"stsz": Words(0, 1, 0xffffffff),
		"stts": Words(0, 1, 0xffffffff, 0xffffffff),
		"stsc": Words(0, 1, 1, 0xffffffff, 1),
	} {
		list := Fits()
		switch kind {
		case "stz2":
			delete(list, "stsz")
		case "co64":
			delete(list, "stco")
		}
		list[kind] = body
		all = append(all, MovieOf(list))
	}
	return all
}
