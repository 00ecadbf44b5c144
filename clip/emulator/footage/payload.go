package footage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"clipfs/clip/emulator/form"
	"clipfs/clip/emulator/isom"
)

// Moov says where the moov box of a payload stands.
type Moov int

const (
	// MoovFirst puts moov before mdat.
	MoovFirst Moov = iota
	// MoovLast puts moov after mdat.
	MoovLast
)

// ParseMoov reads what the flag --moov takes: "first" or "last".
func ParseMoov(s string) (Moov, error) {
	switch s {
	case "first":
		return MoovFirst, nil
	case "last":
		return MoovLast, nil
	}
	return 0, fmt.Errorf("moov %q: want first or last", s)
}

// Gaps says what a payload does about a gap between its fragments: where one starts more than a second after the last
// frame before it has ended.
type Gaps int

const (
	// GapsKeep keeps the wall clock: the last frame before a gap lasts until the first one after it.
	GapsKeep Gaps = iota
	// GapsClose plays only what was recorded.
	GapsClose
)

// ParseGaps reads what the flag --payload-gaps takes: "keep" or "close".
func ParseGaps(s string) (Gaps, error) {
	switch s {
	case "keep":
		return GapsKeep, nil
	case "close":
		return GapsClose, nil
	}
	return 0, fmt.Errorf("payload gaps %q: want keep or close", s)
}

// Muxer says what makes a payload.
type Muxer int

const (
	// MuxerBuiltin is package isom.
	MuxerBuiltin Muxer = iota
	// MuxerFFmpeg is ffmpeg, told to write what real clips have: hvc1, video timescale 1000.
	MuxerFFmpeg
	// MuxerFFmpegDefaults is ffmpeg with its own defaults.
	MuxerFFmpegDefaults
)

// ParseMuxer reads what the flag --muxer takes: "builtin", "ffmpeg" or "ffmpeg-defaults".
func ParseMuxer(s string) (Muxer, error) {
	switch s {
	case "builtin":
		return MuxerBuiltin, nil
	case "ffmpeg":
		return MuxerFFmpeg, nil
	case "ffmpeg-defaults":
		return MuxerFFmpegDefaults, nil
	}
	return 0, fmt.Errorf("muxer %q: want builtin, ffmpeg or ffmpeg-defaults", s)
}

// Syncs says which pictures a payload lists as sync samples.
type Syncs int

const (
	// SyncsAll lists every picture at which decoding can begin: what producers mark as key frames.
	SyncsAll Syncs = iota
	// SyncsIDR lists IDR pictures alone, as some writers do: no recovery point of H.264 and no CRA of H.265. A payload
	// whose groups of pictures are all open may have none.
	SyncsIDR
)

// ParseSyncs reads what the flag --sync takes: "all" or "idr".
func ParseSyncs(s string) (Syncs, error) {
	switch s {
	case "all":
		return SyncsAll, nil
	case "idr":
		return SyncsIDR, nil
	}
	return 0, fmt.Errorf("sync %q: want all or idr", s)
}

// PayloadOptions say how a payload is made. The zero value works.
type PayloadOptions struct {
	Moov  Moov
	Gaps  Gaps
	Muxer Muxer
	Syncs Syncs
	// Forms are the ways in which it is odd. Those that add or drop fragments are the caller's to follow.
	Forms form.Set
	// Next is the fragment after the last, for form.Joint; nil if there is none.
	Next *Fragment
	// Created is what the payload says about when it was made; the zero time leaves that unset.
	Created time.Time
	// TempDir is where ffmpeg's files go; empty means the system's directory for temporary files.
	TempDir string
}

// ErrNotRendered says that Render was not called or failed.
var ErrNotRendered = errors.New("payload was not rendered")

// Payload is the MP4 that GetClip makes of fragments. Video is track 1 and audio, if there is any, track 2.
//
// The builtin muxer writes no edit list where it can do without (players disagree about them): time 0 is the first
// frame shown, B-frames have negative composition offsets, and the first frame of AAC, which starts less than its own
// length later, is stretched to begin at 0. Audio that begins elsewhere has one empty edit.
type Payload struct {
	opts  PayloadOptions
	frags []Fragment
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

// PlanPayload plans the payload of fragments, which stand in the order of their timestamps. Errors are ErrNoFragments,
// ErrUnsupportedMedia, ErrNoCodecPrivateData and ErrCodecChange.
func PlanPayload(frags []Fragment, o PayloadOptions) (*Payload, error) {
	if len(frags) == 0 {
		return nil, ErrNoFragments
	}
	if err := checkFragments(frags); err != nil {
		return nil, err
	}
	p := &Payload{opts: o, frags: frags, line: newTimeline(frags, o)}
	if o.Muxer != MuxerBuiltin {
		return p, nil
	}
	var err error
	if p.writer, err = p.line.plan(o); err != nil {
		return nil, err
	}
	p.size = p.writer.Size()
	return p, nil
}

// checkFragments checks that fragments can go into one file.
func checkFragments(frags []Fragment) error {
	first := frags[0]
	audio, _ := first.AudioTrack()
	for _, f := range frags {
		a, _ := f.AudioTrack()
		if err := checkTracks(f.VideoTrack(), a); err != nil {
			return fmt.Errorf("fragment %s: %w", f.Number, err)
		}
		if !f.VideoTrack().same(first.VideoTrack()) || !a.same(audio) {
			return fmt.Errorf("fragment %s: %w", f.Number, ErrCodecChange)
		}
	}
	return nil
}

// Render does what takes time: it runs ffmpeg where that is the muxer, until ctx ends, and makes odd forms. It comes before
// Size and WriteTo and is called once.
func (p *Payload) Render(ctx context.Context) error {
	if p.opts.Muxer == MuxerBuiltin {
		return errors.Join(ctx.Err(), p.reshape())
	}
	if err := p.runFFmpeg(ctx); err != nil {
		return errors.Join(err, p.Close())
	}
	if err := p.reshape(); err != nil {
		return errors.Join(err, p.Close())
	}
	return nil
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
