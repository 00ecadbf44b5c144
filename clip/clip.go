package clip

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"clipfs/cache"
)

// What a size is taken to be until it is known: MP4 was up to 1.2 times the Matroska sum on small or static video, so
// an estimate is half as large again, and a head a part.
const (
	estimateNumerator, estimateDenominator = 3, 2
	estimateHead                           = 64 << 10
	// unlistedEstimate is the size of a clip whose fragments may not be listed: the most that one call returns.
	unlistedEstimate = 100_000_000
)

// Clip is one immutable version of a clip: certain fragments of a stream, presented as one file.
type Clip struct {
	library   *Library
	stream    Stream
	span      Span
	parts     []part
	fragments []Fragment
	rule      gapRule
	// unlisted is the span to ask for where fragments may not be listed; empty otherwise.
	unlisted Span
	key      cache.Key
	version  int
	expires  time.Time

	exact  atomic.Int64 // the exact size; 0 until it is known
	warned sync.Once
	// failure is the last error of an open or a read.
	failure atomic.Pointer[error]
}

// Key identifies the version: two clips of one key are the same bytes.
func (c *Clip) Key() string { return fmt.Sprintf("%s.%d", c.key, c.version) }

// Stream is the name of the clip's stream.
func (c *Clip) Stream() StreamName { return c.stream.Name }

// Span is the span as it was asked for.
func (c *Clip) Span() Span { return c.span }

// Fragments is how many fragments the clip has; 0 where they may not be listed.
func (c *Clip) Fragments() int { return len(c.fragments) }

// First is when the clip's first fragment starts: where the footage really begins. Without a listing it is the start
// of what was asked for.
func (c *Clip) First() time.Time {
	if len(c.fragments) == 0 {
		return c.unlisted.Start
	}
	return c.fragments[0].Time(c.library.options.Selector)
}

// Expires is until when the answer that gave this version holds.
func (c *Clip) Expires() time.Time { return c.expires }

// MediaBytes is the sum of the fragments' sizes as stored.
func (c *Clip) MediaBytes() int64 {
	var n int64
	for _, f := range c.fragments {
		n += f.Size
	}
	return n
}

// Size is the size of the file in bytes. Where it is not known exactly yet it is an estimate on the high side.
func (c *Clip) Size() (n int64, exact bool) {
	if n := c.exact.Load(); n > 0 {
		return n, true
	}
	if n, ok := c.library.cache.KnownSize(c.key); ok && c.library.versions.current(c.key) == c.version {
		return c.settle(n), true
	}
	if len(c.fragments) == 0 {
		return unlistedEstimate, false
	}
	return c.MediaBytes()*estimateNumerator/estimateDenominator + estimateHead*int64(len(c.parts)), false
}

// settle fixes the exact size, once and for all, and gives it.
func (c *Clip) settle(n int64) int64 {
	if c.exact.CompareAndSwap(0, n) {
		return n
	}
	return c.exact.Load()
}

// Err is why the last open or read of this version failed; nil if none did, or the last one went well.
func (c *Clip) Err() error {
	if p := c.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// note keeps an error for Err, except that of a caller that went away.
func (c *Clip) note(err error) error {
	if !errors.Is(err, context.Canceled) {
		c.failure.Store(&err)
	}
	return err
}

// Open waits until the size is known exactly, which is when the head has arrived, and gives a handle. It returns
// early with ctx's error. ErrTooBig for a clip of more than one part; ErrChanged if the archive no longer has this
// version.
func (c *Clip) Open(ctx context.Context) (*Handle, error) {
	if len(c.parts) > 1 {
		return nil, c.note(c.tooManyParts())
	}
	entry, err := c.acquire(ctx)
	if err != nil {
		return nil, c.note(fmt.Errorf("open %s %s: %w", c.stream.Name, c.span, err))
	}
	c.failure.Store(nil)
	return &Handle{clip: c, entry: entry, size: c.exact.Load()}, nil
}

// acquire gives the payload's cache entry once its size is known and is this version's.
func (c *Clip) acquire(ctx context.Context) (*cache.Entry, error) {
	entry, err := c.library.cache.Acquire(c.key, c.fetch().fill)
	if err != nil {
		return nil, fetchError(err)
	}
	size, err := entry.Size(ctx)
	if err == nil && (c.settle(size) != size || c.library.versions.current(c.key) != c.version) {
		err = ErrChanged
	}
	if err != nil {
		entry.Release()
		return nil, fetchError(err)
	}
	return entry, nil
}

// fetch gives the download of the clip's payload.
func (c *Clip) fetch() *fetch {
	f := &fetch{library: c.library, stream: c.stream, key: c.key, start: c.First()}
	if len(c.parts) == 0 {
		f.query = PayloadQuery{Stream: c.stream.Name, Selector: c.library.options.Selector, Span: c.unlisted}
		return f
	}
	f.query = c.parts[0].query(c.stream.Name, c.library.options.Selector)
	return f
}

// tooManyParts explains, in the log once, why a clip cannot be opened.
func (c *Clip) tooManyParts() error {
	err := fmt.Errorf("%s %s: %d fragments, %d bytes need %d GetClip calls, and a file is one call so far: "+
		"ask for a shorter clip: %w", c.stream.Name, c.span, len(c.fragments), c.MediaBytes(), len(c.parts), ErrTooBig)
	c.warned.Do(func() { c.library.options.Logger.Warn("clip not served", "reason", err) })
	return err
}
