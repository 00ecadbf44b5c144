package join

import (
	"fmt"
	"time"

	"clipfs/clip/mp4"
)

// read finds out when a part's tracks are shown, and leaves out of tracks what the listing knows nothing of.
func (b *joiner) read(p *inputPart, tracks *[2]*mp4.Track, movieScale uint32) error {
	first, from, err := shownTracks(*tracks, movieScale)
	if err != nil {
		return err
	}
	if len(p.Fragments) > 0 {
		if err := b.leaveOut(p, tracks, &first, &from); err != nil {
			return err
		}
	}
	b.lastListed, b.lastStart = p.Fragments, p.Start
	p.Fragments = nil // a day has very many
	if tracks[1] == nil {
		p.ahead = first[0] - from[0]
		return nil
	}
	p.lead, p.hidden = first[1]-first[0], from[1]-first[1]
	p.ahead = first[0] - min(from[0], from[1])
	return nil
}

// shownTracks gives for each track what shownFrom does, once its tables are known to agree.
func shownTracks(tracks [2]*mp4.Track, movieScale uint32) (first, from [2]time.Duration, err error) {
	for k, t := range tracks {
		if t == nil {
			continue
		}
		err := t.Check()
		if err == nil {
			_, ticks, _ := t.Durations.Total()
			if ns, ok := convert(ticks, uint64(t.Timescale), uint64(time.Second)); !ok || !inTime(ns) {
				err = fmt.Errorf("box %s: %d ticks of 1/%d s: %w", mp4.TypeStts, ticks, t.Timescale, mp4.ErrMalformed)
			}
		}
		if err == nil {
			first[k], from[k], err = shownFrom(t, movieScale)
		}
		if err != nil {
			return first, from, fmt.Errorf("track %s: %w", t.Handler, err)
		}
	}
	return first, from, nil
}

// leaveOut cuts off what a payload has before and behind its fragments.
func (b *joiner) leaveOut(p *inputPart, tracks *[2]*mp4.Track, first, from *[2]time.Duration) error {
	c := comparison{fragments: p.Fragments}
	c.next, c.nextEnds = b.next(p)
	if p.GapBefore {
		for _, f := range b.lastListed {
			c.earlier = append(c.earlier, p.Start-b.lastStart-f.Start)
		}
	} else {
		c.before = b.lastPictures
	}
	for k, t := range tracks {
		if t == nil {
			continue
		}
		c.shown[k] = clockOf(t, first[k])
		if k == 0 || from[k] < c.zero {
			c.zero = from[k]
		}
	}
	c.video, c.sound = tracks[0], tracks[1]
	usual, early := c.usual(), b.startsEarly(&c)
	defer b.keepSizes(tracks)
	if usual && !early || c.samples() > maxExpanded {
		return nil
	}
	c.expand()
	c.compare(early)
	for k, t := range tracks {
		share := &p.track[k]
		if share.skip, share.drop = c.skip[k], c.drop[k]; t == nil || share.skip+share.drop == 0 {
			continue
		}
		if share.skip+share.drop >= t.Sizes.Len() { // all of it: what is there is better than nothing
			share.skip, share.drop = 0, 0
			continue
		}
		if share.skip > 0 {
			first[k] = c.times[k][share.skip]
			from[k] = first[k]
		}
		var err error
		if tracks[k], err = t.Cut(share.skip, share.drop); err != nil {
			return err
		}
	}
	return nil
}

// next gives when the part behind a part begins, from the part's Start on, and when its first fragment ends; 0 where there
// is none, a gap is before it, or it begins before the part's last fragment does.
func (b *joiner) next(p *inputPart) (begins, ends time.Duration) {
	last := p.Fragments[len(p.Fragments)-1].Start
	for i := range b.parts {
		if p != &b.parts[i] || i+1 == len(b.parts) || b.parts[i+1].GapBefore {
			continue
		}
		next := &b.parts[i+1]
		if d := next.Start - p.Start; d > last {
			if len(next.Fragments) > 0 {
				ends = d + next.Fragments[0].Length
			}
			return d, ends
		}
	}
	return 0, 0
}

// keepSizes notes the sizes of the last pictures and of the last frame of sound for the part that comes next.
func (b *joiner) keepSizes(tracks *[2]*mp4.Track) {
	b.lastPictures, b.lastSound = [maxTwice]uint32{}, 0
	sizes := tracks[0].Sizes
	for i := range min(maxTwice, sizes.Len()) {
		b.lastPictures[maxTwice-1-i] = sizes.At(sizes.Len() - 1 - i)
	}
	if tracks[1] != nil {
		b.lastSound = tracks[1].Sizes.At(tracks[1].Sizes.Len() - 1)
	}
}

// startsEarly reports whether a part begins with a frame of sound of the part before: without it the payload ends when
// it was listed to. Where the last frame is sound and all frames are as far apart, it could be the last one that is too
// much as well: then the part before must have ended with a frame of its size, and not all have that size.
func (b *joiner) startsEarly(c *comparison) bool {
	s := c.sound
	if s == nil || s.Sizes.Len() < 3 || c.shown[1].first != c.zero {
		return false
	}
	frame := c.shown[1].time(int64(s.Durations.Run(0).Duration)) - c.zero
	late := min(frame, c.shown[0].first-c.zero) // by how much later it begins without
	if late <= listedTo {
		return false
	}
	if off := c.last[0] - c.zero - c.length() - late; off.Abs() <= listedTo {
		return true
	}
	if off := c.last[1] - c.zero - c.length() - late; off.Abs() > listedTo {
		return false
	}
	return frame-late > listedTo || s.Sizes.At(0) == b.lastSound && !alike(s.Sizes)
}

// alike reports whether the first frames have one size, as those of silence do.
func alike(sizes mp4.Sizes) bool {
	for i := range min(maxTwice, sizes.Len()) {
		if sizes.At(i) != sizes.At(0) {
			return false
		}
	}
	return true
}
