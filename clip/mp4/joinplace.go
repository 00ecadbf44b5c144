package mp4

import (
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

// placer puts part after part on the time of the joined file, which it counts from the first video sample shown.
type placer struct {
	b     *joiner
	video *joinTrack
	sound *joinTrack
	// lastVideo and lastSound are the parts' shares before, nil if there is none.
	lastVideo, lastSound *trackPart
	// shift is what is added to a part's Start since the last gap or overlap.
	shift time.Duration
}

// place gives every part its time.
func (b *joiner) place() error {
	b.alignOffsets()
	pl := placer{b: b, video: b.tracks[0], sound: b.tracks[1], shift: -b.parts[0].Start}
	for i := range b.parts {
		p := &b.parts[i]
		if err := pl.part(p, i == 0); err != nil {
			return &PartError{Part: i, Err: err}
		}
	}
	return b.begin()
}

// alignOffsets makes the composition offset of the first video sample of every part the same, the largest that one
// has: then decoding times are as far from each other as the times shown, whatever muxer wrote the parts.
func (b *joiner) alignOffsets() {
	largest := int64(0)
	offset := func(p *joinPart) int64 {
		v, _ := convert(int64(p.track[0].offset), uint64(p.track[0].timescale), uint64(b.tracks[0].timescale)) // 64 bits hold it
		return v
	}
	for i := range b.parts {
		largest = max(largest, offset(&b.parts[i]))
	}
	for i := range b.parts {
		b.parts[i].track[0].shift = largest - offset(&b.parts[i])
	}
}

// ticks gives a time in ticks of a track.
func (t *joinTrack) toTicks(d time.Duration) int64 {
	v, _ := convert(int64(d), uint64(time.Second), uint64(t.timescale)) // within maxJoinTime some times over
	return v
}

// toTime gives ticks of a track as a time.
func (t *joinTrack) toTime(ticks int64) time.Duration {
	v, _ := convert(ticks, uint64(t.timescale), uint64(time.Second))
	return time.Duration(v)
}

// part places one part.
func (pl *placer) part(p *joinPart, first bool) error {
	v, s := &p.track[0], &p.track[1]
	moved := first
	if p.GapBefore && !first {
		moved = true
		pl.shift = -pl.b.parts[0].Start
		if pl.b.o.Gaps == CloseGaps {
			pl.shift = pl.video.toTime(pl.lastVideo.end()) - p.Start
		}
	}
	v.first = pl.video.toTicks(p.Start + pl.shift)
	if pl.lastVideo != nil {
		if at := pl.afterVideo(v.first); at > v.first {
			v.first, moved = at, true
		}
		if at := pl.afterSound(p, v.first); at > v.first {
			v.first, moved = at, true
		}
		if moved {
			pl.shift = pl.video.toTime(v.first) - p.Start
		}
		if err := pl.meet(pl.lastVideo, v.first); err != nil {
			return err
		}
	}
	if s.samples > 0 {
		if err := pl.placeSound(p); err != nil {
			return err
		}
		pl.lastSound = s
	}
	pl.lastVideo = v
	if moved {
		pl.b.addTime(TimePoint{File: pl.video.toTime(v.first), Clip: p.Start})
	}
	return nil
}

// addTime notes where a part stands unless the point before says so already.
func (b *joiner) addTime(p TimePoint) {
	if n := len(b.times); n > 0 {
		last := b.times[n-1]
		if d := (p.Clip - last.Clip) - (p.File - last.File); d < time.Microsecond && d > -time.Microsecond {
			return
		}
	}
	b.times = append(b.times, p)
}

// afterVideo gives where the first video sample of a part can stand that should stand at: there, or right after what
// precedes it where it would stand on or before the last sample.
func (pl *placer) afterVideo(at int64) int64 {
	last := pl.lastVideo
	if at-(last.first+last.length) >= min(last.last, max(2, pl.video.toTicks(nearest))) {
		return at
	}
	return last.end()
}

// afterSound gives where a part's video has to stand, at the earliest, so that its sound follows what precedes it.
func (pl *placer) afterSound(p *joinPart, at int64) int64 {
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
func (pl *placer) soundAt(p *joinPart, at int64) int64 {
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

// placeSound places the sound of a part whose video is placed.
func (pl *placer) placeSound(p *joinPart) error {
	s := &p.track[1]
	s.first = pl.soundAt(p, p.track[0].first)
	last := pl.lastSound
	if last == nil {
		return nil
	}
	off := s.first - last.end()
	switch {
	case off <= pl.tolerance(s) && off >= -pl.tolerance(s):
		s.first = last.end()
		return nil
	case off > 0:
		return pl.meet(last, s.first)
	}
	if shorter, ok := pl.shortened(-off, s); ok {
		last.tail = shorter
		return nil
	}
	s.first = last.end() // the video was moved so that they meet, but for rounding
	return nil
}

// meet makes the last sample of a part last until at.
func (pl *placer) meet(last *trackPart, at int64) error {
	d := at - (last.first + last.length)
	if d <= 0 || d > math.MaxUint32 {
		return fmt.Errorf("%d ticks after the sample before: %w", d, ErrIncompatible)
	}
	if d != last.last || last.tail.samples > 0 {
		last.tail = tail{samples: 1, to: d}
	}
	return nil
}

// begin settles where the file begins: with the first video sample, or so much earlier that all sound is in it.
func (b *joiner) begin() error {
	video, sound := b.tracks[0], b.tracks[1]
	var firstSound *trackPart
	for i := range b.parts {
		if s := &b.parts[i].track[1]; s.samples > 0 {
			firstSound = s
			break
		}
	}
	lead := int64(0) // of the first video sample, in its ticks
	if firstSound != nil && firstSound.first < 0 {
		lead = max(0, video.toTicks(sound.toTime(-firstSound.first)+time.Duration(int64(time.Second)/int64(video.timescale)/2)))
	}
	v := &b.parts[0].track[0]
	scaled, _ := convert(int64(v.offset), uint64(v.timescale), uint64(video.timescale)) // 64 bits hold it
	delay := scaled + v.shift
	if more := lead - delay; more > 0 {
		for i := range b.parts {
			b.parts[i].track[0].shift += more
		}
		delay = lead
	}
	if delay > lead {
		video.edit = &Edit{MediaTime: delay - lead, Rate: EditRate}
	}
	video.lead = uint64(lead)
	begins := video.toTime(lead)
	for i := range b.times {
		b.times[i].File += begins
	}
	if b.times[0].File > 0 { // the first point counts from the file's beginning
		b.times[0].Clip -= b.times[0].File
		b.times[0].File = 0
	}
	if firstSound == nil {
		return nil
	}
	at := firstSound.first + sound.toTicks(begins)
	switch small := max(1, int64(sound.timescale)/1000); {
	case at <= small:
		return nil
	case at > math.MaxInt32:
		return fmt.Errorf("sound begins %v after the video: %w", sound.toTime(at), ErrIncompatible)
	}
	firstSound.head = uint32(at)
	return nil
}
