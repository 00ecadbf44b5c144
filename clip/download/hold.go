package download

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/mp4"
)

// Want says for whom a payload is held, and what it has to be.
type Want struct {
	Priority archive.Priority
	// By is who has it held; a read that takes the payload up again goes by the operation in its own context.
	By By
	// Identity is what the payload has to be: its Tables where Understood is set, else its Size; 0 stands for any.
	Identity Identity
	// Current gives an error once the clip has another version; nil stands for one that does not change.
	Current func() error
}

func (w Want) current() error {
	if w.Current == nil {
		return nil
	}
	return w.Current()
}

// maxTries is how often an entry is taken up again that was given up or damaged just now.
const maxTries = 3

// Hold takes a payload up and waits until it is known to be the right one: until its head has come. For prefetch it waits for
// nothing. ErrChanged if it is another one; Outdated tells where it has other tables than it should.
func (d *Downloader) Hold(ctx context.Context, p Payload, want Want) (*Reader, error) {
	r := d.Reader(p, want)
	if _, err := r.live(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// Reader gives a Reader that holds a payload from the first read on. Where the tables of the payload are known, it reads of
// the media alone.
func (d *Downloader) Reader(p Payload, want Want) *Reader {
	return &Reader{served: d.CountRead, there: func() bool { return d.store.Has(p.Key) }, take: func(ctx context.Context, size int64) (*taken, error) {
		own := want
		if op := ByOf(ctx).Operation; op.ID != 0 {
			own.By.Operation = op
		}
		if size > 0 {
			own.Identity.Size = size
		}
		return d.takeUp(ctx, p, own)
	}}
}

// Made gives a Reader of an entry that no call brings: request tells how it is made.
func (d *Downloader) Made(key cache.Key, request cache.Request) *Reader {
	return &Reader{served: d.CountRead, there: func() bool { return d.store.Has(key) }, take: func(ctx context.Context, _ int64) (*taken, error) {
		entry, err := d.store.Acquire(key, request)
		if err != nil {
			return nil, fetchError(err)
		}
		if _, err := entry.Size(ctx); err != nil {
			entry.Release()
			return nil, fetchError(err)
		}
		return &taken{Entry: entry, release: entry.Release}, nil
	}}
}

// Head gives the head of a payload: from disk, else from the payload, of which no more is fetched than that takes; it is kept
// on disk then. An ErrChanged is told of once a version.
func (d *Downloader) Head(ctx context.Context, p Payload) (got Head, err error) {
	got, err = d.storedHead(ctx, p.Key)
	switch {
	case err == nil && got.Split != 0 && p.Query.Fragments > 0: // of an earlier version of ours
		d.DropHead(p.Key)
	case err == nil:
		return got, nil
	case errors.Is(err, errHeadRecord):
		d.options.Logger.Warn("head on disk is damaged, fetching it again", "stream", p.Stream.Name, "span", p.Query.Span)
		d.DropHead(p.Key)
	}
	defer d.share(p, true)(&err)
	if got, ok := d.tierHead(ctx, p); ok {
		return got, nil
	}
	t, err := d.takeUp(ctx, p, Want{Priority: archive.ForHead, By: ByOf(ctx)})
	if err == nil {
		defer t.release()
		if err = d.records.Write(ctx, headKey(p.Key), p, time.Time{}, t.head.encode()); err != nil {
			err = fmt.Errorf("head of %s: %w", p.Query.Span, err)
		}
	}
	if err != nil {
		return Head{}, err
	}
	d.offerHead(p, t.head)
	return t.head, nil
}

// Movie gives the parsed head of a payload. It is on disk as a rule; if it has been evicted it is fetched again, which
// ReadTimeout bounds.
func (d *Downloader) Movie(ctx context.Context, p Payload) (*mp4.Movie, error) {
	ctx, cancel := context.WithTimeout(ctx, d.options.ReadTimeout)
	defer cancel()
	got, err := d.Head(ctx, p)
	if err != nil {
		return nil, err
	}
	return mp4.ParseMovie(got.Moov)
}

// takeUp takes a payload up once it is known to be the right one, but for prefetch at once.
func (d *Downloader) takeUp(ctx context.Context, p Payload, want Want) (*taken, error) {
	for tries := 0; ; tries++ {
		if err := want.current(); err != nil {
			return nil, err
		}
		t, err := d.hold(p, want)
		if err != nil {
			return nil, err
		}
		if want.Priority != archive.ForAhead {
			err = d.prove(ctx, p, want, t)
		}
		if err == nil {
			return t, nil
		}
		t.release()
		if ctx.Err() == nil && tries < maxTries && d.again(err, tries == 0, p, want) {
			continue
		}
		if want.Identity.Understood && errors.Is(err, archive.ErrChanged) && !Outdated(err) {
			err = changed(p, err)
		}
		return nil, fetchError(err)
	}
}

// again reports whether to take up again what failed. A payload that differs from the one before is known by that now: of one
// of which only the head was wanted nothing was served yet, and one of known tables may have the same samples all the same.
func (d *Downloader) again(err error, first bool, p Payload, want Want) bool {
	switch {
	case lost(err):
		return true
	case !first || !errors.Is(err, archive.ErrChanged) || Outdated(err):
		return false
	case want.Identity.Understood:
		return d.identities.Keeps(p.Key, want.Identity.Tables)
	}
	return want.Priority == archive.ForHead && !errors.Is(err, ErrLess)
}

// prove waits until a payload is known to be the right one.
func (d *Downloader) prove(ctx context.Context, p Payload, want Want, t *taken) (err error) {
	if want.Identity.Understood || want.Priority == archive.ForHead {
		if t.head, err = d.headOf(ctx, t); err != nil {
			return err
		}
		if want.Identity.Understood && t.head.Tables != want.Identity.Tables {
			return changed(p, nil)
		}
		t.base = t.head.MediaStart
		return nil
	}
	size, err := t.Size(ctx)
	if err == nil {
		err = d.vouched(ctx, t)
	}
	if err == nil && want.Identity.Size > 0 && size != want.Identity.Size {
		err = fmt.Errorf("%d bytes, and %d before: %w", size, want.Identity.Size, archive.ErrChanged)
	}
	if err == nil {
		err = want.current()
	}
	return err
}

// vouched makes sure that a payload that an earlier run has left is whole. It is looked at once a run, unless an earlier run has
// noted that it is just what was listed; what came in this run was looked at when it came.
func (d *Downloader) vouched(ctx context.Context, t *taken) error {
	if !t.Complete() || d.identities.vouches(t.key) || d.AsListed(t.key, t.Created()) {
		return nil
	}
	if _, err := d.headOf(ctx, t); err != nil {
		return err
	}
	d.identities.vouch(t.key)
	return nil
}

// headOf gives the head of a payload that is held. A payload that is of no use is dropped: another call may bring what it
// should.
func (d *Downloader) headOf(ctx context.Context, t *taken) (Head, error) {
	got, err := readHead(ctx, t.Entry)
	if errors.Is(err, archive.ErrMedia) || errors.Is(err, errCutEntry) {
		d.store.Drop(t.key)
	}
	return got, err
}

// hold takes a hold on a payload, which begins to be fetched if it is not there. It waits for no call. A download that nobody
// holds any more is paused.
func (d *Downloader) hold(p Payload, want Want) (*taken, error) {
	if known := d.identities.of(p.Key); !known.seen && !known.recalled && !d.store.Has(p.Key) {
		_, _ = d.storedHead(context.Background(), p.Key) // whatever comes is compared with it
	}
	d.scheduler.want(p.Key, want.Priority, 1)
	entry, err := d.store.Acquire(p.Key, d.request(p, want.By))
	if err != nil {
		d.scheduler.want(p.Key, want.Priority, -1)
		return nil, fetchError(err)
	}
	return d.taken(p.Key, entry, want), nil
}

// taken gives an entry that was acquired, once it is wanted.
func (d *Downloader) taken(key cache.Key, entry *cache.Entry, want Want) *taken {
	return &taken{Entry: entry, key: key, release: sync.OnceFunc(func() {
		entry.Release()
		d.scheduler.want(key, want.Priority, -1)
	})}
}
