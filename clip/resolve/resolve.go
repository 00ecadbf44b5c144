package resolve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/plan"
)

// Resolved is a part that one call brings, and its head without the moov.
type Resolved struct {
	Part    Part
	Payload download.Payload
	Head    download.Head
	// Start is when it begins where fragments may not be listed; the fragments of the part tell otherwise.
	Start time.Time
}

// Begins gives when the part begins.
func (r *Resolved) Begins(by archive.Selector) time.Time {
	if len(r.Part.Fragments) == 0 {
		return r.Start
	}
	return r.Part.Fragments[0].Time(by)
}

// Request is for what parts are resolved.
type Request struct {
	Stream archive.Stream
	// Rule tells gaps between the stream's fragments.
	Rule archive.GapRule
	// Failed gives, once, why the call for the only part has failed already; nil where it has not.
	Failed func() error
	// Progress is called after each call.
	Progress func()
}

// Resolve gives the parts that calls bring for a part that was planned, each with its head: itself, as a rule. Where one call
// does not bring it, the calls that do are found and remembered on disk. What no call brings has no head.
func (r *Resolver) Resolve(ctx context.Context, q Request, p Part) ([]Resolved, error) {
	parts := []Part{p}
	s, known := r.knownSettled(ctx, p)
	switch {
	case known && s.Crowded:
		return r.resolveApart(ctx, q, p)
	case known && !s.old():
		parts, _ = r.parts(ctx, q.Stream, p, q.Rule)
	}
	err := q.Failed()
	if err == nil {
		var got []Resolved
		if got, err = r.headsOf(ctx, q, parts); err == nil {
			return got, nil
		}
	}
	if errors.Is(err, errCrowded) {
		if err := r.settle(ctx, p.Payload(q.Stream, r.options.Selector), settled{At: time.Now(), Crowded: true}); err != nil {
			return nil, err
		}
		return r.resolveApart(ctx, q, p)
	}
	if err := r.settlePart(ctx, q.Stream, p, err, q.Progress); err != nil {
		return nil, fmt.Errorf("part %s: %w", plan.SpanOf(p.Fragments, r.options.Selector), err)
	}
	parts, _ = r.parts(ctx, q.Stream, p, q.Rule)
	return r.headsOf(ctx, q, parts)
}

// resolveApart does so with all that a call for a part asks for.
func (r *Resolver) resolveApart(ctx context.Context, q Request, p Part) ([]Resolved, error) {
	var all []Resolved
	for _, one := range Keyed(r.options.Selector, q.Stream, p.Apart(q.Rule), p.Opening) {
		got, err := r.Resolve(ctx, q, one)
		if err != nil {
			return nil, err
		}
		if len(got) > 0 {
			got[0].Part.GapBefore = one.GapBefore
		}
		all = append(all, got...)
	}
	return all, nil
}

// headsOf gives parts with their heads.
func (r *Resolver) headsOf(ctx context.Context, q Request, parts []Part) ([]Resolved, error) {
	all := make([]Resolved, 0, len(parts))
	for _, p := range parts {
		if p.Lost != "" {
			all = append(all, Resolved{Part: p})
			continue
		}
		payload := p.Payload(q.Stream, r.options.Selector)
		got, err := r.downloads.Head(ctx, payload)
		if err != nil {
			return nil, err
		}
		if isCrowded(p, got) {
			return nil, errCrowded
		}
		got.Moov = nil
		all = append(all, Resolved{Part: p, Payload: payload, Head: got})
		q.Progress()
	}
	return all, nil
}

// errCrowded says that a payload brings more than a part's fragments.
var errCrowded = errors.New("more than the older footage")

// isCrowded tells whether a payload that has come brings more than a part's fragments.
func isCrowded(p Part, h download.Head) bool {
	if len(p.Over) == 0 {
		return false
	}
	s, err := shownIn(h)
	return err == nil && p.Crowded(s.Counts())
}
