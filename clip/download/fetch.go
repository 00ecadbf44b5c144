package download

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
	"clipfs/clip/tier"
)

// What the cache is told of a payload before its head has come (kvs.md: a call brings at most 100 MB; MP4 is larger than
// the stored Matroska by less than a tenth as a rule).
const (
	mostExpected    = 100_000_000
	expectedPercent = 110
)

// maxWrong is how many wrong payloads may come for one before it is given up.
const maxWrong = 3

// fetch is one download of one payload into the store, over as many GetClip calls as it takes.
type fetch struct {
	*Downloader
	payload Payload
	by      By
	log     *slog.Logger
	place   *download
	out     *output
	// calls counts those made, received the bytes that came, wrong the payloads that were none.
	calls, wrong int
	received     int64
	// tierAsked says that the tier was asked, waited that another host may have been waited for, shared that the payload came from it. found is what
	// the tier has, until it is taken.
	tierAsked, waited, shared bool
	found                     *tier.Payload
}

// request has the payload downloaded for by.
func (d *Downloader) request(p Payload, by By) cache.Request {
	r := p.Request(MediaKind, func(ctx context.Context, w *cache.Writer) error {
		f := &fetch{Downloader: d, payload: p, by: by, log: d.options.Logger.With("stream", p.Stream.Name, "span", p.Query.Span, "fragments", p.Query.Fragments)}
		return f.fill(by.In(ctx), w)
	})
	r.Apart = true
	r.Expect = min(p.Bytes*expectedPercent/100, mostExpected)
	return r
}

// fill is the cache.Fill of the payload: it tries until the payload is whole, an error comes that trying again does
// not mend, or ReadTimeout has passed without a new byte.
func (f *fetch) fill(ctx context.Context, w *cache.Writer) (err error) {
	begun := time.Now()
	f.out = &output{writer: w}
	f.place = &download{key: f.payload.Key, stream: f.payload.Stream.Name, opening: f.payload.Opening, start: f.payload.Start}
	f.scheduler.enter(f.place)
	defer f.scheduler.exit(f.place)
	defer f.share(f.payload, false)(&err)
	f.by.Usage.Take()
	f.counts.downloads.Add(1)
	defer func() { f.account(begun, err) }()

	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = f.options.StallTimeout
	for {
		before := w.Written()
		err := f.try(ctx)
		switch {
		case err == nil:
			if !f.shared {
				f.log.DebugContext(ctx, "payload fetched", "bytes", w.Written(), "calls", f.calls, "took", time.Since(begun).Round(time.Millisecond))
				f.offerWhole(f.payload)
			}
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !f.worthAgain(err):
			f.tellFailed(ctx, err)
			return err
		case w.Written() > before:
			wait.Reset()
		}
		pause := wait.NextBackOff()
		if pause >= f.patience() {
			f.log.WarnContext(ctx, "fetch given up", "error", err, "bytes", w.Written(), "calls", f.calls)
			return err
		}
		f.log.DebugContext(ctx, "fetch tried again", "error", err, "bytes", w.Written(), "after", pause)
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		f.out.silent += pause
	}
}

// try makes one call in its turn, unless the tier has the payload.
func (f *fetch) try(ctx context.Context) error {
	if err := f.scheduler.take(ctx, f.place); err != nil {
		return err
	}
	defer f.scheduler.leave(f.place)
	if !f.tierAsked {
		f.tierAsked = true
		f.look(ctx)
	}
	if whole, err := f.fromTier(ctx); whole || err != nil {
		return err
	}
	if _, err := f.meter.Left(); err != nil {
		return err
	}
	f.calls++
	called := f.call(ctx)
	if whole, err := f.fromTier(ctx); whole || err != nil {
		return err
	}
	return called
}

// worthAgain reports whether to make the call again after an error.
func (f *fetch) worthAgain(err error) bool {
	if errors.As(err, new(*wrongError)) {
		f.wrong++
		return f.wrong < maxWrong
	}
	return errors.Is(err, archive.ErrUnreachable) && !errors.Is(err, archive.ErrNotListening) || errors.Is(err, archive.ErrThrottled)
}

// account counts a download that has ended.
func (f *fetch) account(begun time.Time, err error) {
	f.counts.downloads.Add(-1)
	if err == nil {
		f.counts.payloads.Add(1)
	} else {
		f.counts.failed.Add(1)
	}
	f.by.Usage.fetched(f.by.Operation, begun, f.received, f.calls)
	f.by.Usage.Give()
}

// tellFailed logs an error, unless asking for less, or again, may mend it or it was logged, and tells that what was listed is
// gone.
func (f *fetch) tellFailed(ctx context.Context, err error) {
	level := slog.LevelWarn
	for _, mended := range []error{archive.ErrCodecChange, archive.ErrUnservable, archive.ErrFetchLimit, archive.ErrNoFootage, ErrLess, errUnread} {
		if errors.Is(err, mended) {
			level = slog.LevelDebug
		}
	}
	f.log.Log(ctx, level, "fetch failed", "error", err)
	if f.payload.Query.Fragments > 0 && errors.Is(err, archive.ErrNoFootage) {
		f.options.OnStale(f.payload.Stream, f.payload.Query.Span)
	}
}

// patience is how long the fetch may still go without progress.
func (f *fetch) patience() time.Duration { return f.options.ReadTimeout - f.out.silent }

// call makes one GetClip call and takes its body in.
func (f *fetch) call(outer context.Context) error {
	ctx, cancel := context.WithCancelCause(outer)
	defer cancel(nil)
	asked, patience := time.Now(), f.patience()
	silent := time.AfterFunc(patience, func() {
		// An archive explains a deadline by its last failure.
		cancel(fmt.Errorf("no answer for %s: %w", patience, context.DeadlineExceeded))
	})
	defer silent.Stop()
	query := f.payload.Query
	query.Priority = f.place.demand.priority
	query.Refused = func() { f.scheduler.refused(query.Stream) }
	payload, err := f.service.Payload(ctx, query)
	f.out.silent += time.Since(asked)
	if err != nil {
		return fetchError(err)
	}
	defer func() { _ = payload.Body.Close() }() // what matters of a body was read by then
	if !silent.Stop() {
		return fetchError(context.Cause(ctx))
	}
	b := (&body{
		from: payload.Body, meter: f.meter, bandwidth: f.bandwidth, silent: &f.out.silent, cancel: cancel,
		count: func(n int) { f.counts.fetched.Add(int64(n)); f.received += int64(n) },
		pay:   func(n int) error { return f.bandwidth.Pay(ctx, query.Priority, n) },
		after: func() time.Duration { return min(f.options.StallTimeout, f.patience()) },
	}).start()
	defer b.finish(payload.Unread)
	f.out.restart()
	elsewhere := func() bool { return f.look(outer) }
	err = (&intake{fetch: f, boxes: mp4.NewScanner(b), length: payload.Length, elsewhere: elsewhere}).takeIn(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil && f.out.err == nil {
		return cause
	}
	return err
}

// sleep waits, or gives the cause for which ctx ended.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
