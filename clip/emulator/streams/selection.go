package streams

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/wire"
)

// Selector is a FragmentSelector or ClipFragmentSelector on the wire.
type Selector struct {
	FragmentSelectorType string
	TimestampRange       struct{ StartTimestamp, EndTimestamp wire.Timestamp }
}

// Selection is a range of time by one of the clocks, both ends inclusive.
type Selection struct {
	By         footage.Selector
	Start, End time.Time
}

// Read gives what a selector selects.
func (in Selector) Read() Selection {
	sel := Selection{By: footage.ByProducer, Start: in.TimestampRange.StartTimestamp.Time, End: in.TimestampRange.EndTimestamp.Time}
	if in.FragmentSelectorType == "SERVER_TIMESTAMP" {
		sel.By = footage.ByServer
	}
	return sel
}

// String gives the selection as one word, for binding tokens to it.
func (sel Selection) String() string {
	return fmt.Sprintf("%d/%d/%d", sel.By, sel.Start.UnixMilli(), sel.End.UnixMilli())
}

// maxSpan is how far apart the ends of what is asked for in MP4 or as a session may be (API reference, ClipTimestampRange, HLSTimestampRange).
const maxSpan = 24 * time.Hour

// CheckSpan refuses a range that a clip or a session cannot have.
func (sel Selection) CheckSpan(now time.Time) error {
	switch {
	case !sel.End.After(sel.Start):
		return wire.Invalid("EndTimestamp must be later than StartTimestamp.")
	case sel.End.Sub(sel.Start) > maxSpan:
		return wire.Invalid("EndTimestamp must be within 24 hours of StartTimestamp.")
	case sel.By == footage.ByServer && sel.End.After(now):
		return wire.Invalid("EndTimestamp must be in the past.")
	}
	return nil
}

// CheckRetention refuses a range that ended before the stream's retention did. The service does so for server
// timestamps only: by producer timestamps nothing is found.
func (sel Selection) CheckRetention(st Stream, now time.Time) error {
	if sel.By == footage.ByServer && sel.End.Before(now.Add(-st.Retention)) {
		return wire.Invalid("End timestamp %d is outside of the stream retention period.", sel.End.UnixMilli())
	}
	return nil
}

// Numbered gives fragments that are retained and taken in by their numbers, those of some numbers and others.
func (s Stream) Numbered(numbers []string, now time.Time) map[string]footage.Fragment {
	const around = time.Minute // that of a recording is near the time in its number
	found := make(map[string]footage.Fragment, len(numbers))
	for _, f := range s.Pushed.Numbered(numbers) {
		if !f.Server.Before(now.Add(-s.Retention)) && !f.Server.After(now) {
			found[f.Number] = f
		}
	}
	for _, number := range numbers {
		at, ok := footage.NumberTime(number)
		if _, had := found[number]; !ok || had {
			continue
		}
		for _, f := range s.Visible(Selection{By: footage.ByServer, Start: at.Add(-around), End: at.Add(around)}, now) {
			found[f.Number] = f
		}
	}
	return found
}

// Playable gives the fragments of Visible, and of a stream that keeps none those that can be read while they pass.
func (s Stream) Playable(sel Selection, now time.Time) []footage.Fragment {
	if s.Retention > 0 {
		return s.Visible(sel, now)
	}
	return slices.DeleteFunc(s.Pushed.Passing(now), func(f footage.Fragment) bool {
		return f.Time(sel.By).Before(sel.Start) || f.Time(sel.By).After(sel.End)
	})
}

// Visible gives the fragments of a stream in a selection that are retained and taken in, in the order of their
// timestamps. Retention goes by server timestamps, so that old footage that was put late is kept as long as any.
func (s Stream) Visible(sel Selection, now time.Time) []footage.Fragment {
	if s.Retention == 0 {
		return nil
	}
	oldest := now.Add(-s.Retention)
	from, to := sel.Start, sel.End
	if from.Before(oldest) {
		from = oldest
	}
	if to.After(now) {
		to = now
	}
	var seen []footage.Fragment
	add := func(all []footage.Fragment) {
		for _, f := range all {
			if !f.Server.Before(oldest) && !f.Server.After(now) {
				seen = append(seen, f)
			}
		}
	}
	if !to.Before(from) {
		// Recorded footage was taken in as it was made: no more of it can be retained, and a loop has no end to list.
		add(s.source.Fragments(sel.By, from, to))
	}
	recorded := len(seen)
	add(s.Pushed.Fragments(sel.By, sel.Start, sel.End))
	if recorded > 0 && recorded < len(seen) {
		slices.SortStableFunc(seen, func(a, b footage.Fragment) int {
			return cmp.Or(a.Time(sel.By).Compare(b.Time(sel.By)), cmp.Compare(a.Number, b.Number))
		})
	}
	return seen
}
