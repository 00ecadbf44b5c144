package emulator_test

import (
	"encoding/binary"
	"slices"
)

// element makes an element of Matroska.
func element(id uint32, content ...[]byte) []byte {
	body := slices.Concat(content...)
	return slices.Concat(elementID(id), binary.BigEndian.AppendUint64(nil, 1<<56|uint64(len(body))), body)
}

// endless makes the header of an element without a size.
func endless(id uint32) []byte { return append(elementID(id), 0xff) }

func elementID(id uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, id)
	for b[0] == 0 {
		b = b[1:]
	}
	return b
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// track makes a TrackEntry of video.
func track(n uint64) []byte {
	return element(0xae, element(0xd7, number(n)), element(0x83, number(1)), element(0x86, []byte("V_MPEG4/ISO/AVC")))
}

// matroska makes what a producer sends, by hand.
type matroska struct {
	// header goes before the next cluster.
	header []byte
}

// newMatroska begins a file with these tracks, or with track 1.
func newMatroska(tracks ...uint64) *matroska {
	if len(tracks) == 0 {
		tracks = []uint64{1}
	}
	var entries [][]byte
	for _, n := range tracks {
		entries = append(entries, track(n))
	}
	return &matroska{header: slices.Concat(element(0x1a45dfa3, element(0x4282, []byte("matroska"))), endless(0x18538067),
		element(0x1549a966, element(0x2ad7b1, number(1_000_000))), element(0x1654ae6b, entries...))}
}

// frame is a block: its track and its time from the cluster's.
type frame struct {
	track byte
	at    int16
	key   bool
}

func (f frame) block() []byte {
	flags := byte(0)
	if f.key {
		flags = 0x80
	}
	return slices.Concat([]byte{0x80 | f.track}, binary.BigEndian.AppendUint16(nil, uint16(f.at)), []byte{flags}, []byte("frame"))
}

// cluster makes a cluster without a size, and what goes before it.
func (m *matroska) cluster(timecode uint64, frames ...frame) []byte {
	out := slices.Concat(m.header, endless(0x1f43b675), element(0xe7, number(timecode)))
	for _, f := range frames {
		out = append(out, element(0xa3, f.block())...)
	}
	return out
}

// tags makes a Tags element of tags with these names and values.
func tags(pairs ...string) []byte {
	var simple [][]byte
	for i := 0; i < len(pairs); i += 2 {
		simple = append(simple, element(0x67c8, element(0x45a3, []byte(pairs[i])), element(0x4487, []byte(pairs[i+1]))))
	}
	return element(0x1254c367, element(0x7373, simple...))
}
