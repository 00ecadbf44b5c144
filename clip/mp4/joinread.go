package mp4

import (
	"fmt"
	"time"
)

// read finds out when a part's tracks are shown, and leaves out of tracks what the listing knows nothing of.
func (p *joinPart) read(tracks *[2]*Track, movieScale uint32) error {
	var first, from [2]time.Duration
	for k, t := range tracks {
		if t == nil {
			continue
		}
		err := t.Check()
		if err == nil {
			_, ticks, _ := t.Durations.Total()
			if ns, ok := convert(ticks, uint64(t.Timescale), uint64(time.Second)); !ok || !inJoinTime(ns) {
				err = fmt.Errorf("box %s: %d ticks of 1/%d s: %w", TypeStts, ticks, t.Timescale, ErrMalformed)
			}
		}
		if err == nil {
			first[k], from[k], err = shownFrom(t, movieScale)
		}
		if err != nil {
			return fmt.Errorf("track %s: %w", t.Handler, err)
		}
	}
	if tracks[1] != nil {
		p.lead, p.hidden = first[1]-first[0], from[1]-first[1]
		p.ahead = first[0] - min(from[0], from[1])
	} else {
		p.ahead = first[0] - from[0]
	}
	p.Fragments = nil // a day has very many
	return nil
}
