// Package segment wraps frames of an MP4 file as a segment of a playlist: an MPEG transport stream that stands at a position of
// that playlist. It reads the tables of the file, and of the media only what a read of the segment needs.
//
//	frames.go   Find, All   which frames of a file belong to a segment, by the times of fragments
//	coding.go   CodingOf    how they are coded
//	segment.go  Plan        where they stand in the segment; decode.go: when pictures are decoded
package segment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"clipfs/clip/mp4"
	"clipfs/clip/ts"
)

// File reads as io.ReaderAt does.
type File interface {
	ReadAt(ctx context.Context, p []byte, off int64) (int, error)
}

// Segment is the plan of a segment.
type Segment struct {
	*ts.Segment
	// places are where the units stand in the MP4 file, in bytes.
	places []int64
}

// Options say where a segment stands. The zero value works.
type Options struct {
	// PTS is when what stands at Frames.Begin is shown.
	PTS time.Duration
	// Delay is how much earlier than it is shown the first picture is decoded, in ticks of 90 kHz. It is one for all segments
	// of a playlist; where pictures of this one need more, they get it.
	Delay int64
	// Silence is sound that a segment without any gets, silent and as long as Length.
	Silence *ts.Sound
	Length  time.Duration
}

// Plan plans the segment of some frames of a movie: pictures, and sound if that is AAC. ErrUnsupported where no player would know what
// is in it.
func Plan(movie *mp4.Movie, frames Frames, o Options) (*Segment, error) {
	video := movie.Video()
	if video == nil {
		return nil, fmt.Errorf("no pictures: %w", ts.ErrUnsupported)
	}
	delay, err := Delay(movie)
	if err != nil {
		return nil, err
	}
	var streams ts.Streams
	if streams.Video, err = videos(video); err != nil {
		return nil, err
	}
	p := planner{frames: frames, base: o.PTS.Milliseconds() * (ts.ClockRate / 1000)}
	if err := p.addPictures(video, movie.Timescale); err != nil {
		return nil, err
	}
	decode(p.units, p.later, max(delay, o.Delay))
	if sound := movie.Sound(); sound != nil {
		if streams.Sound, err = sounds(sound); err == nil {
			err = p.addSound(sound, movie.Timescale)
		}
		if err != nil && !errors.Is(err, ts.ErrUnsupported) { // what is not carried is left out
			return nil, err
		}
	}
	if p.silent && o.Silence != nil {
		streams.Sound = p.addSilence(streams.Sound, o.Silence, o.Length)
	}
	seg, err := ts.Plan(streams, p.units)
	if err != nil {
		return nil, err
	}
	return &Segment{seg, p.places}, nil
}

// Reader gives what reads the segment, whose frames are read from the MP4 file.
func (s *Segment) Reader(file File) *ts.Reader {
	return s.Segment.Reader(func(ctx context.Context, unit int, p []byte) error {
		n, err := file.ReadAt(ctx, p, s.places[unit])
		if n == len(p) {
			return nil
		}
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	})
}
