package download

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/mp4"
)

// Records are small records about payloads on disk. They outlive the media.
type Records struct{ store Store }

// Has reports whether a record is there.
func (r Records) Has(key cache.Key) bool { return r.store.Has(key) }

// Drop forgets a record.
func (r Records) Drop(key cache.Key) { r.store.Drop(key) }

// Read gives a record that is there. It costs no call.
func (r Records) Read(ctx context.Context, key cache.Key) ([]byte, error) {
	return r.take(ctx, key, cache.Request{Fill: func(context.Context, *cache.Writer) error { return errNoRecord }})
}

// Write adds a record about a payload, unless there is one, which has to be kept until a time at most; the zero time is as
// long as the payload may be.
func (r Records) Write(ctx context.Context, key cache.Key, p Payload, until time.Time, record []byte) error {
	request := p.Request("head", func(_ context.Context, w *cache.Writer) error { return w.Append(record) })
	if !until.IsZero() && until.Before(request.Expires) {
		request.Expires = until
	}
	_, err := r.take(ctx, key, request)
	return fetchError(err)
}

// errNoRecord: there is no such record.
var errNoRecord = errors.New("no record")

// take waits for a record and reads it.
func (r Records) take(ctx context.Context, key cache.Key, request cache.Request) ([]byte, error) {
	entry, err := r.store.Acquire(key, request)
	if err != nil {
		return nil, err
	}
	defer entry.Release()
	select {
	case <-entry.Done():
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	size, err := entry.Size(ctx)
	if err != nil {
		return nil, err
	}
	if size > int64(maxHeadRecord) {
		return nil, errHeadRecord
	}
	return readRange(ctx, entry, 0, size)
}

// headKey is the key of the record of a payload's head.
func headKey(payload cache.Key) cache.Key { return "h-" + payload }

// HeadKnown reports whether the head of a payload is on disk.
func (d *Downloader) HeadKnown(payload cache.Key) bool { return d.records.Has(headKey(payload)) }

// DropHead forgets the head of a payload that has another one now.
func (d *Downloader) DropHead(payload cache.Key) {
	d.records.Drop(headKey(payload))
	d.identities.forgetHead(payload)
}

// NoteHead keeps a head on disk in place of the one that is there, until a time if that is not zero.
func (d *Downloader) NoteHead(ctx context.Context, p Payload, h Head, until time.Time) error {
	d.DropHead(p.Key)
	return d.records.Write(ctx, headKey(p.Key), p, until, h.encode())
}

// StoredHead gives a head that is on disk. It costs no call.
func (d *Downloader) StoredHead(ctx context.Context, payload cache.Key) (Head, bool) {
	got, err := d.storedHead(ctx, payload)
	return got, err == nil
}

// storedHead gives a head that is on disk; errNoRecord if none is, errHeadRecord if an earlier run kept the head of a payload
// that had been cut.
func (d *Downloader) storedHead(ctx context.Context, payload cache.Key) (Head, error) {
	if !d.HeadKnown(payload) {
		return Head{}, errNoRecord
	}
	b, err := d.records.Read(ctx, headKey(payload))
	if err != nil {
		return Head{}, err
	}
	got, err := decodeHead(b)
	if err != nil || got.Split != 0 {
		return got, err
	}
	movie, err := mp4.ParseMovie(got.Moov)
	if err == nil {
		err = reaches(movie, got.Size)
	}
	if err != nil {
		return Head{}, errHeadRecord
	}
	d.identities.recall(payload, got.Tables)
	return got, nil
}

// Head gives the head of a payload: from disk, else from the payload, of which no more is fetched than that takes; it is kept
// on disk then. An ErrChanged is told of once a version.
func (d *Downloader) Head(ctx context.Context, p Payload) (Head, error) {
	got, err := d.storedHead(ctx, p.Key)
	switch {
	case err == nil && got.Split != 0 && p.Query.Fragments > 0: // of an earlier version of ours
		d.DropHead(p.Key)
	case err == nil:
		return got, nil
	case errors.Is(err, errHeadRecord):
		d.options.Logger.Warn("head on disk is damaged, fetching it again", "stream", p.Stream.Name, "span", p.Query.Span)
		d.DropHead(p.Key)
	}
	t, err := d.takeUp(ctx, p, Want{Priority: archive.ForHead, By: ByOf(ctx)})
	if err != nil {
		return Head{}, err
	}
	defer t.release()
	if err := d.records.Write(ctx, headKey(p.Key), p, time.Time{}, t.head.encode()); err != nil {
		return Head{}, fmt.Errorf("head of %s: %w", p.Query.Span, err)
	}
	return t.head, nil
}

// Movie gives the parsed head of a payload. It is on disk as a rule; if it has been evicted it is fetched again, which
// ReadTimeout bounds.
func (d *Downloader) Movie(p Payload) (*mp4.Movie, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d.options.ReadTimeout)
	defer cancel()
	got, err := d.Head(ctx, p)
	if err != nil {
		return nil, err
	}
	return mp4.ParseMovie(got.Moov)
}
