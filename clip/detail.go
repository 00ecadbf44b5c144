package clip

import (
	"context"
	"sync/atomic"
	"time"
	"weak"

	"clipfs/clip/archive"
	"clipfs/clip/plan"
	"clipfs/clip/resolve"
	"clipfs/clip/timeline"
)

// detail is what a clip is made of: its fragments, how gaps are told among them, and the parts that they are cut into.
type detail struct {
	fragments []archive.Fragment
	// over are those fragments that lie over older ones, which parts do not have.
	over  []archive.Fragment
	rule  archive.GapRule
	parts []resolve.Part
}

// details gives a clip its detail, and forgets it when nobody uses it: a listing of a day makes thousands of clips, most
// of which nobody ever opens, and the timeline knows the fragments anyway.
type details struct {
	// again lists the fragments anew.
	again func(ctx context.Context) (timeline.Listing, error)
	last  *lastDetail
	// kept is the detail of a clip at the live edge, of which a new listing would tell more.
	kept *detail
}

// lastDetail is the detail that was made last, as long as somebody uses it: several clips can be of one look-up. Nil has none.
type lastDetail struct {
	made atomic.Pointer[weak.Pointer[detail]]
}

func (l *lastDetail) get() *detail {
	if l == nil {
		return nil
	}
	if made := l.made.Load(); made != nil {
		return made.Value()
	}
	return nil
}

func (l *lastDetail) set(d *detail) {
	made := weak.Make(d)
	l.made.Store(&made)
}

// detailOf cuts a listing into the parts of a clip of some length.
func (l *Library) detailOf(stream archive.Stream, listed timeline.Listing, length time.Duration) *detail {
	parts, over := l.planner(listed.Rule).Plan(listed.Fragments, length)
	return &detail{fragments: listed.Fragments, over: over, rule: listed.Rule, parts: resolve.Keyed(l.options.Selector, stream, parts, 0)}
}

// planner cuts clips into parts.
func (l *Library) planner(rule archive.GapRule) plan.Planner {
	return plan.Planner{Rule: rule, Grid: l.options.Part, Fixed: l.options.Tier != nil}
}

// served gives the parts of a clip that calls bring, as far as that is known, and those that none does.
func (l *Library) served(ctx context.Context, stream archive.Stream, d *detail) (parts, lost []resolve.Part) {
	return l.resolver.Served(ctx, stream, d.parts, d.over, d.rule)
}

// gaps gives those between fragments. They lie between parts only.
func (d *detail) gaps() []archive.Span {
	var all []archive.Span
	for i, p := range d.parts {
		if i > 0 && p.GapBefore {
			last := d.parts[i-1].Fragments
			all = append(all, archive.Span{Start: d.rule.End(last[len(last)-1]), End: p.Fragments[0].Time(d.rule.By)})
		}
	}
	return all
}
