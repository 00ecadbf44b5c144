package memory

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"clipfs/clip/archive"
)

// Payload makes one MP4 of the fragments of a span.
func (a *Archive) Payload(ctx context.Context, q archive.PayloadQuery) (*archive.Payload, error) {
	a.mu.Lock()
	a.payloads++
	n := a.payloads
	refuse, answer, rewrite, change := a.RefusePayload, a.Answer, a.Rewrite, a.Body
	a.mu.Unlock()
	if refuse != nil {
		if err := refuse(n); err != nil {
			return nil, err
		}
	}
	fragments := a.Served(q.Stream, a.Selected(q.Stream, q.Selector, q.Span))
	if len(fragments) == 0 {
		return nil, archive.ErrNoFootage
	}
	if answer != nil {
		var err error
		if fragments, err = answer(fragments); err != nil {
			return nil, err
		}
	}
	size, made := footage{fragments, a.MoovLast, a.KeepsHoles, a.Syncs, time.Now()}.body()
	body := a.Counted(made)
	if rewrite != nil || change != nil {
		payload := make([]byte, size)
		if _, err := io.ReadFull(made, payload); err != nil {
			return nil, err
		}
		if rewrite != nil {
			payload = rewrite(payload)
		}
		size, body = int64(len(payload)), a.Counted(bytes.NewReader(payload))
		if change != nil {
			body = change(n, payload)
		}
	}
	if !a.Lengths {
		size = -1
	}
	return &archive.Payload{
		Length: size, Body: &boundBody{ctx, body}, Unread: func() int64 { return a.Unread },
	}, nil
}

// Overlapped says what becomes of footage that was ingested over older footage.
type Overlapped int

const (
	// Kept says that every call brings it.
	Kept Overlapped = iota
	// Dropped says that a call that also brings the older footage does not bring it, as the service says.
	Dropped
	// Hidden says that no call brings it.
	Hidden
)

// Served gives those of the fragments of a call that GetClip brings.
func (a *Archive) Served(name archive.StreamName, fragments []archive.Fragment) []archive.Fragment {
	among := fragments
	switch a.Twice {
	case Kept:
		return fragments
	case Hidden:
		a.mu.Lock()
		among = slices.Clone(a.Recorded[name])
		a.mu.Unlock()
	}
	slices.SortFunc(among, func(f, g archive.Fragment) int { return strings.Compare(string(f.ID), string(g.ID)) })
	var old []archive.Fragment
	for _, f := range among {
		// Sound may lead the pictures of a fragment by a quarter of a second: that is no overlap.
		before := func(f, g archive.Fragment) bool {
			return f.Producer.Before(g.Producer.Add(g.Length - 250*time.Millisecond))
		}
		if !slices.ContainsFunc(old, func(g archive.Fragment) bool { return before(f, g) && before(g, f) }) {
			old = append(old, f)
		}
	}
	left := slices.DeleteFunc(slices.Clone(fragments), func(f archive.Fragment) bool {
		return !slices.ContainsFunc(old, func(g archive.Fragment) bool { return g.ID == f.ID })
	})
	slices.SortFunc(left, func(f, g archive.Fragment) int { return f.Producer.Compare(g.Producer) })
	return left
}

// Counted gives a body whose bytes count as sent.
func (a *Archive) Counted(r io.Reader) io.Reader { return &countedReader{a, r} }

// countedReader counts what is read of a body, which comes in small pieces, as from a network.
type countedReader struct {
	archive *Archive
	body    io.Reader
}

// Read reads at most 16 KiB.
func (c *countedReader) Read(p []byte) (int, error) {
	a := c.archive
	a.Change(func() {
		a.reading++
		a.MostReading = max(a.MostReading, a.reading)
	})
	n, err := c.body.Read(p[:min(len(p), 16<<10)])
	if a.Slow > 0 {
		time.Sleep(a.Slow)
	}
	a.Change(func() {
		a.reading--
		a.sent += int64(n)
	})
	return n, err
}

// boundBody ends with the context of its call.
type boundBody struct {
	ctx context.Context //nolint:containedctx // a body is bound to its call
	io.Reader
}

// Read fails once the context has ended.
func (b *boundBody) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	if s, ok := b.Reader.(interface{ Wait(context.Context) error }); ok {
		if err := s.Wait(b.ctx); err != nil {
			return 0, err
		}
	}
	return b.Reader.Read(p)
}

// Close does nothing.
func (b *boundBody) Close() error { return nil }
