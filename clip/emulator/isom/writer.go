package isom

import (
	"cmp"
	"fmt"
	"io"
)

// Writer writes one plain MP4 file: ftyp, moov and mdat, or ftyp, mdat and moov. The file is planned when the Writer is made,
// so its size is known and the media is streamed through. A Writer does not change after that and is safe for concurrent use
// where the Data of its chunks is.
type Writer struct {
	// before and after are what surrounds the media.
	before, after Slices
	chunks        []OutputChunk
	media         int64
}

// NewWriter plans the file. ErrPlan where the output does not fit together: samples without chunks, chunks whose size is not
// that of their samples, values out of the format's range; ErrTooBig if its moov would be beyond maxMoov.
func NewWriter(out Output) (*Writer, error) {
	out.Timescale = cmp.Or(out.Timescale, 1000)
	p, err := newPlan(&out)
	if err != nil {
		return nil, err
	}
	w := &Writer{chunks: out.Chunks, media: p.media}
	ftyp, mdat := p.ftyp(), mdatHeader(p.media)
	base := int64(len(ftyp) + len(mdat))
	if out.MoovLast {
		w.before, w.after = Slices{ftyp, mdat}, Slices{p.moov(base)}
		return w, nil
	}
	// Offsets depend on the size of moov, and that on nothing but the width of the offsets. They get wider only, so this ends.
	moov, size := p.moov(base), -1
	for size != len(moov) {
		size = len(moov)
		moov = p.moov(base + int64(size))
	}
	w.before = Slices{ftyp, moov, mdat}
	return w, nil
}

// Size is the size of the file in bytes.
func (w *Writer) Size() int64 { return w.before.Size() + w.media + w.after.Size() }

// HeadSize is how many bytes stand before the media: with moov first, the head of the file.
func (w *Writer) HeadSize() int64 { return w.before.Size() }

// WriteTo writes the file front to back and may be called any number of times. It fails with what the writer or a chunk's
// Data fails with, and with ErrPlan if a Data gives another number of bytes than it announced.
func (w *Writer) WriteTo(to io.Writer) (int64, error) {
	n, err := w.before.WriteTo(to)
	if err != nil {
		return n, err
	}
	for i, c := range w.chunks {
		k, err := c.Data.WriteTo(to)
		n += k
		if err != nil {
			return n, fmt.Errorf("chunk %d of track %d: %w", i, c.Track+1, err)
		}
		if want := c.Data.Size(); k != want {
			return n, fmt.Errorf("chunk %d of track %d: wrote %d bytes of %d: %w", i, c.Track+1, k, want, ErrPlan)
		}
	}
	k, err := w.after.WriteTo(to)
	return n + k, err
}

var _ io.WriterTo = (*Writer)(nil)
