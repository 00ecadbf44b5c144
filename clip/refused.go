package clip

import (
	"fmt"
	"strings"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/resolve"
	"clipfs/clip/told"
)

// refused gives the error of a clip in which the service makes no MP4 of some fragments, with the spans that can be had; nil
// where there are none, or they are to be skipped.
func (c *Clip) refused(d *detail, lost []resolve.Part) error {
	if c.library.options.Unservable == SkipUnservable {
		return nil
	}
	by := c.library.options.Selector
	bad, reason := make(map[archive.FragmentID]bool), ""
	for i := range lost {
		if p := &lost[i]; p.Unservable() {
			reason = p.Lost
			for _, f := range p.Fragments {
				bad[f.ID] = true
			}
		}
	}
	if reason == "" {
		return nil
	}
	var first time.Time
	var spans []string
	open := archive.Span{Start: c.span.Start}
	for _, f := range d.fragments {
		switch at := f.Time(by); {
		case bad[f.ID] && first.IsZero():
			first = at
			fallthrough
		case bad[f.ID]:
			if open.End = at; !open.Empty() && !open.Start.IsZero() {
				spans = append(spans, open.String())
			}
			open = archive.Span{}
		case open.Start.IsZero():
			open.Start = at
		}
	}
	if open.End = c.span.End; !open.Start.IsZero() && !open.Empty() {
		spans = append(spans, open.String())
	}
	had := "nothing"
	if len(spans) > 0 {
		had = strings.Join(spans, " ")
	}
	return fmt.Errorf("%s %s; what can be had: %s (or all but these with --unservable skip): %w", reason, told.Clock(first), had, archive.ErrUnservable)
}
