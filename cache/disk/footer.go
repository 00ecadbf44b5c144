package disk

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
	// MaxEntry is the largest entry that a file can have, so that sums of costs do not overflow.
	MaxEntry = 1 << 40
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

// Footer is what a whole entry says of itself: a header, then the checksums.
type Footer struct {
	About   About
	Expires time.Time // zero: never
	Sums    []uint32  // CRC-32C of each SumBlock bytes; nil where only the header was read
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

// proofSize is how much space the proof of a pair has behind its footer.
const proofSize = 64

// checksSize is how long the file is that has the checksums of a pair of so many bytes.
func checksSize(size int64) int64 { return footerSize(size) + proofSize }

func footerSize(size int64) int64 { return headerSize + 4*sumsOf(size) }

// Blocks is what a file of n bytes takes of the budget.
func Blocks(n int64) int64 { return (n + blockSize - 1) / blockSize * blockSize }

// Cost is what a whole entry of so many bytes takes of the budget, with its checksums.
func (f Form) Cost(size int64) int64 {
	if f == Pair {
		return Blocks(size) + Blocks(checksSize(size))
	}
	return Blocks(f.fileSize(size))
}

// fileSize is how long the file is that has the bytes of an entry.
func (f Form) fileSize(size int64) int64 {
	if f == Pair {
		return size
	}
	return size + footerSize(size)
}

// footerAt is where the footer begins, in the file that has it.
func (f Form) footerAt(size int64) int64 {
	if f == Pair {
		return 0
	}
	return size
}

// Encode gives the bytes of the footer of an entry of so many bytes.
func (f Footer) Encode(size int64) []byte {
	stream, kind := f.About.Stream, f.About.Kind
	stream, kind = stream[:min(len(stream), maxStream)], kind[:min(len(kind), maxKind)]
	b := make([]byte, footerSize(size))
	for i, sum := range f.Sums {
		binary.LittleEndian.PutUint32(b[headerSize+4*i:], sum)
	}
	copy(b[headerFixed:], stream+kind)
	h := header{
		Magic: magic(), SumsSum: Castagnoli(0, b[headerSize:]), Size: size,
		Expires: millis(f.Expires), Start: millis(f.About.Start), End: millis(f.About.End),
		Fragments: int32(f.About.Fragments), StreamLength: uint16(len(stream)), KindLength: uint16(len(kind)),
	}
	for range 2 { // the sum covers the rest
		_, _ = binary.Encode(b, binary.LittleEndian, h) // there is space
		h.HeaderSum = Castagnoli(0, b[summedFrom:headerSize])
	}
	return b
}

// ReadFooter reads what stands at a position of a file about an entry of so many bytes, with the checksums if withSums is
// set. It is an ErrFooter if that is no footer.
func ReadFooter(r io.ReaderAt, at, size int64, withSums bool) (Footer, error) {
	b := make([]byte, headerSize, footerSize(size))
	if withSums {
		b = b[:cap(b)]
	}
	if _, err := r.ReadAt(b, at); errors.Is(err, io.EOF) {
		return Footer{}, ErrFooter
	} else if err != nil {
		return Footer{}, err
	}
	var h header
	_, _ = binary.Decode(b, binary.LittleEndian, &h) // there is enough
	if h.Magic != magic() || h.HeaderSum != Castagnoli(0, b[summedFrom:headerSize]) || h.Size != size ||
		h.StreamLength > maxStream || h.KindLength > maxKind {
		return Footer{}, ErrFooter
	}
	words := string(b[headerFixed:headerSize])
	f := Footer{Expires: timeOf(h.Expires), About: About{
		Stream: words[:h.StreamLength], Kind: words[h.StreamLength : h.StreamLength+h.KindLength],
		Start: timeOf(h.Start), End: timeOf(h.End), Fragments: int(h.Fragments),
	}}
	if sums := b[headerSize:]; withSums {
		if Castagnoli(0, sums) != h.SumsSum {
			return Footer{}, fmt.Errorf("checksums: %w", ErrFooter)
		}
		f.Sums = make([]uint32, len(sums)/4)
		_, _ = binary.Decode(sums, binary.LittleEndian, f.Sums) // there are as many
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
