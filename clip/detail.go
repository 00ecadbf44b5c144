package clip

import (
	"context"
	"fmt"
	"time"
	"weak"

	"clipfs/cache"
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
	last  weak.Pointer[detail]
	// kept is the detail of a clip at the live edge, of which a new listing would tell more.
	kept *detail
}

// detail gives what the clip is made of. ErrChanged if the archive has other fragments in its span by now. It costs a
// listing at most, as a rule nothing.
func (c *Clip) detail(ctx context.Context) (*detail, error) {
	if d := c.details.last.Value(); d != nil {
		return d, nil
	}
	listed, err := c.details.again(ctx)
	if err != nil {
		return nil, err
	}
	d := c.library.detailOf(c.stream.Name, listed, c.span.Length())
	if len(d.parts) == 0 || c.library.clipKey(d.parts) != c.planned {
		return nil, fmt.Errorf("%s %s has other fragments now: %w", c.stream.Name, c.span, archive.ErrChanged)
	}
	return d, nil
}

// detailOf cuts a listing into the parts of a clip of some length.
func (l *Library) detailOf(stream archive.StreamName, listed timeline.Listing, length time.Duration) *detail {
	parts, over := plan.Planner{Rule: listed.Rule, Grid: l.options.Part}.Plan(listed.Fragments, length)
	return &detail{fragments: listed.Fragments, over: over, rule: listed.Rule, parts: resolve.Keyed(l.options.Selector, stream, parts, 0)}
}

// clipKey gives the key of the file that parts make: that of a payload where it is one, else one of everything that shapes
// its bytes: the parts, between which of them gaps lie, what becomes of gaps, and how parts are joined.
func (l *Library) clipKey(parts []resolve.Part) cache.Key {
	if len(parts) == 1 {
		return parts[0].Key
	}
	words := []string{l.joining()}
	for i := range parts {
		words = append(words, parts[i].Word())
	}
	return resolve.HashKey("c", words...)
}

// joining names how parts are joined: by which version of join, and what becomes of gaps and of what is unservable.
func (l *Library) joining() string {
	return fmt.Sprintf("join %d, %s gaps, %s what is unservable", l.joinVersion, l.options.Gaps, l.options.Unservable)
}

// clipOf gives the clip that has certain fragments, which are at least one; again lists them anew.
func (l *Library) clipOf(stream archive.Stream, span archive.Span, listed timeline.Listing, again func(context.Context) (timeline.Listing, error)) *Clip {
	d := l.detailOf(stream.Name, listed, span.Length())
	parts, _ := l.served(context.Background(), stream.Name, d)
	c := &Clip{
		library: l, stream: stream, span: span, expires: listed.ValidUntil,
		details:   details{again: again, last: weak.Make(d)},
		fragments: len(d.fragments), calls: len(parts), first: d.fragments[0].Time(l.options.Selector),
		planned: l.clipKey(d.parts),
	}
	if c.key = c.planned; len(parts) > 0 {
		c.key = l.clipKey(parts)
	}
	for _, f := range d.fragments {
		c.media += f.Size
	}
	if span.End.Add(timeline.EdgeAge).After(time.Now()) {
		c.details.kept = d
	}
	c.version = l.identities.Current(c.key)
	return c
}

// served gives the parts of a clip that calls bring, as far as that is known, and those that none does.
func (l *Library) served(ctx context.Context, stream archive.StreamName, d *detail) (parts, lost []resolve.Part) {
	return l.resolver.Served(ctx, stream, d.parts, d.over, d.rule)
}
