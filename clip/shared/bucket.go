package shared

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// Bucket is what a Tier asks of an object store. Nothing is tried twice; every method gives up when ctx ends, and is safe for
// concurrent use.
type Bucket interface {
	// Get begins to read an object; ErrNotFound only where the store itself says that there is none. The caller closes the
	// body; ctx also bounds the reading of it.
	Get(ctx context.Context, name string) (*Object, error)
	// Put writes an object of so many bytes, whole or not at all, and gives its ETag. Where the condition does not hold what is there
	// is kept, and what comes of that is an error like any other.
	Put(ctx context.Context, name string, content io.ReadSeeker, size int64, on Condition) (etag string, err error)
	// Exists reports whether there is an object.
	Exists(ctx context.Context, name string) (bool, error)
	// List yields the objects whose names begin with a text. An error ends the sequence.
	List(ctx context.Context, prefix string) iter.Seq2[Item, error]
	// Delete removes an object, if it is there.
	Delete(ctx context.Context, name string) error
}

// Object is one that is being read.
type Object struct {
	// Size is how many bytes it has in all.
	Size int64
	// ETag changes with what it has.
	ETag string
	Body io.ReadCloser
}

// Condition is on what an object is written. The zero value is none.
type Condition struct {
	// Absent says that there has to be no such object, Match that it has to have this ETag.
	Absent bool
	Match  string
}

// Item is an object in a listing.
type Item struct {
	Name     string
	Size     int64
	Modified time.Time
}

// ErrNotFound says that there is no such object.
var ErrNotFound = errors.New("no such object")

// errSlow: the bucket has not answered in time.
var errSlow = errors.New("no answer in time")

// askTimeout is how long a small request may take that no user waits for.
const askTimeout = 10 * time.Second
