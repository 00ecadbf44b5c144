// Package memory is a bucket for tests: an object store in memory, with faults on demand.
package memory

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // see etag
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"clipfs/clip/shared"
)

// Bucket is a bucket in memory. Its fields are set before the first call, or within Change.
type Bucket struct {
	// Fail gives the error of a call ("get", "put", "exists"), or waits; nil stands for none.
	Fail func(ctx context.Context, call, name string) error
	// Body changes the body of an object that is read.
	Body func(io.Reader) io.Reader
	// Lossy has a failed Put leave the object there all the same; Unconditional has conditions ignored.
	Lossy, Unconditional bool

	// mu guards the rest, and all fields in Change.
	mu      sync.Mutex
	objects map[string][]byte
	written map[string]time.Time
	calls   map[string]int
}

var _ shared.Bucket = (*Bucket)(nil)

// errCondition: the condition of a write does not hold.
var errCondition = errors.New("precondition failed")

// New gives an empty bucket.
func New() *Bucket {
	return &Bucket{objects: make(map[string][]byte), written: make(map[string]time.Time), calls: make(map[string]int)}
}

// Change sets fields while calls may be under way.
func (b *Bucket) Change(set func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	set()
}

// Calls counts the calls of a kind.
func (b *Bucket) Calls(call string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls[call]
}

// Names gives the names of all objects that have a text, by name.
func (b *Bucket) Names(with string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.Sorted(maps.Keys(b.objects))
	return slices.DeleteFunc(all, func(name string) bool { return !strings.Contains(name, with) })
}

// Edit changes the bytes of every object whose name has a text.
func (b *Bucket) Edit(with string, edit func([]byte) []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, o := range b.objects {
		if strings.Contains(name, with) {
			b.objects[name] = edit(bytes.Clone(o))
		}
	}
}

// call counts a call, and gives its error and the object.
func (b *Bucket) call(ctx context.Context, call, name string) ([]byte, bool, error) {
	b.mu.Lock()
	b.calls[call]++
	fail := b.Fail
	o, ok := b.objects[name]
	b.mu.Unlock()
	if fail != nil {
		if err := fail(ctx, call, name); err != nil {
			return nil, false, err
		}
	}
	return o, ok, context.Cause(ctx)
}

// Get implements shared.Bucket.
func (b *Bucket) Get(ctx context.Context, name string) (*shared.Object, error) {
	o, ok, err := b.call(ctx, "get", name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, shared.ErrNotFound
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	body := io.Reader(bytes.NewReader(o))
	if b.Body != nil {
		body = b.Body(body)
	}
	return &shared.Object{Size: int64(len(o)), ETag: etag(o), Body: io.NopCloser(&bound{ctx, body})}, nil
}

// bound is a body that ends with the context of its request, where it has a method Wait.
type bound struct {
	ctx  context.Context //nolint:containedctx // as that of the request whose body it is
	from io.Reader
}

// Read implements io.Reader.
func (b *bound) Read(p []byte) (int, error) {
	if w, ok := b.from.(interface{ Wait(context.Context) error }); ok {
		if err := w.Wait(b.ctx); err != nil {
			return 0, err
		}
	}
	return b.from.Read(p)
}

// Put implements shared.Bucket.
func (b *Bucket) Put(ctx context.Context, name string, content io.ReadSeeker, size int64, on shared.Condition) (string, error) {
	_, _, err := b.call(ctx, "put", name)
	o, read := io.ReadAll(content)
	if read == nil && int64(len(o)) != size {
		read = io.ErrUnexpectedEOF
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	there, ok := b.objects[name]
	if err == nil && !b.Unconditional && (on.Absent && ok || on.Match != "" && (!ok || etag(there) != on.Match)) {
		err = errCondition
	}
	if read != nil || err != nil && !b.Lossy {
		return "", errors.Join(err, read)
	}
	b.objects[name], b.written[name] = o, time.Now()
	return etag(o), err
}

// etag gives the ETag of an object, as most stores do.
func etag(o []byte) string { return fmt.Sprintf("%q", fmt.Sprintf("%x", md5.Sum(o))) } //nolint:gosec // as stores do

// Exists implements shared.Bucket.
func (b *Bucket) Exists(ctx context.Context, name string) (bool, error) {
	_, ok, err := b.call(ctx, "exists", name)
	return ok, err
}

// List implements shared.Bucket.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[shared.Item, error] {
	return func(yield func(shared.Item, error) bool) {
		for _, name := range b.Names("") {
			if !strings.HasPrefix(name, prefix) {
				continue
			}
			o, _, err := b.call(ctx, "list", name)
			b.mu.Lock()
			written := b.written[name]
			b.mu.Unlock()
			if !yield(shared.Item{Name: name, Size: int64(len(o)), Modified: written}, err) {
				return
			}
		}
	}
}

// Delete implements shared.Bucket.
func (b *Bucket) Delete(ctx context.Context, name string) error {
	_, _, err := b.call(ctx, "delete", name)
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.objects, name)
	return err
}
