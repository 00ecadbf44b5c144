package timeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"clipfs/clip/archive"
)

// ask lists a span from the archive: sorted by time, each fragment once.
func (t *table) ask(ctx context.Context, stream archive.StreamName, span archive.Span, progress func()) ([]archive.Fragment, error) {
	if span.Empty() {
		return nil, nil
	}
	query := archive.FragmentQuery{Stream: stream, Selector: t.by, Span: span, Page: func(given int) int {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.seen[stream].tempo.Left(span, given)
	}}
	fragments := make([]archive.Fragment, 0, query.Page(1)) // as many as are expected
	for f, err := range t.service.Fragments(ctx, query) {
		if err != nil {
			return nil, fmt.Errorf("list %s %s: %w", stream, span, err)
		}
		progress()
		if !span.Contains(f.Time(t.by)) {
			continue // the selector's end is inclusive
		}
		if len(fragments) == maxBucketItems {
			return nil, fmt.Errorf("list %s %s: more than %d fragments: %w", stream, span, maxBucketItems, archive.ErrTooBig)
		}
		if len(fragments) == cap(fragments) {
			fragments = slices.Grow(fragments, len(fragments)) // they are kept for a moment: room costs less than copies
		}
		fragments = append(fragments, f)
	}
	return t.order(fragments), nil
}

// order sorts fragments by time and drops repetitions. The service lists in no order, a fragment may come twice when
// pages shift, and of footage ingested twice under one producer time GetClip gives only the oldest.
func (t *table) order(fragments []archive.Fragment) []archive.Fragment {
	slices.SortFunc(fragments, func(a, b archive.Fragment) int {
		return cmp.Or(a.Time(t.by).Compare(b.Time(t.by)), cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	return slices.CompactFunc(fragments, func(a, b archive.Fragment) bool {
		return a.ID == b.ID || (t.by == archive.ByProducer && a.Producer.Equal(b.Producer))
	})
}
