package chunk

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"
)

const (
	// lookEvery is how often a reader that has given all looks for more.
	lookEvery = 100 * time.Millisecond
	// stretch is how much server time is asked for at a time, at first.
	stretch = time.Minute
	// underWay is how long after a fragment has begun to arrive it can be whole: its 20 s, and a producer that stalls.
	underWay = time.Minute
	// stands is how long after its last frame a fragment still has a timestamp: the last frame's own length is not known.
	stands = time.Second
)

// Selector is a StartSelector on the wire.
type Selector struct {
	StartSelectorType   string
	AfterFragmentNumber string
	StartTimestamp      *wire.Timestamp
	ContinuationToken   string
}

// Check refuses a selector that lacks what its type needs, or has a token that is none.
func (s Selector) Check() error {
	switch s.StartSelectorType {
	case "FRAGMENT_NUMBER":
		if s.AfterFragmentNumber == "" {
			return wire.Invalid("AfterFragmentNumber is required where StartSelectorType is FRAGMENT_NUMBER.")
		}
	case "CONTINUATION_TOKEN":
		if _, ok := footage.NumberTime(s.ContinuationToken); !ok {
			return wire.Invalid("ContinuationToken is required where StartSelectorType is CONTINUATION_TOKEN, and has to come from a chunk.")
		}
	case "SERVER_TIMESTAMP", "PRODUCER_TIMESTAMP":
		if s.StartTimestamp == nil {
			return wire.Invalid("StartTimestamp is required where StartSelectorType is %s.", s.StartSelectorType)
		}
	}
	return nil
}

// place is where a fragment stands among those of its stream.
type place struct {
	server time.Time
	number string
}

// placeOf gives the place of a fragment.
func placeOf(f footage.Fragment) place { return place{f.Server, f.Number} }

// before reports whether a place comes before another.
func (p place) before(o place) bool {
	return cmp.Or(p.server.Compare(o.server), cmp.Compare(p.number, o.number)) < 0
}

// From is where fragments come from.
type From struct {
	// Stream tells it as it is at the moment; an error ends the reading.
	Stream func() (streams.Stream, error)
	Now    func() time.Time
}

// reader gives the fragments of a stream, those that are there and then those that come. It is for one caller at a time.
type reader struct {
	from From

	// first is the first place that it gives.
	first place
	// wanted lets a reader pass fragments over until one has come that satisfies it; nil is satisfied.
	wanted func(footage.Fragment) bool
	// newest is the last place given, and given what was of the fragments that began to arrive underWay before it.
	newest place
	given  map[string]place
	batch  []footage.Fragment
	// looked is when it last looked for fragments, by the machine's clock.
	looked time.Time
}

// newReader makes a reader that begins where a selector says. errNotFound where it begins behind a fragment that is not there; the
// errors of stream.
func newReader(sel Selector, from From) (*reader, error) {
	st, err := from.Stream()
	if err != nil {
		return nil, err
	}
	r := &reader{from: from, given: make(map[string]place)}
	at := from.Now()
	switch sel.StartSelectorType {
	case "NOW":
		if f, ok := newest(st, at); ok {
			r.first = placeOf(f)
		}
	case "FRAGMENT_NUMBER":
		f, ok := st.Numbered([]string{sel.AfterFragmentNumber}, at)[sel.AfterFragmentNumber]
		if !ok {
			return nil, fmt.Errorf("fragment %s: %w", sel.AfterFragmentNumber, errNotFound)
		}
		r.first = behind(placeOf(f))
	case "CONTINUATION_TOKEN":
		number := sel.ContinuationToken
		if f, ok := st.Numbered([]string{number}, at)[number]; ok {
			r.first = behind(placeOf(f))
		} else { // it is no longer kept
			r.first.server, _ = footage.NumberTime(number)
		}
	case "SERVER_TIMESTAMP":
		r.begin(st, footage.ByServer, sel.StartTimestamp.Time)
	case "PRODUCER_TIMESTAMP":
		r.begin(st, footage.ByProducer, sel.StartTimestamp.Time)
	}
	return r, nil
}

// behind gives the place right behind one. Numbers have digits only.
func behind(p place) place { return place{p.server, p.number + "."} }

// newest gives the newest fragment of a stream.
func newest(st streams.Stream, now time.Time) (footage.Fragment, bool) {
	oldest := now.Add(-st.Retention)
	for back := stretch; ; back *= 4 {
		found := st.Playable(streams.Selection{By: footage.ByServer, Start: now.Add(-back), End: now}, now)
		if n := len(found); n > 0 {
			return found[n-1], true
		}
		if now.Add(-back).Before(oldest) {
			return footage.Fragment{}, false
		}
	}
}

// begin begins with the fragment that has a timestamp, or with the first behind that.
func (r *reader) begin(st streams.Stream, by footage.Selector, at time.Time) {
	now := r.from.Now()
	before := st.Playable(streams.Selection{By: by, Start: at.Add(-streams.LongestFragment - stands), End: at}, now)
	if n := len(before); n > 0 && has(before[n-1], by, at) {
		r.first = placeOf(before[n-1])
		return
	}
	for ahead := stretch; ; ahead *= 4 {
		found := st.Playable(streams.Selection{By: by, Start: at, End: at.Add(ahead)}, now)
		if len(found) > 0 {
			r.first = placeOf(found[0])
			for _, f := range found[1:] {
				if placeOf(f).before(r.first) {
					r.first = placeOf(f)
				}
			}
			return
		}
		if at.Add(ahead).After(now.Add(st.Retention)) {
			break
		}
	}
	r.first = place{server: now}
	r.wanted = func(f footage.Fragment) bool { return !f.Time(by).Before(at) || has(f, by, at) }
}

// has reports whether a fragment that does not begin after a timestamp has it.
func has(f footage.Fragment, by footage.Selector, at time.Time) bool {
	return at.Sub(f.Time(by)) < f.Length+stands
}

// next gives the next fragment, and how much older it is than the newest of the stream. Where there is none it waits until there is if it is to
// follow, and else is io.EOF. Other errors are those of ctx and of the stream.
func (r *reader) next(ctx context.Context, follow bool) (f footage.Fragment, behind time.Duration, err error) {
	for {
		f, behind, ok, err := r.ready()
		if ok || err != nil {
			return f, behind, err
		}
		if !follow {
			return footage.Fragment{}, 0, io.EOF
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return footage.Fragment{}, 0, context.Cause(ctx)
		}
	}
}

// ready gives the next fragment as next does, and false where there is none now.
func (r *reader) ready() (f footage.Fragment, behind time.Duration, ok bool, err error) {
	st, err := r.from.Stream()
	if err != nil {
		return footage.Fragment{}, 0, false, err
	}
	now := r.from.Now()
	if now.Before(r.newest.server) {
		r.goBack(now)
	}
	r.looked = time.Now()
	if len(r.batch) == 0 {
		r.batch = r.more(st, now)
	}
	for len(r.batch) > 0 {
		f, r.batch = r.batch[0], r.batch[1:]
		if r.give(f) {
			if last, ok := newest(st, now); ok {
				behind = max(0, last.Server.Sub(f.Server))
			}
			return f, behind, true, nil
		}
	}
	return footage.Fragment{}, 0, false, nil
}

// goBack goes on with what is taken in from a time on, to which the service's clock was set back since it last looked. What has been
// given of later times comes again where it is taken in again.
func (r *reader) goBack(now time.Time) {
	r.first, r.newest = place{server: now.Add(-time.Since(r.looked))}, place{}
	r.batch = nil
	clear(r.given)
}

// more asks for the fragments of the next stretch of time that has any, which were not given.
func (r *reader) more(st streams.Stream, now time.Time) []footage.Fragment {
	from := r.first.server
	if since := r.newest.server.Add(-underWay); since.After(from) {
		from = since
	}
	if oldest := now.Add(-max(st.Retention, underWay)); from.Before(oldest) {
		from = oldest
	}
	for ahead := stretch + underWay; ; ahead *= 4 {
		var fresh []footage.Fragment
		for _, f := range st.Playable(streams.Selection{By: footage.ByServer, Start: from, End: from.Add(ahead)}, now) {
			if _, given := r.given[f.Number]; !given && !placeOf(f).before(r.first) {
				fresh = append(fresh, f)
			}
		}
		if len(fresh) > 0 || from.Add(ahead).After(now) {
			return fresh
		}
	}
}

// give notes that a fragment is given, unless it is passed over.
func (r *reader) give(f footage.Fragment) bool {
	p := placeOf(f)
	r.given[f.Number] = p
	if r.newest.before(p) {
		r.newest = p
		for number, old := range r.given {
			if old.server.Before(p.server.Add(-2 * underWay)) {
				delete(r.given, number)
			}
		}
	}
	if r.wanted != nil && !r.wanted(f) {
		return false
	}
	r.wanted = nil
	return true
}
