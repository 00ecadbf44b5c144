package hls

import (
	"slices"
	"sync"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/playlist"
)

const (
	// window is how much a live playlist has, as recorded: a player that reads slowly still finds what it asks for.
	window = 3 * time.Minute
	// quietAfter is how long after the end of the newest fragment its segment is taken to be all there: a fragment that followed it would be listed by
	// then.
	quietAfter = archive.MaxFragmentLength + 2*time.Second
	// newAfter is for how long nobody has opened a live playlist when whoever does is taken for a new viewer.
	newAfter = time.Minute
	// segmentsADay is more than a day has. The number of a segment is that many times the days since 1970, and how many were before it on its day.
	segmentsADay = 86_400
	day          = 24 * time.Hour
)

// live is the live playlist of a stream, as it was given last. It is safe for concurrent use.
type live struct {
	// mu guards the rest. Segments that were given once stay what they are.
	mu sync.Mutex
	playlist.Window
	// last is the last fragment of the last segment; until is just behind its start.
	last  archive.Fragment
	until time.Time
	// looked is when it was opened last.
	looked time.Time
}

// opened notes that it is opened, gives the window, and reports whether a new viewer opens it, while nobody else follows.
func (l *live) opened(now time.Time) (w playlist.Window, begins bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.looked
	l.looked = now
	return l.Window, now.Sub(before) > newAfter
}

// drop takes out what starts before a time, and gives the window.
func (l *live) drop(before time.Time) playlist.Window {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, _ := slices.BinarySearchFunc(l.Segments, before, func(g playlist.Segment, t time.Time) int { return g.Span.Start.Compare(t) })
	l.Window = without(l.Window, n)
	return l.Window
}

// from gives from when on fragments are needed, where the newest one ends at a time: behind what was given, or else from the beginning of its day, and the
// window before it.
func (l *live) from(end time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.Segments) > 0 && end.Sub(l.until) < day {
		return l.until
	}
	midnight := end.Add(-archive.Grain).UTC().Truncate(day)
	if early := end.Add(-window).Truncate(time.Minute); early.Before(midnight) {
		return early
	}
	return midnight
}

// goOn adds what is there by now, given the fragments from a time on, and gives the window. Where another caller has gone on since they were asked
// for it gives the window as it is.
func (l *live) goOn(fragments []archive.Fragment, rule archive.GapRule, from time.Time, o playlist.Options) playlist.Window {
	all := playlist.Cut(fragments, rule, o)
	now := time.Now()
	if n := len(all); n > 0 && now.Sub(all[n-1].Span.End) < quietAfter {
		all = all[:n-1] // more may belong to it
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	begins := len(l.Segments) == 0 || from.Sub(l.until) > 0
	if !begins && !from.Equal(l.until) || len(all) == 0 {
		return l.Window
	}
	if begins {
		l.numberLocked(all, o)
	} else {
		all[0].Discontinuity = rule.Between(l.last, fragments[0])
	}
	for _, g := range all {
		g.PTS = time.Duration(g.Span.Start.UnixMilli()) * time.Millisecond
		l.Segments = append(l.Segments, g)
		l.Longest = max(l.Longest, g.Span.Length())
	}
	i := rule.By.Before(fragments, all[len(all)-1].Span.End)
	l.last = fragments[max(0, i-1)]
	l.until = l.last.Time(rule.By).Add(archive.Grain)
	l.slideLocked()
	return l.Window
}

// numberLocked begins anew with segments: the first one of the day of the last one has the first number of that day.
func (l *live) numberLocked(all []playlist.Segment, o playlist.Options) {
	l.Window = playlist.Window{Longest: o.Segment * 3 / 2}
	midnight := all[len(all)-1].Span.Start.UTC().Truncate(day)
	base := midnight.Unix() / int64(day/time.Second) * segmentsADay
	l.Sequence, l.Discontinuities = base, base
	for _, g := range all {
		if !g.Span.Start.Before(midnight) {
			break
		}
		l.Sequence--
		if g.Discontinuity {
			l.Discontinuities--
		}
	}
}

// slideLocked takes from the beginning what is more than the window.
func (l *live) slideLocked() {
	var length time.Duration
	keep := len(l.Segments)
	for keep > 0 && length < window {
		keep--
		length += l.Segments[keep].Span.Length()
	}
	l.Window = without(l.Window, keep)
	l.Segments = slices.Clone(l.Segments)
}

// without gives a window without its first segments.
func without(w playlist.Window, n int) playlist.Window {
	for _, g := range w.Segments[:n] {
		w.Sequence++
		if g.Discontinuity {
			w.Discontinuities++
		}
	}
	w.Segments = w.Segments[n:]
	return w
}
