package join

import (
	"fmt"
	"math"
	"time"

	"clipfs/clip/mp4"
)

// shownFrom gives, by the payload's own clock with edits applied (ISO/IEC 14496-12 8.6.6), when a track's first sample
// in decoding order is shown, and from when on the track is: what comes before is hidden by an edit.
func shownFrom(t *mp4.Track, movieScale uint32) (first, from time.Duration, err error) {
	empty, mediaTime, edited, err := flatten(t, movieScale)
	if err != nil {
		return 0, 0, err
	}
	offset := int64(t.Offsets.First())
	if mediaTime > math.MaxInt64/2 || empty > math.MaxInt64/2 {
		return 0, 0, fmt.Errorf("box %s: time out of range: %w", mp4.TypeElst, mp4.ErrMalformed)
	}
	shown, ok := convert(offset-mediaTime, uint64(t.Timescale), uint64(time.Second))
	delay, okDelay := convert(int64(empty), uint64(movieScale), uint64(time.Second))
	if !ok || !okDelay || !inTime(shown) || !inTime(delay) {
		return 0, 0, fmt.Errorf("first sample: time out of range: %w", mp4.ErrMalformed)
	}
	first = time.Duration(shown + delay)
	if from = first; edited {
		from = max(from, time.Duration(delay))
	}
	return first, from, nil
}

// flatten gives an edit list as empty time, in ticks of the movie, and a part of the media from mediaTime on. It
// understands empty edits at the beginning and at the end, and in between edits that play the media on: each begins where
// the one before it ends, to a tick of the movie or a millisecond. What the last one would cut off is kept.
func flatten(t *mp4.Track, movieScale uint32) (empty uint64, mediaTime int64, edited bool, err error) {
	var next int64 // where the media goes on
	ended := false
	for _, e := range t.Edits {
		switch {
		case e.MediaTime == -1 && e.Duration < math.MaxUint32<<8:
			if ended = edited; !edited {
				empty += e.Duration
			}
			continue
		case e.MediaTime < 0 || e.Rate != mp4.EditRate || ended || edited && !nearTick(e.MediaTime-next, t.Timescale, movieScale):
			return 0, 0, false, fmt.Errorf("box %s: %d edits that cannot be flattened: %w", mp4.TypeElst, len(t.Edits), ErrIncompatible)
		case !edited:
			mediaTime, edited = e.MediaTime, true
		}
		lasts, ok := rescale(e.Duration, uint64(movieScale), uint64(t.Timescale))
		if !ok || lasts > math.MaxInt64/2 || e.MediaTime > math.MaxInt64/2 {
			return 0, 0, false, fmt.Errorf("box %s: time out of range: %w", mp4.TypeElst, mp4.ErrMalformed)
		}
		next = e.MediaTime + int64(lasts)
	}
	return empty, mediaTime, edited, nil
}

// nearTick reports whether a distance in ticks of a track is no more than a tick of the movie, or a millisecond.
func nearTick(d int64, timescale, movieScale uint32) bool {
	most := max(uint64(timescale)/uint64(movieScale), uint64(timescale)/1000) + 1
	return d <= int64(most) && -d <= int64(most)
}
