package clip

import (
	"context"
	"fmt"
	"slices"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/parallel"
	"clipfs/clip/plan"
	"clipfs/clip/prefetch"
	"clipfs/clip/resolve"
	"clipfs/clip/told"
)

// makeLayout gets the heads of all parts and joins them. It is called through Library.layouts, which shares the result
// among all who open the clip at the same time.
func (c *Clip) makeLayout(ctx context.Context, progress func()) (*layout, error) {
	l := c.library
	begun := time.Now()
	log := l.options.Logger.With("stream", c.stream.Name, "span", c.span)
	d, err := c.detail(ctx)
	if err != nil {
		return nil, err
	}
	if kept, ok := c.keptLayout(ctx, d); ok {
		log.Debug("joined by an earlier run", "parts", len(kept.parts), "head", kept.headSize, "bytes", kept.size)
		return kept, nil
	}
	var come *told.Opening
	if missing := l.missingHeads(d.parts); missing.parts > 0 {
		var end func()
		come, end = l.openings.Begin(c.Key(), len(d.parts), l.options.TellOpening, func(o *told.Opening) {
			log.Info("still opening", "come", o, "expected wait", l.wait(c.stream.Name, l.missingHeads(d.parts).fragments).Round(time.Millisecond))
		})
		defer end()
		log.Info("opening", "parts", len(d.parts), "heads to fetch", missing.parts, "expected wait", l.wait(c.stream.Name, missing.fragments).Round(time.Millisecond))
	}
	defer l.downloads.Watch(progress)()
	all, err := c.resolveAll(ctx, d, progress, come)
	if err != nil {
		return nil, err
	}
	parts, _ := plan.Separate(all, func(r *resolve.Resolved) *plan.Part { return &r.Part.Part }, d.rule)
	_, lost := l.served(ctx, c.stream, d)
	if err := c.refused(d, lost); err != nil {
		return nil, err
	}
	c.remarkLost(lost)
	switch len(parts) {
	case 0:
		if slices.ContainsFunc(lost, func(p resolve.Part) bool { return p.Unservable() }) {
			return nil, fmt.Errorf("%d fragments are listed: %w", len(d.fragments), archive.ErrUnservable)
		}
		return nil, fmt.Errorf("%d fragments are listed, and none is served: %w", len(d.fragments), archive.ErrNoFootage)
	case 1:
		return &layout{only: &parts[0].Payload}, nil
	}
	made, err := c.layOut(ctx, parts)
	if err != nil {
		return nil, err
	}
	c.tellJoined(made, begun)
	if len(lost) == 0 {
		c.keep(ctx, d, made, parts)
	}
	return made, nil
}

// tellJoined logs what a layout that was begun at a time came to.
func (c *Clip) tellJoined(made *layout, begun time.Time) {
	log := c.library.options.Logger.With("stream", c.stream.Name, "span", c.span)
	log.Info("joined", "parts", len(made.parts), "head", made.headSize, "bytes", made.size,
		"took", time.Since(begun).Round(time.Millisecond))
	if made.headSize > pipeHead {
		log.Warn("the head is so large that GStreamer cannot read this clip from a pipe; files and other players are fine",
			"head", made.headSize, "limit", pipeHead)
	}
}

// resolveAll gives the parts that calls bring for all that were planned, each with its head, and counts those.
func (c *Clip) resolveAll(ctx context.Context, d *detail, progress func(), come *told.Opening) ([]resolve.Resolved, error) {
	l := c.library
	parts := slices.Clone(d.parts)
	opening := l.opened.Add(1)
	for i := range parts {
		parts[i].Opening = opening
	}
	all := make([][]resolve.Resolved, len(parts))
	q := resolve.Request{Stream: c.stream, Rule: d.rule, Failed: c.failedOnly, Progress: progress}
	first := 0
	if c.media > l.options.MaxOpenFetch {
		// Where moov comes last, heads cost as much as the media: one tells, before the others are asked for.
		got, err := l.resolver.Resolve(ctx, q, parts[0])
		if err != nil {
			return nil, err
		}
		if len(got) > 0 && got[0].Head.MoovLast {
			return nil, fmt.Errorf("moov comes last, so that opening takes all of %d bytes, and %d is the most that it may: %w",
				c.media, l.options.MaxOpenFetch, archive.ErrTooBig)
		}
		all[0], first = got, 1
		come.Came()
	}
	opens := l.prefetch.Opening(download.ByOf(ctx), prefetched(parts))
	defer opens.End()
	err := parallel.Each(ctx, download.HeadsOver*l.options.Connections, len(parts)-first, func(ctx context.Context, i int) (err error) {
		all[first+i], err = c.resolvePart(ctx, q, parts[first+i], first+i, opens)
		if err == nil {
			come.Came()
		}
		return err
	})
	return slices.Concat(all...), err
}

// prefetched gives parts as an opening prefetches them.
func prefetched(parts []resolve.Part) []prefetch.Part {
	out := make([]prefetch.Part, len(parts))
	for i := range parts {
		out[i] = prefetch.Part{Key: parts[i].Key, Bytes: parts[i].Bytes()}
	}
	return out
}

// resolvePart gives the parts that calls bring for one that was planned, each with its head. What opens wants of it goes on.
func (c *Clip) resolvePart(ctx context.Context, q resolve.Request, p resolve.Part, number int, opens *prefetch.Opening) (got []resolve.Resolved, err error) {
	if c.library.resolver.HeadKnown(p.Key) {
		opens.Known()
		return c.library.resolver.Resolve(ctx, q, p)
	}
	came := opens.Head(ctx, number, func() download.Payload { return p.Payload(c.stream, c.library.options.Selector) })
	var own *download.Payload
	defer func() { came(own) }()
	if got, err = c.library.resolver.Resolve(ctx, q, p); err == nil && len(got) == 1 && got[0].Payload.Key == p.Key {
		own = &got[0].Payload
	}
	return got, err
}

// pipeHead is about the most that GStreamer takes as a head when it cannot seek (measured, 1.22).
const pipeHead = 32 << 20

// missing is what opening a clip has to fetch first.
type missing struct{ parts, fragments int }

// missingHeads counts the parts whose heads are not on disk.
func (l *Library) missingHeads(parts []resolve.Part) missing {
	var m missing
	for i := range parts {
		if p := &parts[i]; !l.resolver.HeadKnown(p.Key) {
			m.parts++
			m.fragments += len(p.Fragments)
		}
	}
	return m
}

// wait gives how long the quota makes fetching the heads of so many fragments of a stream take, as it is shared now.
func (l *Library) wait(stream archive.StreamName, fragments int) time.Duration {
	atOnce, perSecond := l.options.OpenQuota(stream)
	if perSecond <= 0 {
		return 0
	}
	return time.Duration(max(0, float64(fragments)-atOnce) / perSecond * float64(time.Second))
}
