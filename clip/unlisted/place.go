package unlisted

import (
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/mp4"
	"clipfs/clip/resolve"
)

// part is a piece that one call brings, and what its payload tells of time.
type part struct {
	resolve.Resolved
	span archive.Span
	// lasts is how long the pictures of the payload last, longest the longest time between two key frames.
	lasts, longest time.Duration
	keyFrames      int
}

// time learns from a track of pictures, which may be nil.
func (p *part) time(video *mp4.Track) error {
	if video == nil {
		return nil
	}
	second := func(ticks int64) time.Duration {
		return time.Duration(float64(ticks) / float64(max(video.Timescale, 1)) * float64(time.Second))
	}
	var end, key int64
	for s, err := range video.Samples() {
		if err != nil {
			return err
		}
		if s.Sync {
			p.longest = max(p.longest, second(s.DTS-key))
			key = s.DTS
			p.keyFrames++
		}
		end = s.DTS + int64(s.Duration)
	}
	p.lasts = second(end)
	p.longest = min(max(p.longest, second(end-key)), archive.MaxFragmentLength)
	return nil
}

// placed gives each part its time, and tells gaps. A part begins where the one before it ends as long as recording goes on,
// but not before its own span does, and not later than the longest fragment after that: its first fragment is the first to
// start in the span. So it is placed within a fragment of where it was recorded, and no error adds up. A gap lies where more
// than a fragment is missing; what follows one is placed where its span begins.
func (m *Minutes) placed(parts []part) []resolve.Resolved {
	out := make([]resolve.Resolved, len(parts))
	var end time.Time
	for i, p := range parts {
		p.Start = p.span.Start
		if i > 0 {
			longest := parts[i-1].longest
			p.Part.GapBefore = p.span.Start.Sub(end) > longest+m.options.Gap
			if latest := p.span.Start.Add(longest); end.After(latest) {
				p.Start = latest
			} else if end.After(p.Start) {
				p.Start = end
			}
		}
		end = p.Start.Add(p.lasts)
		out[i] = p.Resolved
		out[i].Start, out[i].Part.GapBefore = p.Start, p.Part.GapBefore
	}
	return out
}
