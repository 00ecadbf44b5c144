package emulator

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"clipfs/clip/emulator/footage"
)

// selectorInput is a FragmentSelector or ClipFragmentSelector on the wire.
type selectorInput struct {
	FragmentSelectorType string
	TimestampRange       *struct{ StartTimestamp, EndTimestamp *timestamp }
}

// selection is a range of time by one of the clocks, both ends inclusive.
type selection struct {
	by         footage.Selector
	start, end time.Time
}

// read checks a selector's members.
func (in *selectorInput) read() (selection, error) {
	var sel selection
	switch in.FragmentSelectorType {
	case "PRODUCER_TIMESTAMP":
		sel.by = footage.ByProducer
	case "SERVER_TIMESTAMP":
		sel.by = footage.ByServer
	default:
		return sel, invalid("FragmentSelectorType '%.100s': want PRODUCER_TIMESTAMP or SERVER_TIMESTAMP.", in.FragmentSelectorType)
	}
	r := in.TimestampRange
	if r == nil || r.StartTimestamp == nil || r.EndTimestamp == nil {
		return sel, invalid("TimestampRange with StartTimestamp and EndTimestamp is required.")
	}
	sel.start, sel.end = r.StartTimestamp.Time, r.EndTimestamp.Time
	return sel, nil
}

// String gives the selection as one word, for binding tokens to it.
func (sel selection) String() string {
	return fmt.Sprintf("%d/%d/%d", sel.by, sel.start.UnixMilli(), sel.end.UnixMilli())
}

// checkRetention refuses a range that ended before the stream's retention did. The service does so for server
// timestamps only: by producer timestamps nothing is found.
func (sel selection) checkRetention(st stream, now time.Time) error {
	if sel.by == footage.ByServer && sel.end.Before(now.Add(-st.retention)) {
		return invalid("End timestamp %d is outside of the stream retention period.", sel.end.UnixMilli())
	}
	return nil
}

// visible gives the fragments of a stream in a selection that are retained and taken in, in the order of their
// timestamps. Retention goes by server timestamps, so that old footage that was put late is kept as long as any.
func visible(st stream, sel selection, now time.Time) []footage.Fragment {
	oldest := now.Add(-st.retention)
	from, to := sel.start, sel.end
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
		add(st.source.Fragments(sel.by, from, to))
	}
	recorded := len(seen)
	add(st.pushed.Fragments(sel.by, sel.start, sel.end))
	if recorded > 0 && recorded < len(seen) {
		slices.SortStableFunc(seen, func(a, b footage.Fragment) int {
			return cmp.Or(a.Time(sel.by).Compare(b.Time(sel.by)), cmp.Compare(a.Number, b.Number))
		})
	}
	return seen
}
