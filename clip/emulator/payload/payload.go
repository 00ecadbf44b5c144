package payload

import (
	"errors"
	"io"
	"os"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/form"
	"clipfs/clip/emulator/isom"
)

// ErrNotRendered says that Render was not called or failed.
var ErrNotRendered = errors.New("payload was not rendered")

// Payload is the MP4 that GetClip makes of fragments. Video is track 1 and audio, if there is any, track 2.
//
// The builtin muxer writes no edit list where it can do without (players disagree about them): time 0 is the first
// frame shown, B-frames have negative composition offsets, and the first frame of AAC, which starts less than its own
// length later, is stretched to begin at 0. Audio that begins elsewhere has one empty edit.
type Payload struct {
	opts  Options
	frags []footage.Fragment
	line  *timeline
	// writer is what the builtin muxer planned.
	writer *isom.Writer
	// dir and file hold what ffmpeg made.
	dir  string
	file *os.File
	size int64
	// shaped is what reshape made of the file, or of what the builtin muxer wrote.
	shaped *form.File
}

// Size is the number of bytes that WriteTo writes; 0 before Render.
func (p *Payload) Size() int64 { return p.size }

// WriteTo writes the payload, front to back. It may be called again, and by several at a time.
func (p *Payload) WriteTo(w io.Writer) (int64, error) {
	if p.shaped != nil {
		return p.shaped.WriteTo(w)
	}
	if p.writer != nil {
		return p.writer.WriteTo(w)
	}
	if p.file == nil {
		return 0, ErrNotRendered
	}
	return io.Copy(w, io.NewSectionReader(p.file, 0, p.size))
}

// Close removes what Render left on disk.
func (p *Payload) Close() error {
	var err error
	if p.file != nil {
		err = p.file.Close()
		p.file = nil
	}
	if p.dir != "" {
		err = errors.Join(err, os.RemoveAll(p.dir))
		p.dir = ""
	}
	return err
}

var _ io.WriterTo = (*Payload)(nil)
