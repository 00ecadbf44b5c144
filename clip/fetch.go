package clip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/mp4"
)

// fetch is one download of one payload into the cache, over as many GetClip calls as it takes.
type fetch struct {
	library *Library
	stream  archive.Stream
	key     cache.Key
	query   archive.PayloadQuery
	// start is what the payload's times are set to.
	start time.Time
	// expected is what the payload has to have if it is not cut.
	expected []moment
	// stored is what is known of it before it is fetched.
	stored stored
	// opening is the number of the opening of a clip that it is for; 0 for none.
	opening uint64
}

// fetchOf gives the download of a part of a stream.
func (l *Library) fetchOf(stream archive.Stream, p part) *fetch {
	by := l.options.Selector
	f := &fetch{
		library: l, stream: stream, key: p.key, query: p.query(stream.Name, by), start: p.fragments[0].Time(by),
		expected: momentsOf(p.fragments, by), stored: p.stored(by), opening: p.opening,
	}
	if f.key == "" {
		f.key = l.keyOf(stream.Name, p)
	}
	return f
}

// slot gives what stands for the download among others.
func (f *fetch) slot(demand *archive.Demand) *slot {
	interest := f.library.interest
	return &slot{
		key: f.key, stream: f.query.Stream, opening: f.opening, start: f.start, demand: demand,
		wanted: func() bool { return interest.more(f.key) },
		left:   func() bool { return interest.none(f.key) },
	}
}

// head brings the payload's head and lets the rest be.
func (f *fetch) head(ctx context.Context) (head, error) {
	h, err := f.library.hold(askedIn(ctx), f, archive.ForHead)
	if err != nil {
		return head{}, err
	}
	defer h.release()
	return f.library.headOf(ctx, h)
}

// fill is the cache.Fill of the payload: it tries until the payload is whole, an error comes that trying again does
// not mend, or ReadTimeout has passed without a new byte.
func (f *fetch) fill(ctx context.Context, w *cache.Writer) (err error) {
	log := f.library.options.Logger.With("stream", f.query.Stream, "span", f.query.Span, "fragments", f.query.Fragments)
	begun := time.Now()
	out := newOutput(w, f.library.seed)
	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = f.library.options.StallTimeout
	calls, received, wrong := 0, int64(0), 0
	demand, leave := f.library.interest.join(f.key)
	defer leave()
	place := f.slot(demand)
	defer f.account(ctx)(&calls, &received, &err)
	for {
		before := w.Written()
		if err := f.library.slots.take(ctx, place); err != nil {
			return err
		}
		_, err := f.library.ledger.left()
		if err == nil {
			calls++
			err = f.attempt(ctx, out, place, &received)
		}
		f.library.slots.leave(place)
		if err == nil {
			log.DebugContext(ctx, "payload fetched", "bytes", w.Written(), "calls", calls, "took", time.Since(begun).Round(time.Millisecond))
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !worthAgain(err, &wrong) {
			level := slog.LevelWarn
			if mended(err) {
				level = slog.LevelDebug
			}
			log.Log(ctx, level, "fetch failed", "error", err)
			if f.query.Fragments > 0 && errors.Is(err, archive.ErrNoFootage) { // it was listed, and is gone
				f.library.Forget(f.stream, f.query.Span)
			}
			return err
		}
		if w.Written() > before {
			wait.Reset()
		}
		pause := wait.NextBackOff()
		if pause >= f.patience(out) {
			log.WarnContext(ctx, "fetch given up", "error", err, "bytes", w.Written(), "calls", calls)
			return err
		}
		log.DebugContext(ctx, "fetch tried again", "error", err, "bytes", w.Written(), "after", pause)
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		out.silent += pause
	}
}

// mended reports whether an error is one that asking for less, or again, may mend, or that was logged: it is worth no line of
// its own.
func mended(err error) bool {
	var short *shortError
	return errors.Is(err, archive.ErrCodecChange) || errors.Is(err, archive.ErrUnservable) || errors.Is(err, archive.ErrFetchLimit) || errors.Is(err, archive.ErrNoFootage) || errors.Is(err, errUnread) ||
		errors.As(err, &short)
}

// patience is how long a fetch may still go without progress.
func (f *fetch) patience(out *output) time.Duration {
	return f.library.options.ReadTimeout - out.silent
}

// attempt makes one GetClip call and takes its body in. What comes is added to received.
func (f *fetch) attempt(ctx context.Context, out *output, place *slot, received *int64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	asked, patience := time.Now(), f.patience(out)
	silent := time.AfterFunc(patience, func() {
		// An Archive explains a deadline by its last failure.
		cancel(fmt.Errorf("no answer for %s: %w", patience, context.DeadlineExceeded))
	})
	defer silent.Stop()
	query := f.query
	query.Priority = place.demand
	query.Refused = func() { f.library.slots.refused(query.Stream) }
	payload, err := f.library.service.Payload(ctx, query)
	out.silent += time.Since(asked)
	if err != nil {
		return fetchError(err)
	}
	defer func() { _ = payload.Body.Close() }() // what matters of a body was read by then
	if !silent.Stop() {
		return fetchError(context.Cause(ctx))
	}
	payload.Body = &meter{ReadCloser: payload.Body, all: &f.library.counts.fetched, own: received}
	body := newStallReader(newBoundedReader(payload.Body), func() time.Duration {
		return min(f.library.options.StallTimeout, f.patience(out))
	}, &out.silent, cancel)
	rationed := f.rationed(ctx, body, payload.Unread, place.demand, cancel)
	defer rationed.finish()
	in := intake{fetch: f, boxes: mp4.NewScanner(rationed), length: payload.Length, out: out.restart(), place: place}
	err = in.takeIn(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil && out.err == nil {
		return cause
	}
	return err
}
