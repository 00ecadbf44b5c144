package timeline

import (
	"context"
	"slices"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/parallel"
	"clipfs/clip/timeline/tempo"
)

// How spans are listed:
//
// What is not known of a span is asked for in whole minutes. A listing goes from page to page, and each page waits for the one
// before; so there are as many calls at once as it takes for each answer to be one page. How much time a page has follows from
// what the stream was last asked for. While nothing tells, a call is of an hour, or so long that all calls go at once. The
// last call asks beyond the span for as much as fits its page: that costs the same. Minutes that another call is under way
// for are waited for.

// gather gives a span in sections, in order: of whole minutes, so that the first and the last may go beyond it.
func (t *table) gather(ctx context.Context, v View, span archive.Span) ([]Section, error) {
	if err := t.adopt(ctx, v, span); err != nil {
		return nil, err
	}
	var sections []Section
	var missing, asks, mine []archive.Span
	for again := true; again; {
		var err error
		if sections, missing, err = t.sections(ctx, v, span); err != nil || len(missing) == 0 {
			return sections, err
		}
		last := missing[len(missing)-1].End
		asks, mine = t.claim(v.Stream.Name, missing, archive.Span{Start: last, End: t.unknownFrom(v, last)})
		if again = t.arrived(v, missing, mine); again {
			t.unclaim(v.Stream.Name, mine)
		}
	}
	defer t.unclaim(v.Stream.Name, mine)
	answers := make([][]Section, len(asks))
	err := parallel.Each(ctx, tempo.AtOnce, len(asks), func(ctx context.Context, i int) (err error) {
		key := askKey{v.Stream.Name, asks[i].Start.Unix(), asks[i].End.Unix()}
		answers[i], err = t.asks.Do(ctx, key, func(ctx context.Context, progress func()) ([]Section, error) {
			return t.fill(ctx, v, asks[i], span.Length() > longest, progress)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, s := range slices.Concat(answers...) {
		for _, m := range missing {
			if piece := s.within(m); !piece.span.Empty() {
				sections = append(sections, piece)
			}
		}
	}
	slices.SortFunc(sections, func(a, b Section) int { return a.span.Start.Compare(b.span.Start) })
	return sections, nil
}

// sections gives what is known of a span and need not be asked for, and what has to be.
func (t *table) sections(ctx context.Context, v View, span archive.Span) (known []Section, missing []archive.Span, err error) {
	look := (*buckets).get
	if span.Length() > longest {
		look = (*buckets).peek
	}
	for _, key := range hoursOf(v.Stream.Name, span) {
		b, ok, err := t.known(ctx, v, key, look)
		if err != nil {
			return nil, nil, err
		}
		wanted := key.minutes(span)
		if !ok {
			b.known = 0
		}
		for run := range key.runs(wanted & b.known) {
			s := t.section(v, b, run)
			s.Serial = b.serial
			known = append(known, s)
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
func (t *table) arrived(v View, missing, mine []archive.Span) bool {
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
func (t *table) unknownFrom(v View, from time.Time) time.Time {
	at := from
	for range 2 {
		key := keyOf(v.Stream.Name, at)
		rest := archive.Span{Start: at, End: key.span().End}
		b, ok := t.stored(v, key, (*buckets).peek)
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
	if at.After(v.Window.End) {
		at = v.Window.End.Truncate(time.Minute)
	}
	return at
}

// claim gives the calls that bring what is missing of a stream: those under way, and new ones, which are mine. The last
// may go on into beyond, which is where the last missing span ends and what is not known behind it.
func (t *table) claim(stream archive.StreamName, missing []archive.Span, beyond archive.Span) (asks, mine []archive.Span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	pace := t.seen[stream].tempo
	var length time.Duration
	for _, m := range missing {
		length += m.Length()
	}
	first, page := pace.Page(length)
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
			page := page
			if len(mine) == 0 {
				page = first
			}
			ask := archive.NewSpan(at, page).Intersect(free)
			if ask.End.Equal(beyond.Start) && pace.PerMinute > 0 && beyond.End.After(beyond.Start) {
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
func (t *table) freeLocked(stream archive.StreamName, span archive.Span) archive.Span {
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
func (t *table) unclaim(stream archive.StreamName, mine []archive.Span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.claimed[stream] = slices.DeleteFunc(t.claimed[stream], func(s archive.Span) bool { return slices.Contains(mine, s) })
	if len(t.claimed[stream]) == 0 {
		delete(t.claimed, stream)
	}
}

// fill asks the archive for a span of whole minutes and remembers the answer; tight has the sections packed alone.
func (t *table) fill(ctx context.Context, v View, span archive.Span, tight bool, progress func()) (sections []Section, err error) {
	asked := time.Now()
	if sections, ok := t.recall(v, span, asked); ok {
		return sections, nil // another call has ended in this moment
	}
	visible := span.Intersect(v.Window)
	fragments, err := t.ask(ctx, v.Stream.Name, visible, progress)
	if err != nil {
		return nil, err
	}
	if !visible.End.Add(EdgeAge).After(asked) { // at the live edge it is asked again soon
		if fragments, err = t.confirm(ctx, v, visible, fragments, progress); err != nil {
			return nil, err
		}
	}
	t.mu.Lock()
	t.seen[v.Stream.Name].tempo = t.seen[v.Stream.Name].tempo.After(visible, len(fragments))
	t.mu.Unlock()
	for _, key := range hoursOf(v.Stream.Name, span) {
		b := t.bucketOf(v, key, span, fragments, asked)
		t.keep(v, key, b)
		if tight {
			b.fragments = b.fragments.Tight()
		}
		sections = append(sections, t.section(v, b, span.Intersect(key.span())))
	}
	return sections, nil
}
