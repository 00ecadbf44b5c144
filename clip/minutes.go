package clip

import (
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/plan"
	"clipfs/clip/resolve"
	"clipfs/clip/timeline"
)

const (
	// maxSummed is how many hours are remembered by the minute: those of a day and a bit. One takes some 10 KB.
	maxSummed     = 32
	minutesOfHour = int(time.Hour / time.Minute)
)

// minute is what is to be known of the fragments in a minute, or in a piece of one. It is immutable.
type minute struct {
	// count is how many there are, bytes their size as stored.
	count int
	bytes int64
	// continuous says that they follow each other (archive.GapRule.Continues).
	continuous bool
	// key is that of the part that they make, settled that of what is known of it.
	key, settled cache.Key
}

// hour has those of a full hour that were met, in which every clip has the same. It is of an hour of the timeline of a certain serial,
// which never changes.
type hour struct {
	// mu guards minutes.
	mu      sync.Mutex
	minutes [minutesOfHour]*minute
}

// glancing finds out what a look-up tells of a span of the past without cutting it into parts. Where fragments follow each other parts are
// minutes, which most clips share: none of those is copied, cut or hashed again.
type glancing struct {
	hours  *lru.Cache[uint64, *hour]
	stream archive.Stream
	span   archive.Span
	rule   archive.GapRule
}

// glance does what lookedAt does, of the sections of a listing of a span; false where it has to be cut.
func (l *Library) glance(stream archive.Stream, span archive.Span, sections []timeline.Section, whole timeline.Listing) (f *looked, ok bool) {
	if whole.Stamp == 0 || span.End.Add(timeline.EdgeAge).After(time.Now()) || !l.planner(whole.Rule).Minutely(span.Length()) {
		return nil, false
	}
	g := glancing{l.hours, stream, span, whole.Rule}
	parts, first, ok := g.parts(sections)
	if !ok {
		return nil, false
	}
	f = &looked{stamp: whole.Stamp, listed: span, calls: len(parts), first: first, lone: len(parts) == 1}
	words := make([]string, 0, len(parts))
	f.settled = make([]cache.Key, 0, len(parts))
	for _, p := range parts {
		f.fragments += p.count
		f.media += p.bytes
		words, f.settled = append(words, string(p.key)), append(f.settled, p.settled)
	}
	f.planned = parts[0].key
	if len(parts) > 1 {
		f.planned = l.keyOf(words)
	}
	f.key = f.planned
	return f, l.allBrought(f)
}

// parts gives those of a clip of the span, and when it begins; false where it has none, or they are not just minutes or all that there is.
func (g *glancing) parts(sections []timeline.Section) (parts []*minute, first time.Time, ok bool) {
	var pieces [][]archive.Fragment // as long as one call may bring all of them
	var last *archive.Fragment
	count := 0
	for _, s := range sections {
		in := g.rule.By.Within(s.Fragments(), g.span)
		for len(in) > 0 {
			m := g.next(s.Serial, in)
			if !m.continuous || last != nil && !g.rule.Continues(last, &in[0]) {
				return nil, time.Time{}, false
			}
			if last == nil {
				first = in[0].Time(g.rule.By)
			}
			last = &in[m.count-1]
			count += m.count
			if count <= plan.MaxFragments {
				pieces = append(pieces, in[:m.count])
			}
			parts, in = append(parts, m), in[m.count:]
		}
	}
	if count == 0 {
		return nil, time.Time{}, false
	}
	if count <= plan.MaxFragments && len(parts) > 1 { // one call brings all of it
		parts = []*minute{g.sum(slices.Concat(pieces...))}
	}
	for _, p := range parts {
		if p.count > plan.MaxFragments || p.bytes > plan.MaxBytes {
			return nil, time.Time{}, false
		}
	}
	return parts, first, true
}

// next gives what there is to know of the first minute of some fragments of an hour that is in memory.
func (g *glancing) next(serial uint64, in []archive.Fragment) *minute {
	start := in[0].Time(g.rule.By).Truncate(time.Minute)
	end := start.Add(time.Minute)
	if start.Before(g.span.Start) || end.After(g.span.End) {
		return g.sum(in[:g.rule.By.Before(in, end)])
	}
	h, ok := g.hours.Get(serial)
	if !ok {
		h = new(hour)
		g.hours.Add(serial, h)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	m := &h.minutes[start.Minute()]
	if *m == nil {
		*m = g.sum(in[:g.rule.By.Before(in, end)])
	}
	return *m
}

// sum makes what there is to know of fragments.
func (g *glancing) sum(fragments []archive.Fragment) *minute {
	m := &minute{count: len(fragments), continuous: true, key: resolve.PayloadKey(g.rule.By, g.stream, fragments)}
	m.settled = resolve.SettledKey(m.key)
	for i := range fragments {
		m.bytes += fragments[i].Size
		m.continuous = m.continuous && (i == 0 || g.rule.Continues(&fragments[i-1], &fragments[i]))
	}
	return m
}
