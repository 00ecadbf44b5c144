package form

import (
	"fmt"
	"io"
	"math"
	"slices"

	"clipfs/clip/emulator/isom"
)

// File is a file that was reshaped. It reads the plain file when it is written.
type File struct {
	src    io.ReaderAt
	pieces []piece
}

// Reshape makes another file of a plain one: one moov with its tables whole, and one mdat.
func Reshape(src io.ReaderAt, size int64, o Options) (*File, error) {
	m, err := readMovie(src, size)
	if err == nil {
		err = m.reshape(o)
	}
	var pieces []piece
	switch {
	case err != nil:
	case o.Forms.Has(Fragmented):
		pieces, err = m.fragmented()
	default:
		pieces, err = m.layout(o.Forms)
	}
	if err != nil {
		return nil, fmt.Errorf("reshape: %w", err)
	}
	return &File{src: src, pieces: pieces}, nil
}

// reshape changes the head.
func (m *movie) reshape(o Options) error {
	if o.Syncs != nil {
		m.setSyncs(o.Syncs)
	}
	if o.Forms.Has(Pasp) || o.Forms.Has(Colr) || o.Forms.Has(Compressor) {
		if err := m.entry(o); err != nil {
			return err
		}
	}
	// In movie fragments players disagree about times of showing before those of decoding.
	if o.Forms.Has(Offsets) || o.Forms.Has(Fragmented) {
		if err := m.decodeLate(); err != nil {
			return err
		}
	}
	if o.Forms.Has(Edits) {
		m.splitEdits()
	}
	for form, handler := range map[Form]string{Sound: "soun", Video: "vide"} {
		if o.Forms.Has(form) {
			if err := m.again(handler); err != nil {
				return err
			}
		}
	}
	if o.Forms.Has(Mvex) {
		m.addMvex()
	}
	return nil
}

const (
	// mdatCount is how many mdat boxes Mdats makes, where there are as many chunks.
	mdatCount = 4
	// cutAfter is how much of the media Truncated leaves, in percent.
	cutAfter = 60
)

// layout puts the boxes in order and gives the chunks their places.
func (m *movie) layout(forms Set) ([]piece, error) {
	starts := []int64{0}
	if forms.Has(Mdats) {
		starts = m.divide()
	}
	last := forms.Has(MoovLast) || m.moovLast && !forms.Has(MdatZero) && !forms.Has(Truncated)
	base := int64(len(m.ftyp))
	if !last {
		m.setChunks(0, starts) // for the size of moov
		base += int64(len(m.Moov.Bytes()))
	}
	whole := m.size()
	if base+whole+8*mdatCount > math.MaxUint32 {
		return nil, fmt.Errorf("media of %d bytes: %w", whole, errForm)
	}
	m.setChunks(base, starts)
	pieces := []piece{{bytes: m.ftyp}}
	if !last {
		pieces = append(pieces, piece{bytes: m.Moov.Bytes()})
	}
	end := whole
	if forms.Has(Truncated) {
		end = end * cutAfter / 100
	}
	for i, at := range starts {
		to := whole
		if i+1 < len(starts) {
			to = starts[i+1]
		}
		size := uint32(8 + to - at)
		if i+1 == len(starts) && (forms.Has(MdatZero) || forms.Has(Truncated)) {
			size = 0
		}
		if at < end || i == 0 {
			pieces = append(append(pieces, piece{bytes: append(isom.Words(size), "mdat"...)}), m.section(at, min(to, end))...)
		}
	}
	if last {
		pieces = append(pieces, piece{bytes: m.Moov.Bytes()})
	}
	return pieces, nil
}

// divide gives where several mdat boxes begin: each at a chunk.
func (m *movie) divide() []int64 {
	var chunks []int64
	for _, t := range m.Tracks {
		chunks = append(chunks, t.Chunks...)
	}
	slices.Sort(chunks)
	chunks = slices.Compact(chunks)
	starts := []int64{0}
	for i := 1; i < mdatCount; i++ {
		if at := chunks[len(chunks)*i/mdatCount]; at > starts[len(starts)-1] {
			starts = append(starts, at)
		}
	}
	return starts
}

// setChunks writes the places of the chunks, for a first mdat at base and others where starts says.
func (m *movie) setChunks(base int64, starts []int64) {
	for _, t := range m.Tracks {
		body := isom.Words(0, uint32(len(t.Chunks)))
		for _, at := range t.Chunks {
			boxes, found := slices.BinarySearch(starts, at)
			if found {
				boxes++
			}
			body = append(body, isom.Words(uint32(base+at+8*int64(boxes)))...)
		}
		t.Tables().Put("stco", body)
	}
}

// Size is the number of bytes that WriteTo writes.
func (f *File) Size() int64 {
	var n int64
	for _, p := range f.pieces {
		n += int64(len(p.bytes)) + p.length
	}
	return n
}

// WriteTo writes the file. It may be called again, and by several at a time.
func (f *File) WriteTo(w io.Writer) (int64, error) {
	var n int64
	for _, p := range f.pieces {
		k, err := w.Write(p.bytes)
		n += int64(k)
		if err != nil {
			return n, err
		}
		copied, err := io.Copy(w, io.NewSectionReader(f.src, p.at, p.length))
		n += copied
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

var _ io.WriterTo = (*File)(nil)
