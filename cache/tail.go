package cache

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	// sumBlock is how many bytes one checksum covers. A first read at random has to read that much.
	sumBlock = 64 << 10
	// headerSize is the length of the part of a tail that is there whatever the entry's size.
	headerSize = 512
	// headerFixed is how much of the header comes before the words.
	headerFixed = 56
	// maxStream and maxKind bound the words of About that are kept, in bytes.
	maxStream, maxKind = 256, 64
	// maxEntry is the largest entry that is believed in, so that sums of costs do not overflow.
	maxEntry = 1 << 40
	// tailMagic begins a tail and names its form.
	tailMagic = "clipfs\x00\x01"
)

// About tells people what an entry is. The cache keeps it with the bytes; all of it may be left out.
type About struct {
	// Stream is whose footage it is, at most 256 bytes of it.
	Stream string
	// Kind is what of it, in a word or two, at most 64 bytes.
	Kind string
	// Start and End bound the footage, to the millisecond. Options.MaxAge counts from Start.
	Start, End time.Time
	// Fragments is how many it has.
	Fragments int
}

// String names the entry for people, who never see its key: in errors, and in what is logged above debug.
func (a About) String() string {
	kind := cmp.Or(a.Kind, "entry")
	if a.Stream == "" {
		return "cached " + kind
	}
	if a.Start.IsZero() {
		return fmt.Sprintf("cached %s of %s", kind, a.Stream)
	}
	const layout = "2006-01-02T15:04:05.999Z"
	return fmt.Sprintf("cached %s of %s, %s/%s", kind, a.Stream, a.Start.UTC().Format(layout), a.End.UTC().Format(layout))
}

// tail is what stands behind the bytes of a whole entry.
type tail struct {
	about   About
	expires time.Time // zero: never
	sums    []uint32  // CRC-32C of each sumBlock bytes; nil where only the header was read
}

// tailSize gives how long the tail of an entry is.
func tailSize(size int64) int64 { return headerSize + 4*sumsOf(size) }

// sumsOf gives how many checksums an entry has.
func sumsOf(size int64) int64 { return (size + sumBlock - 1) / sumBlock }

// fileSize gives how long the file of a whole entry is.
func fileSize(size int64) int64 { return size + tailSize(size) }

// encode gives the tail as it stands on disk, integers little-endian:
//
//	 0  magic                          16  size of the entry        48  fragments
//	 8  CRC-32C of header[16:]         24  expires, ms since 1970   52  length of stream
//	12  CRC-32C of the checksums       32  start, ms                54  length of kind
//	                                   40  end, ms                  56  stream, kind
//
// then, from headerSize on, the checksums. A time of 0 is none.
func (t tail) encode(size int64) []byte {
	b := make([]byte, headerSize, tailSize(size))
	for _, sum := range t.sums {
		b = binary.LittleEndian.AppendUint32(b, sum)
	}
	stream, kind := t.about.Stream, t.about.Kind
	stream, kind = stream[:min(len(stream), maxStream)], kind[:min(len(kind), maxKind)]
	copy(b, tailMagic)
	le := binary.LittleEndian
	le.PutUint64(b[16:], uint64(size))
	le.PutUint64(b[24:], uint64(millis(t.expires)))
	le.PutUint64(b[32:], uint64(millis(t.about.Start)))
	le.PutUint64(b[40:], uint64(millis(t.about.End)))
	le.PutUint32(b[48:], uint32(t.about.Fragments))
	le.PutUint16(b[52:], uint16(len(stream)))
	le.PutUint16(b[54:], uint16(len(kind)))
	copy(b[headerFixed:], stream+kind)
	le.PutUint32(b[12:], castagnoli(b[headerSize:]))
	le.PutUint32(b[8:], castagnoli(b[16:headerSize]))
	return b
}

// errTail: what stands behind an entry is not its tail.
var errTail = errors.New("the file's tail is damaged")

// readHeader reads what a whole file says of its entry, without the checksums.
func readHeader(f io.ReaderAt, size int64) (tail, error) {
	b := make([]byte, headerSize)
	if _, err := f.ReadAt(b, size); err != nil {
		return tail{}, tailError(err)
	}
	return parseHeader(b, size)
}

// readTail reads all of a tail.
func readTail(f io.ReaderAt, size int64) (tail, error) {
	b := make([]byte, tailSize(size))
	if _, err := f.ReadAt(b, size); err != nil {
		return tail{}, tailError(err)
	}
	t, err := parseHeader(b[:headerSize], size)
	if err != nil {
		return tail{}, err
	}
	sums := b[headerSize:]
	if castagnoli(sums) != binary.LittleEndian.Uint32(b[12:]) {
		return tail{}, fmt.Errorf("checksums: %w", errTail)
	}
	t.sums = make([]uint32, len(sums)/4)
	for i := range t.sums {
		t.sums[i] = binary.LittleEndian.Uint32(sums[4*i:])
	}
	return t, nil
}

// parseHeader reads the header of a tail.
func parseHeader(b []byte, size int64) (tail, error) {
	le := binary.LittleEndian
	if string(b[:8]) != tailMagic || castagnoli(b[16:]) != le.Uint32(b[8:]) || le.Uint64(b[16:]) != uint64(size) {
		return tail{}, errTail
	}
	stream, kind := int(le.Uint16(b[52:])), int(le.Uint16(b[54:]))
	if stream > maxStream || kind > maxKind {
		return tail{}, errTail
	}
	words := b[headerFixed:]
	return tail{
		expires: timeOf(int64(le.Uint64(b[24:]))),
		about: About{
			Stream: string(words[:stream]), Kind: string(words[stream : stream+kind]),
			Start: timeOf(int64(le.Uint64(b[32:]))), End: timeOf(int64(le.Uint64(b[40:]))),
			Fragments: int(int32(le.Uint32(b[48:]))),
		},
	}, nil
}

// tailError tells a tail that is not there from one that cannot be read.
func tailError(err error) error {
	if errors.Is(err, io.EOF) {
		return errTail
	}
	return err
}

// millis gives a time as it is kept: 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// timeOf gives the time that millis gave, UTC.
func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
