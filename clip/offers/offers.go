// Package offers makes sure that a payload may be offered to other hosts (clip/tier): it has to be just what a listing names that was made
// after it came.
package offers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/match"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/join"
	"clipfs/clip/plan"
	"clipfs/clip/recent"
	"clipfs/clip/resolve"
	"clipfs/clip/singleflight"
	"clipfs/clip/tier"
	"clipfs/clip/timeline"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// relistSpan is how much is listed again at once: what is offered next is of the same minutes as a rule, and a page can bring it.
	relistSpan = 10 * time.Minute
	// maxRelists is how many of these are kept.
	maxRelists = 144
	// relistEvery is how often a listing of the same minutes begins at most: what comes while one is under way need not wait for its end.
	relistEvery = 250 * time.Millisecond
	// relistsAtOnce is how many of them are under way at most: where the archive is slow, more would slow it down more.
	relistsAtOnce = 2
	// relistSlack is how many more fragments are asked for than there may be, so that one page brings them all.
	relistSlack = 20
)

// Confirmer confirms payloads of an archive. It is safe for concurrent use.
type Confirmer struct {
	timeline *timeline.Timeline
	by       archive.Selector
	relists  *relists
}

// New gives the Confirmer of an archive and its timeline, whose spans select fragments by a clock. A listing may go without progress for as
// long as timeout.
func New(service archive.Service, t *timeline.Timeline, by archive.Selector, timeout time.Duration) *Confirmer {
	return &Confirmer{timeline: t, by: by, relists: newRelists(service, timeout)}
}

// private says why a payload may not be offered to other hosts, early why not yet.
func private(format string, args ...any) error {
	return fmt.Errorf("%w: %s", tier.ErrPrivate, fmt.Sprintf(format, args...))
}

func early(format string, args ...any) error {
	return fmt.Errorf("%w: %s", tier.ErrEarly, fmt.Sprintf(format, args...))
}

// Confirm makes sure that a payload, fetched by a time, may be offered to other hosts: a listing after that names just its
// fragments, all of them are older than the live edge, and its pictures and sound are just theirs.
func (o *Confirmer) Confirm(ctx context.Context, p download.Payload, movie *mp4.Movie, fetched time.Time) (c tier.Confirmed, err error) {
	by := o.by
	fragments, err := o.relist(ctx, p, fetched)
	if err != nil {
		return c, early("it cannot be listed again: %v", err)
	}
	if len(fragments) == 0 || resolve.PayloadKey(by, p.Stream, fragments) != p.Key {
		return c, private("other fragments are listed by now")
	}
	c = tier.Confirmed{Ingested: fragments[0].Server, Start: p.Start, End: p.End}
	newest := fragments[0].Server
	for _, f := range fragments {
		c.Fragments = append(c.Fragments, f.ID)
		if f.Server.Before(c.Ingested) {
			c.Ingested = f.Server
		}
		if end := f.Server.Add(f.Length); end.After(newest) {
			newest = end
		}
	}
	if age := fetched.Sub(newest); age < timeline.EdgeAge {
		return c, early("it is only %s old", age.Round(time.Millisecond))
	}
	return c, exact(ctx, resolve.Part{Part: plan.Part{Fragments: fragments}}, movie, by)
}

// exact makes sure that a movie has just the pictures and the sound of a part's fragments.
func exact(ctx context.Context, p resolve.Part, movie *mp4.Movie, by archive.Selector) error {
	video, listed := movie.Video(), p.Listed(by)
	if video == nil || listed == nil {
		return private("its pictures cannot be told apart")
	}
	shown, err := match.ShownOf(video)
	if err != nil {
		return private("%v", err)
	}
	if what, _ := shown.Lacks(match.MomentsOf(p.Fragments, by)); what != "" {
		return private("it has %s", what)
	}
	more, err := join.Surplus(ctx, join.Part{Head: func(context.Context) (*mp4.Movie, error) { return movie, nil }, Fragments: listed})
	if err != nil {
		return private("%v", err)
	}
	if more.Tracks > 0 || more.Pictures > 0 || more.Sounds > 0 {
		return private("it has more than was listed")
	}
	return nil
}

// relist lists, after a time, the fragments that a payload's call asks for.
func (o *Confirmer) relist(ctx context.Context, p download.Payload, after time.Time) ([]archive.Fragment, error) {
	v, err := o.timeline.View(ctx, p.Stream.Name, time.Time{})
	if err != nil {
		return nil, err
	}
	if v.Stream.ARN != p.Stream.ARN {
		return nil, archive.ErrChanged
	}
	var all []archive.Fragment
	span := p.Query.Span
	for at := span.Start.Truncate(relistSpan); at.Before(span.End); at = at.Add(relistSpan) {
		listed, err := o.relists.from(ctx, v, p.Query, at, after)
		if err != nil {
			return nil, err
		}
		for _, f := range listed {
			if span.Contains(f.Time(p.Query.Selector)) {
				all = append(all, f)
			}
		}
	}
	return all, nil
}

// relists lists ten minutes at a time again, so that offers of the same minutes that wait take one listing. What it was told before
// does not count.
type relists struct {
	service archive.Service
	asks    *singleflight.Group[relistKey, relisted]
	// mu guards last, and what it has.
	mu   sync.Mutex
	last *simplelru.LRU[relistKey, *minutes]
}

type relistKey struct {
	arn string
	at  int64 // seconds since 1970
	// turn tells listings of the same minutes apart that are under way together.
	turn int
}

// minutes are the listings of such a span: how many have begun and are under way, when the last one has begun, and what the newest that has ended gave.
type minutes struct {
	turn, running int
	begun         time.Time
	known         relisted
}

// relisted is such a span by time, as it was asked for at a time.
type relisted struct {
	asked     time.Time
	fragments []archive.Fragment
}

func newRelists(service archive.Service, timeout time.Duration) *relists {
	return &relists{service: service, asks: singleflight.New[relistKey, relisted](timeout), last: recent.List[relistKey, *minutes](maxRelists)}
}

// from gives what is listed of the minutes from a time on when it is asked for after another time. Nobody waits for it.
func (r *relists) from(ctx context.Context, v timeline.View, q archive.PayloadQuery, at, after time.Time) ([]archive.Fragment, error) {
	likely := int(float64(q.Fragments)*float64(relistSpan)/float64(max(q.Span.Length(), time.Second))) + relistSlack
	query := archive.FragmentQuery{
		Stream: v.Stream.Name, Selector: q.Selector, Span: archive.NewSpan(at, relistSpan).Intersect(v.Window),
		Page: func(int) int { return likely }, Priority: archive.NewDemand(archive.ForAhead),
	}
	span := relistKey{arn: v.Stream.ARN, at: at.Unix()}
	for {
		known, turn, pause := r.next(span, after)
		switch {
		case turn == 0:
			return known, nil
		case pause > 0:
			select {
			case <-time.After(pause):
				continue
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		one := span
		one.turn = turn
		listed, err := r.asks.Do(ctx, one, func(ctx context.Context, progress func()) (relisted, error) {
			listed, err := r.list(ctx, query, progress)
			r.ended(span, listed, err)
			return listed, err
		})
		if err != nil || !listed.asked.Before(after) {
			return listed.fragments, err
		}
	}
}

// next gives which of the listings of a span is asked for after a time: one that is under way, or one that begins now, or, where another began a
// moment ago, after a pause. 0 is one that has ended, with what it gave.
func (r *relists) next(span relistKey, after time.Time) (known []archive.Fragment, turn int, pause time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.last.Get(span)
	if !ok {
		m = new(minutes)
		r.last.Add(span, m)
	}
	switch now := time.Now(); {
	case !m.known.asked.IsZero() && !m.known.asked.Before(after):
		return m.known.fragments, 0, 0
	case m.turn > 0 && !m.begun.Before(after):
		return nil, m.turn, 0
	case now.Sub(m.begun) < relistEvery:
		return nil, m.turn, relistEvery - now.Sub(m.begun)
	case m.running >= relistsAtOnce:
		return nil, m.turn, relistEvery
	default:
		m.turn, m.running, m.begun = m.turn+1, m.running+1, now
		return nil, m.turn, 0
	}
}

// ended notes that a listing has ended, and what it gave.
func (r *relists) ended(span relistKey, listed relisted, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.last.Get(span)
	if !ok {
		return
	}
	m.running = max(0, m.running-1)
	if err == nil && listed.asked.After(m.known.asked) {
		m.known = listed
	}
}

// list lists a span: by time, each fragment once.
func (r *relists) list(ctx context.Context, q archive.FragmentQuery, progress func()) (relisted, error) {
	out := relisted{asked: time.Now()}
	if q.Span.Empty() {
		return out, nil
	}
	for f, err := range r.service.Fragments(ctx, q) {
		if err != nil {
			return relisted{}, err
		}
		progress()
		out.fragments = append(out.fragments, f)
	}
	slices.SortFunc(out.fragments, func(a, b archive.Fragment) int {
		return cmp.Or(a.Time(q.Selector).Compare(b.Time(q.Selector)), cmp.Compare(a.ID, b.ID))
	})
	out.fragments = slices.CompactFunc(out.fragments, func(a, b archive.Fragment) bool { return a.ID == b.ID })
	return out, nil
}
