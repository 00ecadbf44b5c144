package footage

import (
	"context"
	"errors"
	"io"
	"time"
)

// Moov says where the moov box of a payload stands.
type Moov int

const (
	// MoovFirst puts moov before mdat.
	MoovFirst Moov = iota
	// MoovLast puts moov after mdat.
	MoovLast
)

// Gaps says what a payload does about a gap between its fragments.
type Gaps int

const (
	// GapsKeep keeps the wall clock: the last frame before a gap lasts until the first one after it.
	GapsKeep Gaps = iota
	// GapsClose plays only what was recorded.
	GapsClose
)

// Muxer says what makes a payload.
type Muxer int

const (
	// MuxerBuiltin is package clip/mp4.
	MuxerBuiltin Muxer = iota
	// MuxerFFmpeg is ffmpeg, told to write what real clips have: hvc1, video timescale 1000.
	MuxerFFmpeg
	// MuxerFFmpegDefaults is ffmpeg with its own defaults.
	MuxerFFmpegDefaults
)

// PayloadOptions say how a payload is made. The zero value works.
type PayloadOptions struct {
	Moov  Moov
	Gaps  Gaps
	Muxer Muxer
	// Created is what the payload says about when it was made; the zero time leaves that unset.
	Created time.Time
	// TempDir is where ffmpeg's files go; empty means the system's directory for temporary files.
	TempDir string
}

// Payload is the MP4 that GetClip makes of fragments.
type Payload struct{}

// PlanPayload plans the payload of fragments, which stand in the order of their timestamps. Errors are ErrNoFragments,
// ErrUnsupportedMedia, ErrNoCodecPrivateData and ErrCodecChange.
func PlanPayload(frags []Fragment, o PayloadOptions) (*Payload, error) {
	return nil, errors.ErrUnsupported
}

// Render does what takes time: it runs ffmpeg where that is the muxer, until ctx ends. It comes before Size and WriteTo.
func (p *Payload) Render(ctx context.Context) error { return errors.ErrUnsupported }

// Size is the number of bytes that WriteTo writes.
func (p *Payload) Size() int64 { return 0 }

// WriteTo writes the payload, front to back. It may be called again, and by several at a time.
func (p *Payload) WriteTo(w io.Writer) (int64, error) { return 0, errors.ErrUnsupported }

// Close removes what Render left on disk.
func (p *Payload) Close() error { return nil }
