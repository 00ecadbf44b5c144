package download

import (
	"context"
	"errors"
	"time"

	"clipfs/cache"
)

// Store is what a Downloader asks of a tier that keeps payloads. A *cache.Cache is one.
type Store interface {
	// Acquire takes up the bytes of a key, which the request's fill brings if they are not there.
	Acquire(key cache.Key, r cache.Request) (*cache.Entry, error)
	// Has reports whether all bytes of a key are there.
	Has(key cache.Key) bool
	// Created tells what is there under a key from what was there before or will be; false where not all of its bytes are there.
	Created(key cache.Key) (stamp int64, ok bool)
	Drop(key cache.Key)
	// GiveUp ends the fill of a key that nobody holds.
	GiveUp(key cache.Key) bool
	sizes
}

var _ Store = (*cache.Cache)(nil)

// sizes keeps exact sizes from run to run.
type sizes interface {
	KnownSize(key cache.Key) (int64, bool)
	NoteSize(key cache.Key, n int64)
}

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
