package prefetch

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/download"
)

// goOnFor is how long a download may go on after its head while other heads wait for its place: what is little has come
// by then, or is on its way, and need not be fetched twice.
const goOnFor = 250 * time.Millisecond

// flowShare is which share of the connections bodies have while heads are still to come.
const flowShare = 2

// Part is a part of a clip that is being opened, and how many bytes of it the archive stores.
type Part struct {
	Key   cache.Key
	Bytes int64
}

// Opening lets downloads go on after their heads while a clip is being opened.
//
// For a program that has read its last clip whole, and for a copier's first clip, the bodies whose heads have come flow while the other heads are still
// to come, in the order of the file, up to as many bytes as it has read then. They take no points, few connections, and no place that a head waits for.
//
// Else downloads go on where all of the clip will be fetched once it is read because little is missing, and there are more of them
// than can be paused until then.
type Opening struct {
	*Prefetcher
	by download.By
	// flows and eager say which of both it is, if any.
	flows, eager bool

	// mu guards the rest.
	mu sync.Mutex
	// left counts the parts whose heads have not come.
	left int
	// kept are those that go on.
	kept []*download.Reader
	// budget is how many bytes may still flow, ready has the parts that may, and flowing counts those that do.
	budget  int64
	ready   []body
	flowing int
	ended   bool
}

// body is the body of a part whose head has come.
type body struct {
	part    int
	payload download.Payload
}

// Opening gives one for the heads of a clip of some parts, which by opens. End has to follow.
func (p *Prefetcher) Opening(by download.By, parts []Part) *Opening {
	absent, missing := int64(0), 0
	for i := range parts {
		if part := &parts[i]; !p.store.Has(part.Key) {
			absent += part.Bytes
			missing++
		}
	}
	o := &Opening{Prefetcher: p, by: by, left: len(parts)}
	if p.options.ReadAhead > 0 && missing > 0 && !by.Operation.Measures {
		o.budget = min(p.habits.spend(by.Operation), p.budget())
	}
	o.flows = o.budget > 0
	o.eager = !o.flows && absent <= p.eager() && missing > download.PausedOver*p.options.Connections
	return o
}

// Head is called before a head is asked for, and what it gives after the head has come, with the payload that it is of; nil where none
// is to go on.
func (o *Opening) Head(ctx context.Context, part int, payload func() download.Payload) (came func(*download.Payload)) {
	switch {
	case o.flows:
		return func(p *download.Payload) {
			if p != nil {
				o.flow(body{part, *p})
			}
		}
	case !o.eager:
		return func(*download.Payload) {}
	}
	h, err := o.downloads.Hold(ctx, payload(), download.Want{Priority: archive.ForAhead, By: o.by})
	if err != nil {
		return func(*download.Payload) { o.count(nil) } // whoever needs the head will see why
	}
	return func(*download.Payload) {
		if !o.count(h) {
			return
		}
		wait, cancel := context.WithTimeout(ctx, goOnFor)
		defer cancel()
		select {
		case <-h.Done():
		case <-wait.Done():
		}
		h.Close()
	}
}

// Known is called in place of Head for a part whose head is on disk.
func (o *Opening) Known() { o.count(nil) }

// count counts a part off; h is to be given up by the caller, soon, if others wait for its place.
func (o *Opening) count(h *download.Reader) (soon bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.left--
	soon = o.left >= o.options.Connections
	if h != nil && !soon {
		o.kept = append(o.kept, h)
	}
	return soon
}

// flow has a body go on in its turn.
func (o *Opening) flow(b body) {
	o.mu.Lock()
	defer o.mu.Unlock()
	at, _ := slices.BinarySearchFunc(o.ready, b, func(x, y body) int { return cmp.Compare(x.part, y.part) })
	o.ready = slices.Insert(o.ready, at, b)
	o.flowLocked()
}

// flowLocked has bodies go on that may.
func (o *Opening) flowLocked() {
	for !o.ended && len(o.ready) > 0 && o.budget > 0 && o.flowing < max(1, o.options.Connections/flowShare) {
		p := o.ready[0].payload
		o.ready = o.ready[1:]
		o.budget -= p.Bytes
		o.flowing++
		go o.fetch(p)
	}
}

// fetch has a body go on until it is whole, or the opening ends.
func (o *Opening) fetch(p download.Payload) {
	h, err := o.downloads.Hold(context.Background(), p, download.Want{Priority: archive.ForAhead, By: o.by})
	o.mu.Lock()
	if err == nil && o.ended {
		go h.Close()
	}
	if err == nil && !o.ended {
		o.kept = append(o.kept, h)
		o.mu.Unlock()
		<-h.Done()
		h.Close()
		o.mu.Lock()
	}
	o.flowing--
	o.flowLocked()
	o.mu.Unlock()
}

// End lets go of all downloads: an open clip takes those up again that it wants.
func (o *Opening) End() {
	o.mu.Lock()
	kept := o.kept
	o.kept, o.ended = nil, true
	o.mu.Unlock()
	for _, h := range kept {
		h.Close()
	}
}
