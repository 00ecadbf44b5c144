package download

import (
	"context"

	"clipfs/cache"
)

// listedKey is the key under which is noted, as if it were a size, that a payload is just what was listed. Its digit goes up when what is
// compared changes: then payloads are compared again.
func listedKey(payload cache.Key) cache.Key { return "w1-" + payload }

// AsListed reports whether it is noted, by this or an earlier run, that the payload of a stamp is whole and has no more than what was listed.
// It costs no access to the disk.
func (d *Downloader) AsListed(payload cache.Key, stamp int64) bool {
	noted, ok := d.store.KnownSize(listedKey(payload))
	return ok && stamp != 0 && noted == stamp
}

// NoteAsListed notes that of the payload of a stamp. Its bytes never change, so later runs need not look at its tables before they serve it.
func (d *Downloader) NoteAsListed(payload cache.Key, stamp int64) {
	if stamp != 0 {
		d.store.NoteSize(listedKey(payload), stamp)
	}
}

// HoldAsListed takes up a payload that is on disk and noted to be just what was listed. It gives nil if there is none. find tells what the payload
// is; it is called only if the payload has to be fetched again.
func (d *Downloader) HoldAsListed(
	ctx context.Context, key cache.Key, about cache.About, want Want, find func(context.Context) (Payload, error),
) *Reader {
	t := d.takeStored(ctx, key, about, want)
	if t == nil {
		return nil
	}
	return &Reader{served: d.CountRead, taken: t, take: func(ctx context.Context, size int64) (*taken, error) {
		p, err := find(ctx)
		if err != nil {
			return nil, err
		}
		return d.Reader(p, want).take(ctx, size)
	}}
}

// takeStored takes up a whole payload that is as listed; nil where there is none, or not the one that is wanted.
func (d *Downloader) takeStored(ctx context.Context, key cache.Key, about cache.About, want Want) *taken {
	stamp, ok := d.store.Created(key)
	if !ok || !d.AsListed(key, stamp) {
		return nil
	}
	d.scheduler.want(key, want.Priority, 1)
	// If it has gone since, what waits for the same is told to try again.
	gone := func(context.Context, *cache.Writer) error { return cache.ErrAbandoned }
	entry, err := d.store.Acquire(key, cache.Request{Fill: gone, About: about})
	if err != nil {
		d.scheduler.want(key, want.Priority, -1)
		return nil
	}
	t := d.taken(key, entry, want)
	if t.Created() == stamp && t.Complete() {
		size, err := t.Size(ctx)
		if err == nil && (want.Identity.Size == 0 || want.Identity.Size == size) && want.current() == nil {
			d.identities.vouch(key)
			return t
		}
	}
	t.release()
	return nil
}
