package shared

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
)

// Entry is an object in the bucket, as its name and its header tell of it.
type Entry struct {
	Item
	Name   Name
	Header Header
	// Err says why it is none that this host can use; it is an ErrObject.
	Err error
}

// Names yields the objects below a prefix that were written with a key, or without one, and reads none of them. It is for people: on
// the way of a read nothing is listed. An error ends the sequence.
func Names(ctx context.Context, b Bucket, prefix string, k Key) iter.Seq2[Entry, error] {
	return named(ctx, b, prefix, k, func(text string, _ Item) (Name, bool) { return parseName(text) })
}

// silence is many times as long as a busy host takes to rewrite its leases and its beat, by the clocks of the store and of this host.
const silence = 24 * time.Hour

// Silent yields the leases, and the beats of hosts, that nothing has rewritten for a day. No host waits for them, and one that comes back
// writes its own again. The name of a beat has no stream. An error ends the sequence.
func Silent(ctx context.Context, b Bucket, prefix string, k Key) iter.Seq2[Entry, error] {
	return named(ctx, b, prefix, k, func(text string, item Item) (Name, bool) {
		name, ours := parseSignal(text)
		return name, ours && time.Since(item.Modified) > silence
	})
}

// named yields the objects below the root of a key whose names, from there on, parse accepts.
func named(ctx context.Context, b Bucket, prefix string, k Key, parse func(string, Item) (Name, bool)) iter.Seq2[Entry, error] {
	root := Root(prefix, k)
	return func(yield func(Entry, error) bool) {
		for item, err := range b.List(ctx, root) {
			if err != nil {
				yield(Entry{}, err)
				return
			}
			name, ours := parse(strings.TrimPrefix(item.Name, root), item)
			if ours && !yield(Entry{Item: item, Name: name}, nil) {
				return
			}
		}
	}
}

// List is Names, and reads the header of each object.
func List(ctx context.Context, b Bucket, prefix string, k Key) iter.Seq2[Entry, error] {
	return examined(ctx, b, prefix, k, false)
}

// Verify is Names, and reads all of each object.
func Verify(ctx context.Context, b Bucket, prefix string, k Key) iter.Seq2[Entry, error] {
	return examined(ctx, b, prefix, k, true)
}

func examined(ctx context.Context, b Bucket, prefix string, k Key, whole bool) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for e, err := range Names(ctx, b, prefix, k) {
			if err == nil {
				e.Header, err = examine(ctx, b, e.Item.Name, e.Name, k, whole)
			}
			switch {
			case errors.Is(err, ErrNotFound): // removed meanwhile
				continue
			case errors.Is(err, ErrObject):
				e.Err, err = err, nil
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// examine reads the header of an object, and all of it if whole is set.
func examine(ctx context.Context, b Bucket, path string, name Name, k Key, whole bool) (Header, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(uploadStall, func() { cancel(fmt.Errorf("%s: %w", path, errSlow)) })
	defer watch.Stop()
	o, err := b.Get(ctx, path)
	if err != nil {
		return Header{}, err
	}
	defer func() { _ = o.Body.Close() }() // what matters of it was read by then
	h, body, err := k.Decode(name, o.Size, o.Body)
	for buffer := make([]byte, block); err == nil && whole; {
		watch.Reset(uploadStall)
		_, err = body.Read(buffer)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return h, err
}
