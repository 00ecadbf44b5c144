package download

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/mp4"
	"clipfs/clip/tier"
)

// tierOf gives the tier that may have a payload.
func (d *Downloader) tierOf(p Payload) tier.Tier {
	if d.shares(p) {
		return d.options.Tier
	}
	return tier.None{}
}

// shares reports whether a payload is shared with other hosts.
func (d *Downloader) shares(p Payload) bool { return p.Shared && d.options.Tier != nil }

func (p Payload) tierID() tier.ID {
	return tier.ID{Stream: p.Stream, Key: p.Key, Start: p.Query.Span.Start}
}

// sharers counts who in this host gets a payload, or its head, for which others may wait.
type sharers struct {
	// mu guards by, by the key of the payload or of the record of its head.
	mu sync.Mutex
	by map[cache.Key]int
}

// share counts one more; the function that it gives has to be called when that one is done. The tier is told that nothing is coming where the
// last one has failed: another caller's leaving says nothing of the fetch that goes on.
func (d *Downloader) share(p Payload, head bool) (done func(*error)) {
	if !d.shares(p) {
		return func(*error) {}
	}
	key := p.Key
	if head {
		key = headKey(key)
	}
	s := &d.sharers
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by[key]++
	return func(err *error) {
		s.mu.Lock()
		s.by[key]--
		last := s.by[key] == 0
		if last {
			delete(s.by, key)
		}
		s.mu.Unlock()
		if last && *err != nil {
			d.options.Tier.Abandon(p.tierID(), head)
		}
	}
}

// tierHead gives a head that the tier has and that fits what is known here, and keeps it. It makes no call.
func (d *Downloader) tierHead(ctx context.Context, p Payload) (Head, bool) {
	if !d.shares(p) || d.store.Has(p.Key) {
		return Head{}, false
	}
	found := d.tierOf(p).Head(ctx, p.tierID())
	if found == nil {
		return Head{}, false
	}
	h, err := decodeHead(found.Record)
	if err == nil {
		err = d.fits(p, h, found.Identity)
	}
	if err == nil {
		err = d.records.Write(ctx, headKey(p.Key), p, time.Time{}, found.Record)
	}
	if err != nil {
		d.options.Logger.Debug("head of the shared cache not used", "stream", p.Stream.Name, "span", p.Query.Span, "cause", err)
		return Head{}, false
	}
	d.identities.recall(p.Key, h.Tables)
	return h, true
}

// fits makes sure that a head of the tier is that of a payload as it was listed, and of the one that is known here.
func (d *Downloader) fits(p Payload, h Head, said Identity) error {
	if h.Split != 0 || h.Size != said.Size || h.Tables != said.Tables || h.MediaStart < 0 || h.MediaEnd < h.MediaStart || h.Size < h.MediaEnd || h.Size > maxPayload {
		return errHeadRecord
	}
	movie, err := mp4.ParseMovie(h.Moov)
	if err == nil {
		err = reaches(movie, h.Size)
	}
	switch {
	case err != nil:
		return err
	case movie.Fingerprint(h.MediaStart) != h.Tables:
		return errHeadRecord
	case !d.identities.allows(p.Key, said):
		return errOtherVersion
	case movie.Video() != nil && p.Least != nil:
		return p.Least(movie.Video())
	}
	return nil
}

// errOtherVersion: the tier has another version of a payload than this host.
var errOtherVersion = errors.New("another version than is known here")

// look looks for a payload in the tier, before a call for it and each time that a call goes on that was paused: another host may
// have fetched it meanwhile, or be at it, which is waited for once: each reader that comes back would wait for a host that is stuck.
func (f *fetch) look(ctx context.Context) (there bool) {
	whole := func() bool { return f.scheduler.wantsMore(f.place) }
	waited := f.waited
	f.waited = waited || whole()
	f.found = f.tierOf(f.payload).Open(ctx, f.payload.tierID(), tier.Fetch{Whole: whole, Wake: f.wake, Waited: waited})
	return f.found != nil
}

// wake has a payload fetched to its end for another host.
func (f *fetch) wake() {
	t, err := f.hold(f.payload, Want{Priority: archive.ForAhead, By: f.by})
	if err != nil {
		return // the other host will fetch it
	}
	go func() {
		<-t.Done()
		t.release()
	}()
}

// errElsewhere: a call is not gone on with, because the tier has its payload.
var errElsewhere = fmt.Errorf("in the shared cache by now: %w", archive.ErrUnreachable)

// fromTier takes a payload from the tier, if look has found one and it fits what is known here. It reports whether the payload is
// whole; an error ends the download. What fails otherwise is left to the archive: what came until then stays.
func (f *fetch) fromTier(ctx context.Context) (bool, error) {
	found := f.found
	if f.found = nil; found == nil {
		return false, nil
	}
	defer func() { _ = found.Body.Close() }() // what matters of a body was read by then
	if !f.identities.allows(f.payload.Key, found.Identity) {
		f.log.DebugContext(ctx, "payload of the shared cache not used", "cause", errOtherVersion)
		return false, nil
	}
	f.out.restart()
	err := (&intake{fetch: f, boxes: mp4.NewScanner(&tierBody{found.Body, f, ctx}), length: found.Identity.Size, tier: true}).takeIn(ctx)
	switch {
	case err == nil:
		f.log.DebugContext(ctx, "payload taken from the shared cache", "bytes", f.out.position)
		f.shared = true
		return true, nil
	case f.out.err != nil:
		return false, f.out.err
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	}
	f.log.DebugContext(ctx, "payload of the shared cache not used to its end", "bytes", f.out.position, "cause", err)
	return false, nil
}

// tierBody is a body of the tier, which pays for its bandwidth and is on no meter.
type tierBody struct {
	io.Reader
	fetch *fetch
	ctx   context.Context //nolint:containedctx // as that of the request whose body it is
}

func (b *tierBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p[:b.fetch.bandwidth.Most(len(p))])
	if b.fetch.counts.shared.Add(int64(n)); err != nil {
		return n, err
	}
	return n, b.fetch.bandwidth.Pay(b.ctx, b.fetch.place.demand.priority, n)
}

// offerWhole offers a payload that has come from the archive; its fill, which is about to end, calls this. It is read from the store
// when its turn comes.
func (d *Downloader) offerWhole(p Payload) {
	known, fetched := d.identities.of(p.Key), time.Now()
	if !known.seen || !known.last.Understood {
		d.tierOf(p).Abandon(p.tierID(), false)
		return
	}
	var held *cache.Entry
	d.tierOf(p).Offer(p.tierID(), tier.Offer{
		Size: known.last.Size,
		Content: func() (content io.ReaderAt, release func(), err error) {
			if held, err = d.wholeEntry(p, known.last.Size); err != nil {
				return nil, nil, err
			}
			return held.Reader(), held.Release, nil
		},
		Confirm: func(ctx context.Context) (tier.Confirmed, error) {
			h, err := readHead(ctx, held)
			if err != nil {
				return tier.Confirmed{}, fmt.Errorf("%w: %w", tier.ErrPrivate, err)
			}
			return d.confirm(ctx, p, h, fetched)
		},
	})
}

// offerHead offers the head of a payload.
func (d *Downloader) offerHead(p Payload, h Head) {
	if !d.shares(p) {
		return
	}
	record, fetched := h.encode(), time.Now()
	d.tierOf(p).Offer(p.tierID(), tier.Offer{
		Head: true, Size: int64(len(record)),
		Content: func() (io.ReaderAt, func(), error) { return bytes.NewReader(record), func() {}, nil },
		Confirm: func(ctx context.Context) (tier.Confirmed, error) { return d.confirm(ctx, p, h, fetched) },
	})
}

// confirm makes sure that the payload of a head may be offered, and is the one that is known here.
func (d *Downloader) confirm(ctx context.Context, p Payload, h Head, fetched time.Time) (c tier.Confirmed, err error) {
	known := d.identities.of(p.Key)
	if !known.seen || !known.last.Understood || known.last.Size != h.Size || known.last.Tables != h.Tables {
		return c, fmt.Errorf("%w: %w", tier.ErrPrivate, errOtherVersion)
	}
	movie, err := mp4.ParseMovie(h.Moov)
	if err != nil {
		return c, fmt.Errorf("%w: %w", tier.ErrPrivate, err)
	}
	c, err = d.options.Confirm(ctx, p, movie, fetched)
	c.Identity = known.last
	return c, err
}

// wholeWait is how long an offer waits for the fill of its payload to end.
const wholeWait = 5 * time.Second

// wholeEntry takes a payload up that is in the store, all of it. One that is not there any more is wanted only if it is: others that
// come upon its fill take it up again.
func (d *Downloader) wholeEntry(p Payload, size int64) (*cache.Entry, error) {
	entry, err := d.store.Acquire(p.Key, p.Request("media", func(context.Context, *cache.Writer) error { return cache.ErrAbandoned }))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", tier.ErrGone, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), wholeWait)
	defer cancel()
	select {
	case <-entry.Done(): // the fill that has offered it ends soon
	case <-ctx.Done(): // another one is under way, and may be paused for as long as this waits for it
	}
	if !entry.Complete() {
		entry.Release()
		return nil, tier.ErrGone
	}
	if got, err := entry.Size(context.Background()); err != nil || got != size || !entry.Complete() {
		entry.Release()
		return nil, tier.ErrGone
	}
	return entry, nil
}
