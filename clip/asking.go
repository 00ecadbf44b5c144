package clip

import (
	"context"
	"math"
	"slices"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/parallel"
)

// How spans are listed:
//
// Of what is not known of a span, whole minutes are asked for, in as many calls at once as it takes for each answer to be
// one page: a listing goes from page to page, and each one waits for the one before. How much time a page holds is told by
// what the stream was last asked for; where nothing has told yet, calls are of an hour, or so long that all go at once. The
// last call asks beyond the span for as much as its page holds, which costs the same. Minutes that another call is already
// under way for are not asked for again, but waited for.

const (
	// pageFragments is how many fragments a page has at most (API reference, ListFragments, MaxResults).
	pageFragments = 1000
	// asksAtOnce bounds the listings of one span that run at the same time: the service allows ten pages a second.
	asksAtOnce = 8
	// longestAsk is the longest span that is asked for at once, and tempoReach how many times longer it may be than any
	// whose density is known: what was recorded there may be denser, and is then a listing of many pages.
	longestAsk = 6 * time.Hour
	tempoReach = 4
)

// askKey names a listing.
type askKey struct {
	stream     archive.StreamName
	start, end int64 // seconds since 1970
}

// answer is what a listing gave: the fragments of a span, by time, each once.
type answer struct {
	fragments []archive.Fragment
	asked     time.Time
}

// section is a piece of an hour, of whole minutes, and its fragments.
type section struct {
	span      archive.Span
	fragments []archive.Fragment
	// until is how long that holds.
	until time.Time
}

// tempo is how densely a stream was recorded.
type tempo struct {
	// perMinute is how many fragments a minute had, 0 while that is not known, and seen the longest span that told.
	perMinute float64
	seen      time.Duration
}

// after gives the tempo once a span was listed. Where there was less than half as much as before, that may be a gap.
func (p tempo) after(span archive.Span, fragments int) tempo {
	if fragments == 0 || span.Empty() {
		return p
	}
	p.perMinute = max(float64(fragments)/span.Length().Minutes(), p.perMinute/2)
	p.seen = max(p.seen, span.Length())
	return p
}

// page gives how much time one call is to ask for of what is missing, in whole minutes. Without a tempo that is an hour, or
// so much that all calls can go at once.
func (p tempo) page(missing time.Duration) time.Duration {
	if p.perMinute == 0 {
		share := (missing/asksAtOnce + time.Minute - archive.Grain).Truncate(time.Minute)
		return min(max(share, bucketLength), longestAsk)
	}
	page := time.Duration(min(math.Floor(pageFragments/p.perMinute), longestAsk.Minutes())) * time.Minute
	return max(min(page, (tempoReach*p.seen).Truncate(time.Minute)), time.Minute)
}

// gather gives a span in sections, in order: of whole minutes, so that the first and the last may go beyond it.
func (t *timeline) gather(ctx context.Context, v view, span archive.Span) ([]section, error) {
	var sections []section
	var missing, asks, mine []archive.Span
	for again := true; again; {
		var err error
		if sections, missing, err = t.sections(ctx, v, span); err != nil || len(missing) == 0 {
			return sections, err
		}
		last := missing[len(missing)-1].End
		asks, mine = t.claim(v.stream.Name, missing, archive.Span{Start: last, End: t.unknownFrom(v, last)})
		if again = t.arrived(v, missing, mine); again {
			t.unclaim(v.stream.Name, mine)
		}
	}
	defer t.unclaim(v.stream.Name, mine)
	answers := make([]answer, len(asks))
	err := parallel.Each(ctx, asksAtOnce, len(asks), func(ctx context.Context, i int) (err error) {
		key := askKey{v.stream.Name, asks[i].Start.Unix(), asks[i].End.Unix()}
		answers[i], err = t.calls.Do(ctx, key, func(ctx context.Context, progress func()) (answer, error) {
			return t.fill(ctx, v, asks[i], progress)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, m := range missing {
		for i, ask := range asks {
			for _, key := range hoursOf(v.stream.Name, ask.Intersect(m)) {
				piece := ask.Intersect(m).Intersect(key.span())
				until := t.trustedUntil(v.stream.Name, t.bucketOf(v, key, piece, answers[i]))
				sections = append(sections, section{piece, t.within(answers[i].fragments, piece), until})
			}
		}
	}
	slices.SortFunc(sections, func(a, b section) int { return a.span.Start.Compare(b.span.Start) })
	return sections, nil
}

// sections gives what is known of a span and need not be asked for, and what has to be.
func (t *timeline) sections(ctx context.Context, v view, span archive.Span) (known []section, missing []archive.Span, err error) {
	for _, key := range hoursOf(v.stream.Name, span) {
		b, ok, err := t.known(ctx, v, key)
		if err != nil {
			return nil, nil, err
		}
		wanted := key.minutes(span)
		if !ok {
			b.known = 0
		}
		for run := range key.runs(wanted & b.known) {
			known = append(known, section{run, t.within(b.fragments, run), t.trustedUntil(v.stream.Name, b)})
		}
		for run := range key.runs(wanted &^ b.known) {
			if n := len(missing); n > 0 && missing[n-1].End.Equal(run.Start) {
				missing[n-1].End = run.End
			} else {
				missing = append(missing, run)
			}
		}
	}
	return known, missing, nil
}

// arrived tells whether a call that was under way until now has brought some of what was missing and is claimed: answers are
// kept before their claims are given up, so that it is known now.
func (t *timeline) arrived(v view, missing, mine []archive.Span) bool {
	for _, m := range missing {
		for _, ask := range mine {
			if piece := ask.Intersect(m); !piece.Empty() {
				if _, ok := t.recall(v, piece, time.Now()); ok {
					return true
				}
			}
		}
	}
	return false
}

// unknownFrom gives up to where nothing is held of what comes after a time, in its hour and the next.
func (t *timeline) unknownFrom(v view, from time.Time) time.Time {
	at := from
	for range 2 {
		key := keyOf(v.stream.Name, at)
		rest := archive.Span{Start: at, End: key.span().End}
		b, ok := t.held(v, key)
		if !ok || !b.settled {
			b.known = 0
		}
		for run := range key.runs(key.minutes(rest) & b.known) {
			rest.End = run.Start
			break
		}
		if at = rest.End; at.Before(key.span().End) {
			break
		}
	}
	if at.After(v.window.End) {
		at = v.window.End.Truncate(time.Minute)
	}
	return at
}

// claim gives the calls that bring what is missing of a stream: those under way, and new ones, which are mine. The last
// may go on into beyond, which is where the last missing span ends and what is not known behind it.
func (t *timeline) claim(stream archive.StreamName, missing []archive.Span, beyond archive.Span) (asks, mine []archive.Span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tempo := t.seen[stream].tempo
	var length time.Duration
	for _, m := range missing {
		length += m.Length()
	}
	page := tempo.page(length)
	for _, m := range missing {
		for at := m.Start; at.Before(m.End); {
			free := t.freeLocked(stream, archive.Span{Start: at, End: m.End})
			if free.Start.After(at) { // a call is under way there
				i := slices.IndexFunc(t.claimed[stream], func(s archive.Span) bool { return s.Contains(at) })
				theirs := t.claimed[stream][i]
				if !slices.Contains(asks, theirs) {
					asks = append(asks, theirs)
				}
				at = theirs.End
				continue
			}
			ask := archive.NewSpan(at, page).Intersect(free)
			if ask.End.Equal(beyond.Start) && tempo.perMinute > 0 && beyond.End.After(beyond.Start) {
				ask = t.freeLocked(stream, archive.NewSpan(at, page).Intersect(archive.Span{Start: at, End: beyond.End}))
			}
			t.claimed[stream] = append(t.claimed[stream], ask)
			asks, mine = append(asks, ask), append(mine, ask)
			at = ask.End
		}
	}
	return asks, mine
}

// freeLocked gives the first piece of a span that no call is under way for. It is empty if there is none.
func (t *timeline) freeLocked(stream archive.StreamName, span archive.Span) archive.Span {
	for {
		i := slices.IndexFunc(t.claimed[stream], func(s archive.Span) bool { return s.Contains(span.Start) })
		if i < 0 {
			break
		}
		span.Start = t.claimed[stream][i].End
	}
	for _, s := range t.claimed[stream] {
		if s.Start.After(span.Start) && s.Start.Before(span.End) {
			span.End = s.Start
		}
	}
	return span
}

// unclaim lets others ask for what was claimed.
func (t *timeline) unclaim(stream archive.StreamName, mine []archive.Span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.claimed[stream] = slices.DeleteFunc(t.claimed[stream], func(s archive.Span) bool { return slices.Contains(mine, s) })
	if len(t.claimed[stream]) == 0 {
		delete(t.claimed, stream)
	}
}

// fill asks the archive for a span of whole minutes and remembers the answer.
func (t *timeline) fill(ctx context.Context, v view, span archive.Span, progress func()) (answer, error) {
	asked := time.Now()
	if a, ok := t.recall(v, span, asked); ok {
		return a, nil // another call has ended in this moment
	}
	visible := span.Intersect(v.window)
	fragments, err := t.ask(ctx, v.stream.Name, visible, progress)
	if err != nil {
		return answer{}, err
	}
	if !visible.End.Add(edgeAge).After(asked) { // at the live edge it is asked again soon
		if fragments, err = t.confirm(ctx, v, visible, fragments, progress); err != nil {
			return answer{}, err
		}
	}
	a := answer{fragments, asked}
	t.mu.Lock()
	t.seen[v.stream.Name].tempo = t.seen[v.stream.Name].tempo.after(visible, len(fragments))
	t.mu.Unlock()
	for _, key := range hoursOf(v.stream.Name, span) {
		t.keep(v, key, t.bucketOf(v, key, span, a))
	}
	return a, nil
}

// recall gives what is known of a span, if all of it is and holds.
func (t *timeline) recall(v view, span archive.Span, now time.Time) (answer, bool) {
	a := answer{asked: now}
	for _, key := range hoursOf(v.stream.Name, span) {
		b, ok := t.held(v, key)
		if !ok || key.minutes(span)&^b.known != 0 || !now.Before(t.trustedUntil(v.stream.Name, b)) {
			return answer{}, false
		}
		a.fragments = append(a.fragments, t.within(b.fragments, span.Intersect(key.span()))...)
		if b.asked.Before(a.asked) {
			a.asked = b.asked
		}
	}
	return a, true
}

// bucketOf gives what an answer tells of an hour, of which it has the minutes of a span.
func (t *timeline) bucketOf(v view, key bucketKey, span archive.Span, a answer) bucket {
	b := bucket{fragments: t.within(a.fragments, key.span()), known: key.minutes(span), asked: a.asked}
	// An hour that the window cuts at its start loses fragments; it is not worth keeping.
	b.settled = !key.span().End.Add(edgeAge).After(a.asked) && !key.span().Start.Before(v.window.Start)
	if !b.settled {
		b.expires = a.asked.Add(t.holdsUnsettled(key.span(), a.asked))
	}
	return b
}

// keep remembers what was told of an hour, beside what is known of its other minutes.
func (t *timeline) keep(v view, key bucketKey, b bucket) {
	t.mu.Lock()
	if before, ok := t.buckets.get(key); ok {
		b = before.with(b, t.by)
	}
	t.buckets.put(key, b)
	t.mu.Unlock()
	if b.settled {
		t.began(v.stream, b.asked)
		t.store.put(v.stream, b.record(key.hour))
	}
}
