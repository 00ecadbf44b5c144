package timeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"clipfs/clip/archive"
)

// A listing can lack fragments: the service is eventually consistent, and what stands between may fail. A listing that is
// kept for good is therefore checked: holes of the size of a few fragments are listed again, until a listing brings nothing
// new. Footage without gaps, or with long ones, costs nothing more.

const (
	// maxConfirms is how often holes are listed again while that goes on to bring something.
	maxConfirms = 2
	// maxHole is how many fragments wide a hole is at most that is not taken for a gap.
	maxHole = 4
)

// confirm lists again where the fragments of a span of the past have holes, and gives them with what was missing. A
// service that lists others each time is an ErrUnreachable.
func (t *table) confirm(ctx context.Context, v View, span archive.Span, fragments []archive.Fragment, progress func()) ([]archive.Fragment, error) {
	for tries := 0; ; tries++ {
		hole := t.hole(span, fragments)
		if hole.Empty() {
			return fragments, nil
		}
		again, err := t.ask(ctx, v.Stream.Name, hole, progress)
		if err != nil {
			return nil, err
		}
		had := len(t.by.Within(fragments, hole))
		fragments = t.order(append(slices.Clip(fragments), again...))
		missing := len(t.by.Within(fragments, hole)) - had
		if missing == 0 {
			return fragments, nil
		}
		t.logger.Debug("a listing lacked fragments", "stream", v.Stream.Name, "span", hole, "fragments", missing)
		if tries+1 == maxConfirms && !t.hole(span, fragments).Empty() {
			return nil, fmt.Errorf("list %s %s: %d fragments more at each time: %w", v.Stream.Name, span, missing, archive.ErrUnreachable)
		}
	}
}

// hole gives the span from the first to the last place of a span at which fragments seem to be missing; it is empty where there is none.
func (t *table) hole(span archive.Span, fragments []archive.Fragment) archive.Span {
	if len(fragments) < 2 {
		return archive.Span{} // nothing tells how far apart they are
	}
	rule := archive.GapRule{Min: t.gap, By: t.by, LeftOut: archive.LearnLeftOut(fragments, t.by)}
	var first, last time.Time
	usual := t.spacing(fragments)
	found := func(from, to time.Time) {
		if to.Sub(from) > maxHole*usual {
			return
		}
		if first.IsZero() {
			first = from
		}
		last = to
	}
	if at := fragments[0].Time(t.by); at.Sub(span.Start) >= usual {
		found(span.Start, at)
	}
	for i := 1; i < len(fragments); i++ {
		if rule.Between(fragments[i-1], fragments[i]) {
			found(rule.End(fragments[i-1]), fragments[i].Time(t.by))
		}
	}
	if end := rule.End(fragments[len(fragments)-1]); span.End.Sub(end) >= usual {
		found(end, span.End)
	}
	return archive.Span{Start: first.Truncate(archive.Grain), End: last}
}

// spacing gives how far apart fragments start, as a rule.
func (t *table) spacing(fragments []archive.Fragment) time.Duration {
	apart := make([]time.Duration, len(fragments)-1)
	for i := range apart {
		apart[i] = fragments[i+1].Time(t.by).Sub(fragments[i].Time(t.by))
	}
	slices.Sort(apart)
	return apart[len(apart)/2]
}
