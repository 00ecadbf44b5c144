package cache

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"clipfs/cache/disk"

	"golang.org/x/sys/unix"
)

const (
	// proveRate is how many bytes a second are read at most to prove entries that nothing else reads.
	proveRate = 20_000_000
	// proveBlocks is how many blocks are checked at a time: the entry is pinned for as long.
	proveBlocks = 16
	// lastProofs is how long closing a cache waits for the disk: what a program has read a moment ago need not be checked by the next process.
	lastProofs = time.Second
)

// unproven are the pairs with blocks that nobody has checked, since the start or in an earlier process.
type unproven struct {
	// mu guards the rest.
	mu sync.Mutex
	// opened are those that were acquired, the latest last. They go before found, which has the most recently used last.
	opened, found []Key
	// more has one place: it is taken when there is something to be proven.
	more chan struct{}
}

func newUnproven() *unproven { return &unproven{more: make(chan struct{}, 1)} }

// add has entries be proven: of those that are opened the latest first.
func (u *unproven) add(opened bool, keys ...Key) {
	if u == nil { // NoProof
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if opened {
		u.opened = append(u.opened, keys...)
	} else {
		u.found = append(u.found, keys...)
	}
	select {
	case u.more <- struct{}{}:
	default:
	}
}

// next gives the entry that is proven next; empty if there is none.
func (u *unproven) next() Key {
	if u == nil {
		return ""
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, list := range []*[]Key{&u.opened, &u.found} {
		if n := len(*list); n > 0 {
			key := (*list)[n-1]
			*list = (*list)[:n-1]
			return key
		}
	}
	return ""
}

// prove proves entries in the background, one at a time: what was written once the disk has it, else some blocks of what was found. It ends with ctx.
func (c *Cache) prove(ctx context.Context) {
	buffer := new([disk.SumBlock]byte)
	var more <-chan struct{}
	if c.unproven != nil {
		more = c.unproven.more
	}
	for ctx.Err() == nil {
		w, pause := c.dir.NextWritten()
		if w != nil {
			c.proveWritten(ctx, w)
			continue
		}
		wake := more
		if key := c.unproven.next(); key != "" {
			if c.proveSome(key, buffer) {
				continue
			}
			c.unproven.add(false, key) // it is the next again, unless another was opened
			wake, pause = nil, time.Second*proveBlocks*disk.SumBlock/proveRate
		}
		select {
		case <-wake:
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// proveWritten writes the proof of an entry that the disk has by now. The entry is pinned meanwhile, as for proveSome.
func (c *Cache) proveWritten(ctx context.Context, w *disk.Written) {
	name := w.Name()
	it := c.index.pin(name.Key)
	if it == nil {
		_ = w.Close() // only read from
		return
	}
	defer func() { c.finish(it, c.index.unpin(it)) }()
	if it.created != name.Created { // another one by now
		_ = w.Close() // the same
		return
	}
	c.judge(it, w.Prove(ctx, c.dir))
}

// proveLast writes the proofs that are not due yet, when nothing else goes on any more. What the disk does not take in lastProofs stays without one.
func (c *Cache) proveLast() {
	ctx, cancel := context.WithTimeout(context.Background(), lastProofs)
	defer cancel()
	for ctx.Err() == nil {
		w := c.dir.FirstWritten()
		if w == nil {
			return
		}
		c.proveWritten(ctx, w)
	}
}

// proveSome checks some more blocks of an entry; done is true when there are none left, or it is of no use. The entry is
// pinned meanwhile, which is no use of it.
func (c *Cache) proveSome(key Key, buffer *[disk.SumBlock]byte) (done bool) {
	it := c.index.pin(key)
	if it == nil {
		return true
	}
	defer func() { c.finish(it, c.index.unpin(it)) }()
	done, err := it.file.Check(c.dir, it.content.written.Load(), proveBlocks, buffer)
	c.judge(it, err)
	return done || err != nil
}

// judge drops an entry whose proof has failed with an error that says that it is of no use.
func (c *Cache) judge(it *item, err error) {
	switch {
	case err == nil:
		return
	case errors.Is(err, fs.ErrNotExist):
		c.logger.Debug("file was removed from the cache by another program", "path", it.file.Path())
		c.discard(it.key, it.created)
		return
	case errors.Is(err, unix.EIO):
		c.diskFailed(err)
	case !errors.Is(err, disk.ErrSum) && !errors.Is(err, disk.ErrStale) && !errors.Is(err, disk.ErrLost):
		c.logger.Debug("cached file not checked", "path", it.file.Path(), "error", err)
		return
	}
	said, _ := it.file.Footer(it.content.written.Load()) // only for the log
	c.logger.Warn("cached footage is damaged and will be fetched again", "entry", said.About, "error", err)
	c.discard(it.key, it.created)
}

// proveFound has the pairs be proven that were found and are not yet, those used last first.
func (c *Cache) proveFound() {
	if c.unproven == nil {
		return
	}
	if keys := c.index.unproven(); len(keys) > 0 {
		c.logger.Debug("cached files will be checked", "entries", len(keys))
		c.unproven.add(false, keys...)
	}
}
