// Package segment wraps the frames of an MP4 file as a segment of a playlist: an MPEG transport stream that stands at a position of
// that playlist. It reads the tables of the file, and of the media only what a read of the segment needs.
package segment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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
	// LeftOut says, in words for people, which stream of the file is not carried; empty if all are.
	LeftOut string

	places []place
}

// place is where a unit stands in the MP4 file, in bytes.
type place struct {
	position int64
	size     int
}

// Options say where a segment stands. The zero value works.
type Options struct {
	// PTS is when the first picture is shown.
	PTS time.Duration
	// Delay is how much earlier than it is shown the first picture is decoded, in ticks of 90 kHz. It is one for all segments
	// of a playlist; where pictures of this file need more, they get it.
	Delay int64
}

// Delay gives how much earlier than it is shown the first picture of a movie is to be decoded, in ticks of 90 kHz: as much as its
// tables say, and as the order of its pictures needs.
func Delay(movie *mp4.Movie) (int64, error) {
	t := movie.Video()
	if t == nil {
		return 0, fmt.Errorf("no pictures: %w", ts.ErrUnsupported)
	}
	c := clock{timescale: int64(t.Timescale)}
	var first *mp4.Sample
	var delay int64
	for s, err := range t.Samples() {
		if err != nil {
			return 0, err
		}
		if first == nil {
			one := s
			first, delay = &one, max(0, int64(s.Offset))
		}
		delay = max(delay, (s.DTS-first.DTS)-(s.PTS()-first.PTS()))
	}
	return c.ticks(delay), nil
}

// Plan plans the segment of a movie: all its pictures, and its sound if that is AAC. ErrUnsupported where no player would know what
// is in it.
func Plan(movie *mp4.Movie, o Options) (*Segment, error) {
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
	p := planner{base: o.PTS.Milliseconds() * (ts.ClockRate / 1000), delay: max(delay, o.Delay), begin: shownFirst(video, movie.Timescale)}
	if err := p.add(video, movie.Timescale, false); err != nil {
		return nil, err
	}
	seg := &Segment{}
	if sound := movie.Sound(); sound != nil {
		if streams.Sound, err = sounds(sound); errors.Is(err, ts.ErrUnsupported) {
			seg.LeftOut = fmt.Sprintf("sound is left out: %s", err)
		} else if err != nil {
			return nil, err
		} else if err := p.add(sound, movie.Timescale, true); err != nil {
			return nil, err
		}
	}
	if seg.Segment, err = ts.Plan(streams, p.units); err != nil {
		return nil, err
	}
	seg.places = p.places
	return seg, nil
}

// Reader gives what reads the segment, whose frames are read from the MP4 file.
func (s *Segment) Reader(file File) *ts.Reader {
	return s.Segment.Reader(func(ctx context.Context, unit int, p []byte) error {
		n, err := file.ReadAt(ctx, p, s.places[unit].position)
		if n == len(p) {
			return nil
		}
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	})
}

// videos reads the entries of a picture track.
func videos(t *mp4.Track) ([]*ts.Video, error) {
	var all []*ts.Video
	for _, e := range t.Entries {
		read, kind := ts.AVC, mp4.TypeAvcC
		record, ok := e.Config(kind)
		if !ok {
			read, kind = ts.HEVC, mp4.TypeHvcC
			record, ok = e.Config(kind)
		}
		if !ok {
			return nil, fmt.Errorf("pictures of %s: %w", e.Type, ts.ErrUnsupported)
		}
		v, err := read(slices.Clone(record))
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// sounds reads the entries of a sound track.
func sounds(t *mp4.Track) ([]*ts.Sound, error) {
	var all []*ts.Sound
	for _, e := range t.Entries {
		if e.Type != mp4.CodingMP4A {
			return nil, fmt.Errorf("sound of %s: %w", e.Type, ts.ErrUnsupported)
		}
		config, err := e.AudioSpecificConfig()
		if err != nil {
			return nil, err
		}
		s, err := ts.NewSound(config)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// planner collects units.
type planner struct {
	base, delay int64
	// begin is when the first picture is shown in the file.
	begin  time.Duration
	units  []ts.Unit
	places []place
}

// add adds the frames of a track. Pictures are decoded at the distances that the file says, the first of them delay before base.
func (p *planner) add(t *mp4.Track, movieScale uint32, sound bool) error {
	c := clockOf(t, movieScale)
	var first *mp4.Sample
	for s, err := range t.Samples() {
		if err != nil {
			return err
		}
		if first == nil {
			one := s
			first = &one
		}
		u := ts.Unit{Sound: sound, Key: s.Sync && !sound, Entry: s.Entry, Size: int(s.Size)}
		u.PTS = p.base + c.ticks(s.PTS()) + ticksOf(c.shift-p.begin)
		if u.DTS = u.PTS; !sound {
			u.DTS = p.base - p.delay + c.ticks(s.DTS-first.DTS)
			u.DTS = min(u.DTS, u.PTS) // ticks are rounded
		}
		p.units, p.places = append(p.units, u), append(p.places, place{s.Position, int(s.Size)})
	}
	return nil
}

// clock turns times of a track into ticks of 90 kHz and into positions of the file.
type clock struct {
	timescale int64
	// shift is by how much later than its media says a frame is shown.
	shift time.Duration
}

// clockOf reads the beginning of the track's edit list: empty time, then the media from a time on.
func clockOf(t *mp4.Track, movieScale uint32) clock {
	c := clock{timescale: int64(t.Timescale)}
	for _, e := range t.Edits {
		if e.MediaTime >= 0 {
			c.shift -= c.length(e.MediaTime)
			break
		}
		c.shift += clock{timescale: int64(movieScale)}.length(int64(e.Duration))
	}
	return c
}

// ticks gives a number of the track's ticks in ticks of 90 kHz, to the nearest one.
func (c clock) ticks(n int64) int64 {
	whole, rest := n/c.timescale, n%c.timescale
	half := c.timescale / 2
	if rest < 0 {
		half = -half
	}
	return whole*ts.ClockRate + (rest*ts.ClockRate+half)/c.timescale
}

// length gives a number of the track's ticks as a time.
func (c clock) length(n int64) time.Duration {
	return time.Duration(n/c.timescale)*time.Second + time.Duration(n%c.timescale*int64(time.Second)/c.timescale)
}

// ticksOf gives a time in ticks of 90 kHz, to the nearest one.
func ticksOf(d time.Duration) int64 { return clock{timescale: int64(time.Second)}.ticks(int64(d)) }

// shownFirst gives when the first picture in decoding order is shown in the file.
func shownFirst(t *mp4.Track, movieScale uint32) time.Duration {
	c := clockOf(t, movieScale)
	for s, err := range t.Samples() {
		if err == nil {
			return c.shift + c.length(s.PTS())
		}
		break
	}
	return c.shift
}
