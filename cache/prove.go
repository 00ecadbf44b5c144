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

// prove proves entries in the background, some blocks of one at a time. It ends with ctx.
func (c *Cache) prove(ctx context.Context) {
	buffer := new([disk.SumBlock]byte)
	for ctx.Err() == nil {
		key := c.unproven.next()
		if key == "" {
			select {
			case <-c.unproven.more:
			case <-ctx.Done():
			}
			continue
		}
		if c.proveSome(key, buffer) {
			continue
		}
		c.unproven.add(false, key) // it is the next again, unless another was opened
		pause := time.NewTimer(time.Second * proveBlocks * disk.SumBlock / proveRate)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
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
	switch {
	case err == nil:
		return done
	case errors.Is(err, fs.ErrNotExist):
		c.logger.Debug("file was removed from the cache by another program", "path", it.file.Path())
		c.discard(key, it.created)
		return true
	case errors.Is(err, unix.EIO):
		c.diskFailed(err)
	case !errors.Is(err, disk.ErrSum) && !errors.Is(err, disk.ErrStale):
		c.logger.Debug("cached file not checked", "path", it.file.Path(), "error", err)
		return true
	}
	said, _ := it.file.Footer(it.content.written.Load()) // only for the log
	c.logger.Warn("cached footage is damaged and will be fetched again", "entry", said.About, "error", err)
	c.discard(key, it.created)
	return true
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
