package footage

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Fragment is one stored fragment: a small value that refers to its media, which it shares with others.
type Fragment struct {
	// Number is the fragment number: 47 decimal digits that increase with ingestion.
	Number string
	// Producer and Server are the times of its start, UTC, in whole milliseconds.
	Producer, Server time.Time
	// Length is the time from its first to its last video frame: the last frame's own length is left out.
	Length time.Duration
	// Size is its size in bytes as stored: exactly what WriteMatroska writes for it alone.
	Size int64

	cut *cut
	// kept is set instead of cut where the media has to be loaded first.
	kept *kept
	// origin is the time of the media's zero, with all the precision there is.
	origin time.Time
	// stamped says that a stamp stands before the first video sample.
	stamped bool
}

// NewFragment makes a fragment of samples as a producer sends them: in the order of decoding, PTS from the producer
// time, in whole milliseconds. Sync and Data are needed too, the rest is found from them, and what else is a key frame; last is the duration of the
// video frame shown last, 0 where that is not known (then it is the mean of all others). The first video sample is a key frame. Audio is nil for none.
func NewFragment(number string, producer, server time.Time, video Track, frames []Sample, audio *Track, blocks []Sample,
	last time.Duration) (Fragment, error) {
	m := &Media{video: track{Track: video, samples: slices.Clone(frames)}}
	if audio != nil {
		m.audio = track{Track: *audio, samples: slices.Clone(blocks)}
	}
	if err := checkTracks(m.video.Track, m.audio.Track); err != nil {
		return Fragment{}, fmt.Errorf("fragment %s: %w", number, err)
	}
	markAccess(m.video.samples, video)
	if len(frames) == 0 || !m.video.samples[0].Sync {
		return Fragment{}, fmt.Errorf("fragment %s: %w: it does not start with a key frame", number, ErrInvalidMedia)
	}
	slices.SortStableFunc(m.audio.samples, func(a, b Sample) int { return cmp.Compare(a.PTS, b.PTS) })
	for i := range m.audio.samples {
		s := &m.audio.samples[i]
		s.DTS, s.Duration, s.Sync = s.PTS, m.audio.FrameDuration(len(s.Data)), true
	}
	if n := len(frames); last == 0 && n > 1 {
		last = (order(m.video.samples, 0) - frames[0].PTS) / time.Duration(n-1)
	}
	end := order(m.video.samples, last.Round(time.Millisecond))
	m.header = headerSize(m.video.Track, m.audio.Track)
	c := &cut{media: m, video: [2]int{0, len(frames)}, start: m.video.samples[0].PTS, end: end}
	m.finish(c)
	c.audio = [2]int{0, len(m.audio.samples)}
	c.blocks = 0
	for _, s := range append(m.video.samples[1:len(frames):len(frames)], m.audio.samples...) {
		c.blocks += blockSize(len(s.Data))
	}
	producer = producer.UTC().Truncate(time.Millisecond)
	f := Fragment{Number: number, Producer: producer, Server: server.UTC().Truncate(time.Millisecond), cut: c, origin: producer}
	f.Length = c.last - c.start
	f.Size = f.stored()
	return f, nil
}

// Time gives the fragment's start by the selector's clock.
func (f Fragment) Time(sel Selector) time.Time {
	if sel == ByServer {
		return f.Server
	}
	return f.Producer
}

// VideoTrack says how its video is coded. A Fragment that no Source and not NewFragment made has none,
// and neither has one of NewStored before Load.
func (f Fragment) VideoTrack() Track {
	if f.cut == nil {
		return Track{}
	}
	return f.cut.media.video.Track
}

// AudioTrack says how its audio is coded, and false if the media has none.
func (f Fragment) AudioTrack() (Track, bool) {
	if f.cut == nil {
		return Track{}, false
	}
	return f.cut.media.audio.Track, f.cut.media.audio.Codec != 0
}

// Video gives the coded frames as stored, with the stamp if there is one, in the order of decoding. Times are in whole
// milliseconds from the producer time. Each is rounded from its absolute time, so that nothing drifts from fragment to
// fragment.
func (f Fragment) Video() []Sample {
	c := f.cut
	samples := slices.Clone(c.media.video.samples[c.video[0]:c.video[1]])
	var last time.Duration
	for i := range samples {
		if samples[i].PTS == c.last {
			last = f.offset(c.last+samples[i].Duration) - f.offset(c.last)
		}
		samples[i].PTS = f.offset(samples[i].PTS)
	}
	order(samples, last)
	if f.stamped {
		samples[0].Data = slices.Concat(samples[0].Data[:c.stampAt], newStamp(f.Producer, c.media.video.Track),
			samples[0].Data[c.stampAt:])
	}
	return samples
}

// Audio gives the coded frames or blocks of audio as stored; times as in Video.
func (f Fragment) Audio() []Sample {
	c := f.cut
	samples := slices.Clone(c.media.audio.samples[c.audio[0]:c.audio[1]])
	for i := range samples {
		samples[i].PTS = f.offset(samples[i].PTS)
		samples[i].DTS = samples[i].PTS
	}
	return samples
}

// offset gives a time of the media from the producer time, in whole milliseconds.
func (f Fragment) offset(t time.Duration) time.Duration {
	return milliseconds(f.origin.Add(t)).Sub(f.Producer)
}

// milliseconds rounds to the nearest millisecond.
func milliseconds(t time.Time) time.Time { return t.Round(time.Millisecond) }
