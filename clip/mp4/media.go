package mp4

import (
	"fmt"
	"io"
)

// Data is where the bytes of a chunk come from. WriteTo gives exactly Size bytes and may be called again.
type Data interface {
	Size() int64
	io.WriterTo
}

// Slices is Data in memory, in order.
type Slices [][]byte

// Size implements Data.
func (s Slices) Size() int64 {
	var n int64
	for _, p := range s {
		n += int64(len(p))
	}
	return n
}

// WriteTo implements Data.
func (s Slices) WriteTo(w io.Writer) (int64, error) {
	var n int64
	for _, p := range s {
		k, err := w.Write(p)
		n += int64(k)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Section is Data that lies in a file: Length bytes of Source from Offset on.
type Section struct {
	Source         io.ReaderAt
	Offset, Length int64
}

// Size implements Data.
func (s Section) Size() int64 { return s.Length }

// WriteTo implements Data. A Source that ends too early is io.ErrUnexpectedEOF.
func (s Section) WriteTo(w io.Writer) (int64, error) {
	n, err := io.Copy(w, io.NewSectionReader(s.Source, s.Offset, s.Length))
	if err == nil && n < s.Length {
		err = fmt.Errorf("section at %d: %d of %d bytes: %w", s.Offset, n, s.Length, io.ErrUnexpectedEOF)
	}
	return n, err
}

var (
	_ Data = Slices(nil)
	_ Data = Section{}
)
