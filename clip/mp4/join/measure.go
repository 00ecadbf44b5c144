package join

import (
	"context"
	"fmt"
	"math"
	"time"

	"clipfs/clip/mp4"
)

// movieTimescale is that of the movie header: milliseconds.
const movieTimescale = 1000

// maxTimescale is the finest that a joined video track is counted in: its least common multiple is taken up to here.
const maxTimescale = 10_000_000

// scale chooses the timescales and measures the parts in them.
func (b *joiner) scale(ctx context.Context) error {
	if err := b.chooseTimescales(); err != nil {
		return err
	}
	return b.each(ctx, func(p *inputPart, tracks [2]*mp4.Track, _ *mp4.Movie) error {
		for k, t := range tracks {
			if t == nil {
				continue
			}
			if err := b.tracks[k].measure(&p.track[k], t); err != nil {
				return fmt.Errorf("track %s: %w", t.Handler, err)
			}
		}
		return nil
	})
}

// chooseTimescales takes for video the least common multiple of the parts', where that is at most maxTimescale and the
// longest distance between two parts fits 32 bits of it, else the first of 90000, 48000 and 1000 that it fits. Sound
// has its sampling rate, or 1000 if the length of the clip does not fit 32 bits of that.
func (b *joiner) chooseTimescales() error {
	video, sound := b.tracks[0], b.tracks[1]
	common, fits := uint64(1), true
	var longest time.Duration
	first, last := b.parts[0].Start, b.parts[0].Start
	for i := range b.parts {
		p := &b.parts[i]
		if fits {
			common, fits = lcm(common, uint64(p.track[0].timescale), maxTimescale)
		}
		if i > 0 {
			longest = max(longest, p.Start-b.parts[i-1].Start)
		}
		first, last = min(first, p.Start), max(last, p.Start)
	}
	choices := []uint64{90000, 48000, 1000}
	if fits {
		choices = append([]uint64{common}, choices...)
	}
	if video.timescale = firstFit(longest, choices); video.timescale == 0 {
		return fmt.Errorf("parts %v from each other: %w", longest, ErrIncompatible)
	}
	if sound.rate == 0 {
		return nil
	}
	if sound.timescale = firstFit(last-first, []uint64{uint64(sound.rate), 1000}); sound.timescale == 0 {
		return fmt.Errorf("clip of %v with sound: %w", last-first, ErrIncompatible)
	}
	return nil
}

// firstFit gives the first timescale of which d has less than 2^32 ticks, with an hour to spare; 0 if there is none.
func firstFit(d time.Duration, timescales []uint64) uint32 {
	for _, ts := range timescales {
		if ticks, ok := convert(int64(d), uint64(time.Second), ts); ok && ticks+int64(ts)*60 <= math.MaxUint32 {
			return uint32(ts)
		}
	}
	return 0
}

// rescaler gives the one for a part of the track.
func (t *outputTrack) rescaler(p *trackPart) rescaler {
	r := rescaler{in: uint64(p.timescale), out: uint64(t.timescale), nominal: p.nominal}
	if t.timescale != t.rate {
		r.nominal = 0
	}
	return r
}

// measure reads how long a part's samples last in the track's timescale. Only the last one's duration may be 0.
func (t *outputTrack) measure(p *trackPart, own *mp4.Track) error {
	r := t.rescaler(p)
	if !r.exact() && own.Durations.Len() > 0 {
		if t.expanded += uint64(p.samples); t.expanded > maxExpanded {
			return fmt.Errorf("%d samples whose times do not fit the timescale %d: %w", t.expanded, t.timescale, mp4.ErrTooBig)
		}
	}
	var seen uint32
	err := r.runs(own.Durations, func(count uint32, duration int64) error {
		if count == 0 {
			return nil
		}
		if seen == 0 {
			p.opening = duration
		}
		seen += count
		switch {
		case duration > math.MaxUint32:
			return fmt.Errorf("sample of %d ticks: %w", duration, ErrIncompatible)
		case duration <= 0 && (seen != p.samples || count > 1):
			return fmt.Errorf("two samples at one time before sample %d: %w", seen+1, mp4.ErrMalformed)
		}
		p.length += int64(count) * duration
		p.last = duration
		if duration > 0 {
			p.addEnd(mp4.DurationRun{Count: count, Duration: uint32(duration)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.length -= p.last
	p.latest = p.length
	if t.kind == 0 {
		if err := t.measureShown(p, own); err != nil {
			return err
		}
	} else {
		p.measureSizes(own.Sizes)
	}
	if p.last <= 0 {
		if p.last = int64(p.ends[len(p.ends)-1].Duration); p.last == 0 {
			p.last = int64(t.timescale)/25 + 1
		}
		p.tail = tail{samples: 1, to: p.last}
		p.addEnd(mp4.DurationRun{Count: 1, Duration: uint32(p.last)})
	}
	if !t.coding.IsG711() {
		p.frame = p.usual()
	}
	return nil
}

// measureShown reads when the first and the last picture are shown.
func (t *outputTrack) measureShown(p *trackPart, own *mp4.Track) error {
	if own.Offsets.Len() == 0 {
		return nil
	}
	shown := own.Shown()
	p.least = shown.Least
	for _, v := range []int64{shown.Earliest, shown.Latest} {
		if ns, ok := convert(v, uint64(p.timescale), uint64(time.Second)); !ok || !inTime(ns) {
			return fmt.Errorf("box %s: picture %d ticks of 1/%d s from the first: %w", mp4.TypeCtts, v, p.timescale, mp4.ErrMalformed)
		}
	}
	p.earliest, _ = convert(shown.Earliest, uint64(p.timescale), uint64(t.timescale)) // in range: so is maxTime
	p.latest, _ = convert(shown.Latest, uint64(p.timescale), uint64(t.timescale))
	return nil
}

// measureSizes keeps the sizes of the first frames and of the last ones.
func (p *trackPart) measureSizes(sizes mp4.Sizes) {
	for i := range min(maxTwice, sizes.Len()) {
		p.sizes[0][i] = sizes.At(i)
		p.sizes[1][maxTwice-1-i] = sizes.At(sizes.Len() - 1 - i)
	}
}

// durations gives the durations of a part as they stand in the joined file.
func (t *outputTrack) durations(p *trackPart, own *mp4.Track, emit func(count uint32, duration int64) error) error {
	left, tail := p.samples-p.tail.samples, p.tail
	head := int64(p.head)
	inner := func(count uint32, duration int64) error {
		if head > 0 && count > 0 {
			if err := emit(1, duration+head); err != nil {
				return err
			}
			head = 0
			count--
		}
		return emit(count, duration)
	}
	return t.rescaler(p).runs(own.Durations, func(count uint32, duration int64) error {
		body := min(count, left)
		left -= body
		if err := inner(body, duration); err != nil {
			return err
		}
		for range count - body {
			if err := inner(1, tail.next(duration)); err != nil {
				return err
			}
		}
		return nil
	})
}

// offsets gives the composition offsets of a part as they stand in the joined file. Of samples that are decoded at
// another time than in the payload they make up for it.
func (t *outputTrack) offsets(p *trackPart, own *mp4.Track, emit func(count uint32, offset int64) error) error {
	if t.kind == 1 {
		if err := emit(1, p.shift+int64(p.head)); err != nil {
			return err
		}
		return emit(p.samples-1, p.shift)
	}
	earlier := t.earlier(p, own)
	left := p.samples - uint32(len(earlier))
	add := func(count uint32, offset int64) error {
		body := min(count, left)
		left -= body
		if err := emit(body, offset+p.shift); err != nil {
			return err
		}
		for range count - body {
			if err := emit(1, offset+p.shift+earlier[0]); err != nil {
				return err
			}
			earlier = earlier[1:]
		}
		return nil
	}
	if own.Offsets.Samples() == 0 {
		return add(p.samples, 0)
	}
	same := p.timescale == t.timescale
	for r := range own.Offsets.Runs() {
		scaled := int64(r.Offset)
		if !same {
			scaled, _ = convert(scaled, uint64(p.timescale), uint64(t.timescale)) // 64 bits hold it
		}
		var err error
		if r.Count <= left {
			left -= r.Count
			err = emit(r.Count, scaled+p.shift)
		} else {
			err = add(r.Count, scaled)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// earlier gives by how much the last samples of a part are decoded earlier than in the payload; the last one of them is
// the part's last. None where all are decoded at their time.
func (t *outputTrack) earlier(p *trackPart, own *mp4.Track) []int64 {
	if p.tail.samples < 2 { // the last sample's own duration moves nothing
		return nil
	}
	list := make([]int64, 0, p.tail.samples)
	left, tail := p.samples-p.tail.samples, p.tail
	_ = t.rescaler(p).runs(own.Durations, func(count uint32, duration int64) error {
		body := min(count, left)
		left -= body
		for range count - body {
			list = append(list, tail.was-tail.is)
			tail.next(duration)
		}
		return nil
	}) // the table was gone through before
	return list
}
