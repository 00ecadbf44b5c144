package segment

import (
	"time"

	"clipfs/clip/mp4"
	"clipfs/clip/ts"
)

// planner collects units.
type planner struct {
	frames Frames
	base   int64
	units  []ts.Unit
	places []int64
	// later is how much later than the first picture each is decoded in the file, in ticks of 90 kHz.
	later []int64
	// silent says that there is no sound among them.
	silent bool
}

// pts gives when a position of the file is shown.
func (p *planner) pts(position time.Duration) int64 { return p.base + ticksOf(position-p.frames.Begin) }

// addPictures adds pictures.
func (p *planner) addPictures(t *mp4.Track, movieScale uint32) error {
	c := clockOf(t, movieScale)
	p.silent = true
	i := -1
	var first mp4.Sample
	for s, err := range t.Samples() {
		if err != nil {
			return err
		}
		if i++; i < p.frames.First {
			continue
		}
		if i >= p.frames.End {
			break
		}
		if i == p.frames.First {
			first = s
		}
		p.later = append(p.later, c.ticks(s.DTS-first.DTS))
		p.add(ts.Unit{Key: s.Sync, Entry: s.Entry, Size: int(s.Size), PTS: p.pts(c.shift + c.length(s.PTS()))}, s)
	}
	return nil
}

// addSound adds frames of sound.
func (p *planner) addSound(t *mp4.Track, movieScale uint32) error {
	c := clockOf(t, movieScale)
	for s, err := range t.Samples() {
		if err != nil {
			return err
		}
		at := c.shift + c.length(s.PTS())
		if at < p.frames.From || at >= p.frames.To {
			continue
		}
		u := ts.Unit{Sound: true, Entry: s.Entry, Size: int(s.Size), PTS: p.pts(at)}
		u.DTS = u.PTS
		p.silent = false
		p.add(u, s)
	}
	return nil
}

// add adds a frame that stands in the file.
func (p *planner) add(u ts.Unit, s mp4.Sample) {
	p.units, p.places = append(p.units, u), append(p.places, s.Position)
}

// addSilence adds silent frames for a length, all of the segment, and gives the sound that they are of: what the movie has, or else what
// the stream has at other times. A player that was told of sound waits for it.
func (p *planner) addSilence(own []*ts.Sound, silence *ts.Sound, length time.Duration) []*ts.Sound {
	if len(own) == 0 {
		own = []*ts.Sound{silence}
	}
	rate := int64(own[0].Rate())
	end := ticksOf(length)
	for n := int64(0); ; n++ {
		at := n * ts.SamplesPerFrame * ts.ClockRate / rate
		if at >= end {
			return own
		}
		p.units = append(p.units, ts.Unit{Sound: true, Silent: true, PTS: p.base + at, DTS: p.base + at})
		p.places = append(p.places, 0)
	}
}
