package clip

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/mp4"
)

// heads keeps the heads of parts on disk, apart from the media and longer than it.
type heads struct {
	library *Library
	cache   *cache.Cache
}

// headKey is the key of the head of the payload of another one.
func headKey(payload cache.Key) cache.Key { return "h-" + payload }

// known reports whether a head is on disk, or that there is none because one call does not bring the payload.
func (h heads) known(payload cache.Key) bool {
	return h.cache.Has(headKey(payload)) || h.cache.Has(settledKey(payload))
}

// drop forgets a head, because the payload has another one now.
func (h heads) drop(payload cache.Key) { h.cache.Drop(headKey(payload)) }

// of gives the head of a part: from disk, else from its payload, of which no more is fetched than that takes.
func (h heads) of(ctx context.Context, f *fetch) (head, error) {
	who := askedIn(ctx)
	var short *shortError
	for tries := 0; ; tries++ {
		got, err := h.once(ctx, f.key, f.kept(keptHead, func(ctx context.Context, w *cache.Writer) error {
			got, err := f.head(who.in(ctx))
			if err != nil {
				return err
			}
			return w.Append(got.encode())
		}))
		switch {
		case err == nil:
			return got, nil
		case errors.Is(err, errHeadRecord) && tries < maxTries:
			h.library.options.Logger.Warn("head on disk is damaged, fetching it again", "stream", f.query.Stream, "span", f.query.Span)
			h.drop(f.key)
		case lost(err) && tries < maxTries && ctx.Err() == nil:
		// It is another one than before, and known by that now. Nothing was served of it yet: the next is compared with it.
		case errors.Is(err, archive.ErrChanged) && !errors.As(err, &short) && tries == 0 && ctx.Err() == nil:
		default:
			return head{}, fetchError(err)
		}
	}
}

// listed gives the head of a part whose fragments are listed. An earlier version noted in place of a head that a part takes two
// calls; that is forgotten.
func (h heads) listed(ctx context.Context, f *fetch) (head, error) {
	got, err := h.of(ctx, f)
	if err == nil && got.split != 0 {
		h.drop(f.key)
		got, err = h.of(ctx, f)
	}
	return got, err
}

// lost reports whether an error says that an entry was given up or damaged in this moment, so that it can be taken up
// again.
func lost(err error) bool {
	return errors.Is(err, cache.ErrAbandoned) || errors.Is(err, cache.ErrDamaged)
}

// maxTries is how often something is taken up again that was given up or damaged in this moment.
const maxTries = 3

// stored gives a head that is on disk. It costs no call.
func (h heads) stored(ctx context.Context, payload cache.Key) (head, bool) {
	if !h.cache.Has(headKey(payload)) {
		return head{}, false
	}
	got, err := h.once(ctx, payload, cache.Request{Fill: func(context.Context, *cache.Writer) error { return errHeadRecord }})
	return got, err == nil
}

// once takes a head's entry up and reads it.
func (h heads) once(ctx context.Context, payload cache.Key, r cache.Request) (head, error) {
	b, err := h.record(ctx, headKey(payload), r)
	if err != nil {
		return head{}, err
	}
	return soundHead(b)
}

// record takes an entry up that is a record of ours, and reads it.
func (h heads) record(ctx context.Context, key cache.Key, r cache.Request) ([]byte, error) {
	entry, err := h.cache.Acquire(key, r)
	if err != nil {
		return nil, err
	}
	defer entry.Release()
	// The record is a few hundred KB; its size is known when it is written.
	size, err := h.wait(ctx, entry)
	if err != nil {
		return nil, err
	}
	return readRange(ctx, entry, 0, size)
}

// soundHead reads a record. errHeadRecord too if an earlier run kept the head of a payload that had been cut.
func soundHead(b []byte) (head, error) {
	got, err := decodeHead(b)
	if err != nil || got.split != 0 {
		return got, err
	}
	movie, err := mp4.ParseMovie(got.moov)
	if err == nil {
		err = reaches(movie, got.size)
	}
	if err != nil {
		return head{}, errHeadRecord
	}
	return got, nil
}

// wait waits until an entry is whole and gives its size.
func (h heads) wait(ctx context.Context, entry *cache.Entry) (int64, error) {
	select {
	case <-entry.Done():
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	size, err := entry.Size(ctx)
	if err == nil && size > int64(maxHeadRecord) {
		err = errHeadRecord
	}
	return size, err
}

// split notes that a part takes two calls, the first for so many fragments.
func (h heads) split(ctx context.Context, f *fetch, at int) error {
	record := head{split: at}.encode()
	h.drop(f.key)
	_, err := h.once(ctx, f.key, f.kept(keptHead, func(_ context.Context, w *cache.Writer) error { return w.Append(record) }))
	if err != nil {
		return fmt.Errorf("note of a split: %w", fetchError(err))
	}
	return nil
}

// empty notes, until a time, that a piece has no footage.
func (h heads) empty(ctx context.Context, f *fetch, until time.Time) error {
	record := head{split: splitEmpty}.encode()
	h.drop(f.key)
	r := f.kept(keptHead, func(_ context.Context, w *cache.Writer) error { return w.Append(record) })
	if until.Before(r.Expires) {
		r.Expires = until
	}
	_, err := h.once(ctx, f.key, r)
	return err
}

// movie gives the parsed head of a part. It is on disk as a rule; if it has been evicted it is fetched again, which
// ReadTimeout bounds.
func (h heads) movie(f *fetch) (*mp4.Movie, error) {
	ctx, cancel := context.WithTimeout(context.Background(), h.library.options.ReadTimeout)
	defer cancel()
	got, err := h.of(ctx, f)
	if err != nil {
		return nil, err
	}
	return mp4.ParseMovie(got.moov)
}
