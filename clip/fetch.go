package clip

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"clipfs/cache"
	"clipfs/clip/mp4"

	"github.com/cenkalti/backoff/v5"
)

// copyBuffer is how much of a body is handed on at once.
const copyBuffer = 256 << 10

// fetch is one download of one payload into the cache, over as many GetClip calls as it takes.
type fetch struct {
	library *Library
	stream  Stream
	key     cache.Key
	query   PayloadQuery
	// start is what the payload's times are set to.
	start time.Time
	// least is how long the payload lasts at least if it is not cut.
	least time.Duration
	// stored is what is known of it before it is fetched.
	stored stored
}

// fetchOf gives the download of a part of a stream.
func (l *Library) fetchOf(stream Stream, p part) *fetch {
	by := l.options.Selector
	f := &fetch{
		library: l, stream: stream, key: p.key, query: p.query(stream.Name, by), start: p.fragments[0].Time(by), least: p.least(by),
		stored: p.stored(by),
	}
	if f.key == "" {
		f.key = l.partKey(stream.Name, p.fragments)
	}
	f.inform()
	return f
}

// inform lets the archive know who waits, and be told of refusals.
func (f *fetch) inform() {
	f.query.Urgency = func() Urgency { return f.library.interest.of(f.key) }
	f.query.Refused = f.library.slots.refused
}

// head brings the payload's head and lets the rest be.
func (f *fetch) head(ctx context.Context) (head, error) {
	h, err := f.library.hold(askedIn(ctx), f, ForHead)
	if err != nil {
		return head{}, err
	}
	defer h.release()
	got, err := readHead(ctx, h.Entry)
	if errors.Is(err, ErrMedia) {
		f.library.cache.Drop(f.key) // it is of no use to anybody, and another call may bring what it should
	}
	return got, err
}

// shortError: a payload has less than the timeline says. It is an ErrChanged.
type shortError struct{ detail string }

// Error implements error.
func (e *shortError) Error() string { return e.detail }

// Unwrap gives the sentinel.
func (e *shortError) Unwrap() error { return ErrChanged }

// fill is the cache.Fill of the payload: it tries until the payload is whole, an error comes that trying again does
// not mend, or ReadTimeout has passed without a new byte.
func (f *fetch) fill(ctx context.Context, w *cache.Writer) (err error) {
	log := f.library.options.Logger.With("stream", f.query.Stream, "span", f.query.Span, "fragments", f.query.Fragments)
	begun := time.Now()
	out := newOutput(w, f.library.seed)
	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = f.library.options.StallTimeout
	calls, received, wrong := 0, int64(0), 0
	defer f.account(ctx)(&calls, &received, &err)
	for progress := begun; ; {
		before := w.Written()
		asked := time.Now()
		if err := f.library.slots.take(ctx, f.query.Urgency); err != nil {
			return err
		}
		progress = progress.Add(time.Since(asked)) // others were served meanwhile
		_, err := f.library.ledger.left()
		if err == nil {
			calls++
			err = f.attempt(ctx, out, &received, f.library.options.ReadTimeout-time.Since(progress))
		}
		f.library.slots.leave()
		if err == nil {
			log.DebugContext(ctx, "payload fetched", "bytes", w.Written(), "calls", calls, "took", time.Since(begun).Round(time.Millisecond))
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !worthAgain(err, &wrong) {
			level := slog.LevelWarn
			if errors.Is(err, ErrCodecChange) || errors.Is(err, ErrFetchLimit) { // which asking for less mends; which was logged
				level = slog.LevelDebug
			}
			log.Log(ctx, level, "fetch failed", "error", err)
			return err
		}
		if w.Written() > before {
			progress = time.Now()
			wait.Reset()
		}
		pause := wait.NextBackOff()
		if time.Since(progress)+pause > f.library.options.ReadTimeout {
			log.WarnContext(ctx, "fetch given up", "error", err, "bytes", w.Written(), "calls", calls)
			return err
		}
		log.DebugContext(ctx, "fetch tried again", "error", err, "bytes", w.Written(), "after", pause)
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// attempt makes one GetClip call, whose answer has to begin within patience, and takes its body in. What comes is added
// to received.
func (f *fetch) attempt(ctx context.Context, out *output, received *int64, patience time.Duration) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(patience, func() {
		// An Archive explains a deadline by its last failure.
		cancel(fmt.Errorf("no answer for %s: %w", patience, context.DeadlineExceeded))
	})
	defer silent.Stop()
	payload, err := f.library.archive.Payload(ctx, f.query)
	if err != nil {
		return fetchError(err)
	}
	defer func() { _ = payload.Body.Close() }() // what matters of a body was read by then
	if !silent.Stop() {
		return fetchError(context.Cause(ctx))
	}
	payload.Body = &meter{ReadCloser: payload.Body, all: &f.library.counts.fetched, own: received}
	body := newStallReader(payload.Body, f.library.options.StallTimeout, cancel)
	rationed := f.rationed(ctx, body, payload.Unread, cancel)
	defer rationed.finish()
	err = f.takeIn(mp4.NewScanner(rationed), payload.Length, out.restart())
	if cause := context.Cause(ctx); err != nil && cause != nil && out.err == nil {
		return cause
	}
	return err
}

// takeIn copies a body, box by box, with its times set. length is Content-Length, or −1.
func (f *fetch) takeIn(boxes *mp4.Scanner, length int64, out *output) error {
	in := intake{fetch: f, boxes: boxes, length: length, out: out, buffer: make([]byte, copyBuffer)}
	for {
		box, err := boxes.Next()
		switch {
		case errors.Is(err, mp4.ErrNotMP4), errors.Is(err, mp4.ErrMalformed):
			return wrong("%w", err)
		case errors.Is(err, io.EOF):
			return in.finish()
		case err != nil:
			return cut(err)
		}
		if err := in.box(box); err != nil {
			return err
		}
		if in.announced && out.position == in.size {
			return in.finish()
		}
	}
}

// cut tells that a body ended or failed before it should have.
func cut(err error) error {
	if errors.Is(err, ErrUnreachable) || errors.Is(err, ErrThrottled) {
		return err
	}
	return fmt.Errorf("body cut: %w: %w", ErrUnreachable, err)
}

// intake is the state of taking one body in.
type intake struct {
	*fetch
	boxes  *mp4.Scanner
	length int64
	out    *output
	buffer []byte

	moov      []byte
	parsed    *mp4.Movie // what moov says
	held      []byte     // what came until mdat has come
	mdatSize  int64
	mdatSeen  bool
	media     int64 // where the body of mdat begins
	announced bool
	size      int64
}

// box takes in one box.
func (in *intake) box(box *mp4.Box) error {
	if err := in.fits(box); err != nil {
		return err
	}
	if box.Type == mp4.TypeMoov && in.moov == nil {
		return in.movie(box)
	}
	if box.Type == mp4.TypeMdat && !in.mdatSeen {
		in.mdatSeen, in.mdatSize, in.media = true, box.Size, box.Position+int64(box.HeaderSize)
		if err := in.headCame(); err != nil {
			return err
		}
	}
	if err := in.write(box.Raw); err != nil {
		return err
	}
	return in.copy(box.Payload)
}

// movie takes in the moov: its times are those of the footage, not of the call.
func (in *intake) movie(box *mp4.Box) error {
	moov, err := mp4.ReadMoov(box)
	if errors.Is(err, mp4.ErrTooBig) {
		return wrong("%w", err)
	}
	if err != nil {
		return cut(err)
	}
	if err := mp4.SetTimes(moov, in.start); err != nil {
		in.library.options.Logger.Warn("times in moov left as they are", "stream", in.query.Stream, "error", err)
	}
	in.moov = moov
	if in.parsed, err = mp4.ParseMovie(moov); err != nil {
		return wrong("%w", err)
	}
	if err := in.headCame(); err != nil {
		return err
	}
	return in.write(moov)
}

// headCame announces the size once both moov and the header of mdat are there, after making sure that the payload is
// the one that was there before. Where mdat comes first, Content-Length has to do, and only for a payload that nobody
// has seen.
func (in *intake) headCame() error {
	if in.moov == nil || !in.mdatSeen {
		if in.mdatSeen && in.length >= 0 && !in.library.versions.seen(in.key) {
			return in.announce(in.length)
		}
		return nil
	}
	if err := in.plausible(); err != nil {
		return err
	}
	if err := in.whole(); err != nil {
		return err
	}
	size, known := in.end()
	if !known {
		return nil // the end of the body will tell
	}
	if err := in.same(size); err != nil {
		return err
	}
	return in.announce(size)
}

// same makes sure that the payload is the one that was there before.
func (in *intake) same(size int64) error {
	seen := look{size: size, digest: in.digest()}
	if in.moov == nil {
		seen.digest = in.out.sum()
	}
	if in.parsed != nil {
		seen.tables, seen.understood = in.parsed.Fingerprint(in.media), true
	}
	return in.library.recognise(in.key, seen)
}

// digest tells heads apart.
func (in *intake) digest() [sha256.Size]byte {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%d ", in.mdatSize) // a hash takes everything
	h.Write(in.moov)
	return [sha256.Size]byte(h.Sum(nil))
}

// announce makes the size known, once.
func (in *intake) announce(size int64) error {
	if in.announced {
		return nil
	}
	in.announced, in.size = true, size
	return in.out.announce(size)
}

// shortBy is how much shorter a payload may be than its fragments before it counts as cut: where the service closes
// what the timeline does not count as gaps, and a fiftieth of it.
const shortBy, shortShare = time.Second, 50

// whole makes sure that the service did not cut the payload: every fragment starts on a key frame, so there are at
// least as many sync samples as fragments, and they last as long.
func (in *intake) whole() error {
	if in.query.Fragments == 0 {
		return nil
	}
	video := in.parsed.Video()
	if video == nil {
		return nil
	}
	syncs := video.Syncs.Len()
	if video.Syncs.All() {
		syncs = int(video.Sizes.Len())
	}
	_, ticks, ok := video.Durations.Total()
	lasts := time.Duration(float64(ticks) / float64(max(video.Timescale, 1)) * float64(time.Second))
	short := ok && lasts < in.least-shortBy-in.least/shortShare
	if syncs < in.query.Fragments || short {
		in.library.timeline.forget(in.stream, in.query.Span)
		return &shortError{fmt.Sprintf("payload has %d key frames in %v of %d fragments in %v", syncs, lasts, in.query.Fragments, in.least)}
	}
	return nil
}

// end gives where the payload ends, if that is known before it has come.
func (in *intake) end() (int64, bool) {
	end, known := in.boxes.End()
	if known {
		media, err := in.parsed.MediaEnd()
		known = err == nil && media <= end // else there is a second mdat to come
	}
	if !known && in.length >= 0 {
		return in.length, true
	}
	return end, known
}

// copy hands on bytes as they come.
func (in *intake) copy(r io.Reader) error {
	for {
		n, err := r.Read(in.buffer)
		if werr := in.write(in.buffer[:n]); werr != nil {
			return werr
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return cut(err)
		}
	}
}

// finish ends the payload where the body ended or the announced size is reached.
func (in *intake) finish() error {
	if in.moov == nil || !in.mdatSeen {
		return wrong("no head or no media in %d bytes", in.boxes.Position())
	}
	size := in.out.position
	if in.announced && size != in.size {
		return cut(fmt.Errorf("%d of %d bytes: %w", size, in.size, io.ErrUnexpectedEOF))
	}
	if behind := in.behind(); behind {
		in.library.options.Logger.Warn("bytes behind the end of the payload dropped",
			"stream", in.query.Stream, "span", in.query.Span, "size", size)
	}
	if err := in.same(size); err != nil {
		return err
	}
	return in.out.finish()
}

// behind reports whether anything comes after the end of the payload.
func (in *intake) behind() bool {
	if in.length >= 0 {
		return in.length > in.out.position
	}
	n, _ := in.boxes.Rest().Read(in.buffer[:1])
	return n > 0
}
