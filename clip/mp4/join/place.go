package join

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Distances between samples at the joint of two parts.
const (
	// nearest is how close to the last sample of a part the first of the next may stand: closer is an overlap.
	nearest = 2 * time.Millisecond
	// seam is how far sound may be off and still go on without a seam, where its frames are shorter or, as with G.711,
	// it has none.
	seam = 20 * time.Millisecond
)

// placer puts part after part on the time of the joined file, which it counts from the Start of the first part.
type placer struct {
	b     *joiner
	video *outputTrack
	sound *outputTrack
	// lastVideo and lastSound are the parts' shares before, nil if there is none.
	lastVideo, lastSound *trackPart
	// shift is what is added to a part's Start since the last gap or overlap.
	shift time.Duration
}

// place gives every part its time.
func (b *joiner) place(context.Context) error {
	pl := placer{b: b, video: b.tracks[0], sound: b.tracks[1], shift: -b.parts[0].Start}
	for i := range b.parts {
		p := &b.parts[i]
		if err := pl.part(p, i == 0); err != nil {
			return &PartError{Part: i, Err: err}
		}
	}
	return b.begin()
}

// ticks gives a time in ticks of a track.
func (t *outputTrack) toTicks(d time.Duration) int64 {
	v, _ := convert(int64(d), uint64(time.Second), uint64(t.timescale)) // within maxTime some times over
	return v
}

// toTime gives ticks of a track as a time.
func (t *outputTrack) toTime(ticks int64) time.Duration {
	v, _ := convert(ticks, uint64(t.timescale), uint64(time.Second))
	return time.Duration(v)
}

// part places one part.
func (pl *placer) part(p *inputPart, first bool) error {
	v, s := &p.track[0], &p.track[1]
	free := pl.pictures(p, first)
	if last := pl.lastVideo; last != nil && v.first-last.first-last.length > math.MaxUint32 {
		return fmt.Errorf("%d ticks after the first picture before: %w", v.first-last.first, ErrIncompatible)
	}
	if s.samples > 0 {
		if err := pl.placeSound(p, free); err != nil {
			return err
		}
		pl.lastSound = s
	}
	pl.lastVideo = v
	pl.b.addTime(TimePoint{File: pl.video.toTime(v.first), Clip: p.Start + p.ahead})
	return nil
}

// pictures places the video of a part. It reports whether that is elsewhere than at its time.
func (pl *placer) pictures(p *inputPart, first bool) (free bool) {
	v, last := &p.track[0], pl.lastVideo
	if p.GapBefore && !first {
		pl.shift = -pl.b.parts[0].Start
		if pl.b.o.Gaps == CloseGaps {
			free = true
			pl.shift = pl.video.toTime(last.shownEnd()-v.earliest) - p.Start - p.ahead
		}
	}
	v.first = pl.video.toTicks(p.Start + p.ahead + pl.shift)
	if last == nil {
		return free
	}
	if at := pl.afterVideo(v); at > v.first {
		v.first, free = at, true
	}
	if free {
		v.first = max(v.first, pl.afterSound(p, v.first))
	}
	if !last.meet(v.first - last.first) { // more pictures than ticks up to this one
		v.first, free = last.end(), true
	}
	if free {
		pl.shift = pl.video.toTime(v.first) - p.Start - p.ahead
	}
	return free
}

// addTime notes where a part stands unless the point before says so already.
func (b *joiner) addTime(p TimePoint) {
	if n := len(b.times); n > 0 {
		last := b.times[n-1]
		tick := time.Second/time.Duration(b.tracks[0].timescale)/2 + time.Microsecond
		if d := (p.Clip - last.Clip) - (p.File - last.File); d < tick && d > -tick {
			return
		}
	}
	b.times = append(b.times, p)
}

// afterVideo gives where the first video sample of a part can stand: where it does, or so that the earliest picture
// follows what precedes it, where that would be shown on or before the last picture.
func (pl *placer) afterVideo(v *trackPart) int64 {
	last := pl.lastVideo
	if v.first+v.earliest-(last.first+last.latest) >= min(last.last, max(2, pl.video.toTicks(nearest))) {
		return v.first
	}
	return last.shownEnd() - v.earliest
}

// afterSound gives where a part's video has to stand, at the earliest, so that its sound follows what precedes it.
func (pl *placer) afterSound(p *inputPart, at int64) int64 {
	if pl.lastSound == nil || p.track[1].samples == 0 {
		return at
	}
	want := pl.soundAt(p, at)
	early := pl.lastSound.end() - want
	if early <= pl.tolerance(&p.track[1]) {
		return at
	}
	if _, ok := pl.shortened(early, &p.track[1]); ok {
		return at
	}
	return at + pl.video.toTicks(pl.sound.toTime(early)) + 1
}

// soundAt gives where a part's sound begins if its video begins at.
func (pl *placer) soundAt(p *inputPart, at int64) int64 {
	return pl.sound.toTicks(pl.video.toTime(at) + p.lead)
}

// tolerance is one sound frame, or seam.
func (pl *placer) tolerance(s *trackPart) int64 {
	return max(s.frame, pl.sound.toTicks(seam))
}

// shortened gives the last frames before, shortened by so many ticks together, and whether they can be: it is no more
// than drift, or what an encoder adds at both ends, makes from one part to the next, and none is left with less than
// half.
func (pl *placer) shortened(ticks int64, s *trackPart) (tail, bool) {
	if ticks > 3*pl.tolerance(s) || pl.lastSound.tail.samples > 0 {
		return tail{}, false
	}
	return pl.lastSound.shortened(ticks)
}

// placeSound places the sound of a part whose video is placed; free says that it is not at its time.
func (pl *placer) placeSound(p *inputPart, free bool) error {
	s := &p.track[1]
	s.due = pl.soundAt(p, p.track[0].first)
	s.first = s.due
	last := pl.lastSound
	if last == nil {
		return nil
	}
	if !free {
		last.leaveOut(last.twice(s, s.due+pl.sound.toTicks(p.hidden)))
	}
	if pl.seamless(s) {
		return nil
	}
	early := last.end() - s.first
	if early <= 0 {
		return pl.wait(s)
	}
	if shorter, ok := pl.shortened(early, s); ok {
		last.tail = shorter
		return nil
	}
	if !free { // pictures stay where they are: of sound that was recorded twice the later is taken
		last.leaveOut(last.beyond(s.first))
	}
	if pl.seamless(s) {
		return nil
	}
	if last.end() <= s.first {
		return pl.wait(s)
	}
	s.first = last.end() // there is less sound before than can be left out; or the video was moved so that they meet
	return nil
}

// seamless makes a part's sound go on right after the sound before, if that moves it by little.
func (pl *placer) seamless(s *trackPart) bool {
	off := s.first - pl.lastSound.end()
	if off > pl.tolerance(s) || off < -pl.tolerance(s) {
		return false
	}
	s.first = pl.lastSound.end()
	return true
}

// wait makes the last frame of sound last until a part's sound begins.
func (pl *placer) wait(s *trackPart) error {
	last := pl.lastSound
	d := s.first - (last.first + last.length)
	if d > math.MaxUint32 {
		return fmt.Errorf("sound %d ticks after the sample before: %w", d, ErrIncompatible)
	}
	last.tail = tail{samples: 1, to: d}
	return nil
}
