package footage

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"time"
)

// ingestion is how long after the end of a fragment the service has taken it in: its server timestamp is the time at
// which its last frame ends, plus this. So server times have the order of producer times, and no two are equal.
const ingestion = 250 * time.Millisecond

// series is media that was recorded once or again and again: the fragment with index i is cut i modulo the number of
// cuts, in the round i divided by it.
type series struct {
	media  *Media
	since  time.Time
	rounds uint64
	stamp  bool
}

// NewRecording gives the media recorded once; the first frame at start, which is cut to the millisecond. Audio before
// the first frame is left out. Recordings have no stamps.
func NewRecording(m *Media, start time.Time) Source {
	return &series{media: m, since: start.UTC().Truncate(time.Millisecond), rounds: 1}
}

// NewLoop gives the media repeated without end: round k starts at since + k × the exact length of the video, rounded to
// the millisecond, so it never drifts. There is no footage before since, which is cut to the millisecond. Audio is laid
// out anew in each round; what starts before the first or after the last frame of video is left out.
func NewLoop(m *Media, since time.Time, o Options) Source {
	return &series{media: m, since: since.UTC().Truncate(time.Millisecond), rounds: math.MaxUint64, stamp: !o.NoStamp}
}

func (s *series) Fragments(sel Selector, from, to time.Time) []Fragment {
	first, end := s.Places(sel, from, to)
	if first == end {
		return nil
	}
	frags := make([]Fragment, 0, end-first)
	for i := first; i < end; i++ {
		frags = append(frags, s.At(i))
	}
	return frags
}

func (s *series) Places(sel Selector, from, to time.Time) (first, end int) {
	if to.Before(from) || to.Before(s.since) {
		return 0, 0
	}
	// Every round that starts by then, and one more for what is rounded up.
	rounds := min(uint64(to.Sub(s.since)/max(s.media.Duration(), 1))+2, s.rounds)
	n := int(min(rounds, math.MaxInt/uint64(len(s.media.cuts)))) * len(s.media.cuts)
	first = sort.Search(n, func(i int) bool { return !s.time(sel, i).Before(from) })
	return first, first + sort.Search(n-first, func(i int) bool { return s.time(sel, first+i).After(to) })
}

// at gives the cut of an index and the time of its media's zero.
func (s *series) at(i int) (*cut, time.Time) {
	n := len(s.media.cuts)
	return &s.media.cuts[i%n], s.since.Add(s.media.period.times(uint64(i / n)))
}

// time gives when the fragment with an index starts, by a clock.
func (s *series) time(sel Selector, i int) time.Time {
	c, origin := s.at(i)
	if sel == ByServer {
		return milliseconds(origin.Add(c.end)).Add(ingestion)
	}
	return milliseconds(origin.Add(c.start))
}

// At makes the fragment with an index.
func (s *series) At(i int) Fragment {
	c, origin := s.at(i)
	f := Fragment{
		Producer: s.time(ByProducer, i),
		Server:   s.time(ByServer, i),
		cut:      c,
		origin:   origin,
		stamped:  s.stamp && c.stampAt >= 0,
	}
	f.Number = FragmentNumber(f.Server, uint64(i))
	f.Length = milliseconds(origin.Add(c.last)).Sub(f.Producer)
	f.Size = f.stored()
	return f
}

// FragmentNumber gives the number of the fragment with an index that was taken in at a server time: 47 digits that are
// the same whenever they are asked for, and increase with ingestion as long as either does. Digits: 14 that never
// change, 15 of the server time in milliseconds since 1970, 15 of the index, 3 of the source within a stream.
func FragmentNumber(server time.Time, index uint64) string {
	return fmt.Sprintf("91343852333181%015d%015d000", max(server.UnixMilli(), 0), index%1_000_000_000_000_000)
}

// NumberTime gives about when the fragment of a number was taken in; false for what is no fragment number.
func NumberTime(number string) (time.Time, bool) {
	const digits, from, to = 47, 14, 29
	if len(number) != digits {
		return time.Time{}, false
	}
	ms, err := strconv.ParseUint(number[from:to], 10, 63)
	return time.UnixMilli(int64(ms)), err == nil
}

// sources are the parts of one stream.
type sources []Source

// NewSource gives several sources as one. Fragment numbers stay different between them.
func NewSource(parts ...Source) Source {
	if len(parts) == 1 {
		return parts[0]
	}
	return sources(slices.Clone(parts))
}

func (s sources) Fragments(sel Selector, from, to time.Time) []Fragment {
	var all []Fragment
	for i, part := range s {
		for _, f := range part.Fragments(sel, from, to) {
			if len(f.Number) > 3 {
				f.Number = fmt.Sprintf("%s%03d", f.Number[:len(f.Number)-3], i%1000)
			}
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b Fragment) int {
		return cmp.Or(a.Time(sel).Compare(b.Time(sel)), cmp.Compare(a.Number, b.Number))
	})
	return all
}
