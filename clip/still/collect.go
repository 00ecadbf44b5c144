package still

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"clipfs/clip/archive"
)

const (
	// collectFor is for how long wants are collected before they are asked for.
	collectFor = 10 * time.Millisecond
	// collectMost is for how long they wait at most for calls of their stream that are under way.
	collectMost = time.Second
	// callsAtOnce is how many calls are under way at once.
	callsAtOnce = 8
	// refusedFor is for how long a call is made again that the service refuses for a limit. What shows a picture does nothing else meanwhile.
	refusedFor = 10 * time.Second
)

// collector asks for pictures, those of one stream that are wanted at the same time with as few calls as bring them all. While
// calls are under way the next ones are collected.
type collector struct {
	images   func(context.Context, archive.ImageQuery) ([]archive.Image, error)
	log      *slog.Logger
	selector archive.Selector
	width    int
	// places bounds the calls that are under way.
	places chan struct{}
	// leads says that the service was found to give no image for the first instant of a call.
	leads atomic.Bool

	// mu guards the rest.
	mu      sync.Mutex
	streams map[archive.StreamName]*collection
}

// collection is what is wanted of one stream.
type collection struct {
	waiting []*want
	// rounds is how many are under way.
	rounds int
	// timer begins the next one; nil where nothing waits.
	timer *time.Timer
}

func newCollector(o Options) *collector {
	return &collector{
		images: o.Images, log: o.Logger, selector: o.Selector, width: o.Width,
		places: make(chan struct{}, callsAtOnce), streams: make(map[archive.StreamName]*collection),
	}
}

// get waits for the newest picture of a stream from earliest up to at.
func (c *collector) get(ctx context.Context, stream archive.StreamName, at, earliest time.Time) (got, error) {
	w := &want{ctx: ctx, at: at, earliest: earliest, done: make(chan struct{})}
	c.add(stream, w)
	select {
	case <-w.done:
		return w.got, w.err
	case <-ctx.Done():
		return got{}, context.Cause(ctx)
	}
}

// add has a picture asked for in a moment, or once the calls for others of the stream have ended.
func (c *collector) add(stream archive.StreamName, w *want) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.streams[stream]
	if s == nil {
		s = &collection{}
		c.streams[stream] = s
	}
	s.waiting = append(s.waiting, w)
	switch {
	case s.timer != nil:
	case s.rounds > 0:
		s.timer = time.AfterFunc(collectMost, func() { c.round(stream, s) })
	default:
		s.timer = time.AfterFunc(collectFor, func() { c.round(stream, s) })
	}
}

// round asks for all that waits.
func (c *collector) round(stream archive.StreamName, s *collection) {
	c.mu.Lock()
	wants := s.waiting
	s.waiting, s.timer = nil, nil
	s.rounds++
	c.mu.Unlock()
	wants = slices.DeleteFunc(wants, func(w *want) bool { return w.ctx.Err() != nil })
	slices.SortStableFunc(wants, func(a, b *want) int { return a.at.Compare(b.at) })
	c.ask(stream, wants)
	c.mu.Lock()
	defer c.mu.Unlock()
	s.rounds--
	switch {
	case s.rounds > 0:
	case s.timer != nil:
		s.timer.Reset(collectFor)
	default:
		delete(c.streams, stream)
	}
}

// ask answers wants. What was recorded and has no image is asked for once more, with an instant before it in the call: some have
// seen the service give none for a call's first instant.
func (c *collector) ask(stream archive.StreamName, wants []*want) {
	lead := c.leads.Load()
	missed := c.call(stream, wants, lead)
	if len(missed) > 0 && !lead {
		still := c.call(stream, missed, true)
		if len(still) < len(missed) && c.leads.CompareAndSwap(false, true) {
			c.log.Info("the service gives no image for the first instant of a call: one more is asked for in each", "stream", stream)
		}
		missed = still
	}
	for _, w := range missed {
		w.answer(nil, archive.ErrNoFootage)
	}
}

// call makes the calls for wants, answers those that it can, and gives those of which there was no image.
func (c *collector) call(stream archive.StreamName, wants []*want, lead bool) (missed []*want) {
	var calls sync.WaitGroup
	all := batches(wants, most(c.width), lead)
	left := make([][]*want, len(all))
	for i, b := range all {
		calls.Go(func() { left[i] = c.fetch(stream, b) })
	}
	calls.Wait()
	return slices.Concat(left...)
}

// fetch makes one call, which ends when nobody waits for it any more.
func (c *collector) fetch(stream archive.StreamName, b batch) (missed []*want) {
	ctx, cancel := b.context()
	defer cancel()
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	case <-ctx.Done():
	}
	begun := time.Now()
	patient, refused, end := patience(ctx)
	defer end()
	images, err := c.images(patient, archive.ImageQuery{
		Stream: stream, Selector: c.selector, Start: b.start, Interval: b.interval, Count: b.count, Width: c.width, Refused: refused,
	})
	b.wants[0].got.calls++
	if err != nil {
		for _, w := range b.wants {
			w.answer(nil, err)
		}
		return nil
	}
	bytes := 0
	for _, image := range images {
		bytes += len(image.JPEG)
	}
	by, _ := archive.OperationOf(ctx)
	c.log.Info("stills fetched", "stream", stream, "from", b.start, "every", b.interval, "images", len(images), "wanted", len(b.wants), "bytes", bytes,
		"took", time.Since(begun).Round(time.Millisecond), "pid", by.PID, "command", by.Command, "uid", by.UID, "asked", by.ID)
	for _, w := range b.wants {
		jpeg, err := w.pick(images)
		if errors.Is(err, archive.ErrNoFootage) {
			missed = append(missed, w)
			continue
		}
		w.answer(jpeg, err)
	}
	return missed
}

// patience gives the context of a call, which ends refusedFor after refused was called first; end gives it up.
func patience(ctx context.Context) (patient context.Context, refused, end func()) {
	patient, cancel := context.WithCancelCause(ctx)
	refused = sync.OnceFunc(func() {
		// An archive explains a deadline by its last failure.
		late := fmt.Errorf("refused for %s: %w", refusedFor, context.DeadlineExceeded)
		timer := time.AfterFunc(refusedFor, func() { cancel(late) })
		context.AfterFunc(patient, func() { timer.Stop() })
	})
	return patient, refused, func() { cancel(nil) }
}

// context gives that of a call: it has the values of the first that waits, and ends when none does any more.
func (b batch) context() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.wants[0].ctx))
	var left atomic.Int64
	left.Store(int64(len(b.wants)))
	var stops []func() bool
	for _, w := range b.wants {
		stops = append(stops, context.AfterFunc(w.ctx, func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		}))
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}
