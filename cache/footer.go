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
	// headerSize is the length of the part of a footer that does not depend on the entry's size.
	headerSize = 512
	// maxStream and maxKind bound the words of About that are kept, in bytes.
	maxStream, maxKind = 256, 64
	// maxEntry is the largest entry that a file can have, so that sums of costs do not overflow.
	maxEntry = 1 << 40
	// blockSize is the unit in which the budget is counted: the block of the common Linux file systems. A file of n bytes
	// takes n rounded up to it.
	blockSize = 4096
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

// String names the entry for people, who never see its key: in errors, and in logs above debug.
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

// footer stands behind the bytes of a whole entry: a header, then the checksums.
type footer struct {
	about   About
	expires time.Time // zero: never
	sums    []uint32  // CRC-32C of each sumBlock bytes; nil where only the header was read
}

// header is how a footer begins on disk, integers little-endian. Stream and kind stand behind it, then zeros up to
// headerSize. Times are in ms since 1970, 0 for none.
type header struct {
	Magic                    [8]byte
	HeaderSum                uint32 // CRC-32C of what follows SumsSum, up to headerSize
	SumsSum                  uint32 // CRC-32C of the checksums
	Size                     int64  // of the entry
	Expires, Start, End      int64
	Fragments                int32
	StreamLength, KindLength uint16
}

// headerFixed is the length of a header, summedFrom where begins what HeaderSum covers.
const headerFixed, summedFrom = 56, 16

func magic() [8]byte { return [8]byte([]byte("clipfs\x00\x01")) }

func fileSize(size int64) int64 { return size + headerSize + 4*sumsOf(size) }

func blocks(n int64) int64 { return (n + blockSize - 1) / blockSize * blockSize }

func costOf(size int64) int64 { return blocks(fileSize(size)) }

func (f footer) encode(size int64) []byte {
	stream, kind := f.about.Stream, f.about.Kind
	stream, kind = stream[:min(len(stream), maxStream)], kind[:min(len(kind), maxKind)]
	b := make([]byte, fileSize(size)-size)
	for i, sum := range f.sums {
		binary.LittleEndian.PutUint32(b[headerSize+4*i:], sum)
	}
	copy(b[headerFixed:], stream+kind)
	h := header{
		Magic: magic(), SumsSum: castagnoli(0, b[headerSize:]), Size: size,
		Expires: millis(f.expires), Start: millis(f.about.Start), End: millis(f.about.End),
		Fragments: int32(f.about.Fragments), StreamLength: uint16(len(stream)), KindLength: uint16(len(kind)),
	}
	for range 2 { // the sum covers the rest
		_, _ = binary.Encode(b, binary.LittleEndian, h) // there is space
		h.HeaderSum = castagnoli(0, b[summedFrom:headerSize])
	}
	return b
}

// errFooter: what stands behind an entry is not its footer.
var errFooter = errors.New("the file's footer is damaged")

// readFooter reads what a whole file says of its entry, with the checksums if withSums is set.
func readFooter(r io.ReaderAt, size int64, withSums bool) (footer, error) {
	b := make([]byte, headerSize, fileSize(size)-size)
	if withSums {
		b = b[:cap(b)]
	}
	if _, err := r.ReadAt(b, size); errors.Is(err, io.EOF) {
		return footer{}, errFooter
	} else if err != nil {
		return footer{}, err
	}
	var h header
	_, _ = binary.Decode(b, binary.LittleEndian, &h) // there is enough
	if h.Magic != magic() || h.HeaderSum != castagnoli(0, b[summedFrom:headerSize]) || h.Size != size ||
		h.StreamLength > maxStream || h.KindLength > maxKind {
		return footer{}, errFooter
	}
	words := string(b[headerFixed:headerSize])
	f := footer{expires: timeOf(h.Expires), about: About{
		Stream: words[:h.StreamLength], Kind: words[h.StreamLength : h.StreamLength+h.KindLength],
		Start: timeOf(h.Start), End: timeOf(h.End), Fragments: int(h.Fragments),
	}}
	if sums := b[headerSize:]; withSums {
		if castagnoli(0, sums) != h.SumsSum {
			return footer{}, fmt.Errorf("checksums: %w", errFooter)
		}
		f.sums = make([]uint32, len(sums)/4)
		_, _ = binary.Decode(sums, binary.LittleEndian, f.sums) // there are as many
	}
	return f, nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
