package cache

import (
	"context"
	"os"
	"sync"
	"time"

	"clipfs/cache/disk"
)

// askEvery is how often the kernel is asked whether it has let go of files that were removed.
const askEvery = time.Second

// lent has the files that were removed and that the kernel still reads from, for programs that have them open or mapped.
// Their space counts as that of held entries, and nothing waits for it.
type lent struct {
	// mu guards the rest.
	mu    sync.Mutex
	files []lentFile
	// more has one place: it is taken when there is a file.
	more chan struct{}
}

type lentFile struct {
	item *item
	open *os.File
}

func newLent() *lent { return &lent{more: make(chan struct{}, 1)} }

func (l *lent) add(f lentFile) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files = append(l.files, f)
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// take gives all files, which the caller has to add again or close.
func (l *lent) take() (all []lentFile) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all, l.files = l.files, nil
	return all
}

// Backing gives the file of an entry for the kernel to read from by itself, where that is just the bytes, every one is on
// disk, and all were checked or written by this process; false otherwise. The file is open until Release. It stays right
// when the entry is removed, and its space is counted until the kernel has let go of it.
func (e *Entry) Backing() (*os.File, bool) {
	s := e.item.open.Load()
	if s == nil || s.file == nil || e.released.Load() || !e.Complete() || s.spilled() || e.item.file.Form() != disk.Pair {
		return nil, false
	}
	if s.checks != nil && !s.checks.Whole() || !e.item.file.Unchanged(s.file, s.checks) {
		return nil, false
	}
	e.item.lent.Store(true)
	return s.file, true
}

// remove removes the file of an entry, which is pinned. Its bytes come back when nobody has it open, not even the kernel.
func (c *Cache) remove(it *item) {
	var open *os.File
	if it.lent.Load() {
		open, _ = it.file.Again() // without it nothing is known of the kernel
	}
	removed := it.file.Remove(c.dir)
	if open != nil {
		if removed && disk.InUse(open) {
			c.index.keep(it)
			c.lent.add(lentFile{it, open})
		} else {
			_ = open.Close() // only read from
		}
	}
	c.finish(it, c.index.fileRemoved(it, removed))
}

// reclaim gives the space back of the files that the kernel has let go of.
func (c *Cache) reclaim() {
	for _, f := range c.lent.take() {
		if disk.InUse(f.open) {
			c.lent.add(f)
			continue
		}
		_ = f.open.Close() // only read from
		c.finish(f.item, c.index.giveBack(f.item))
	}
}

// reclaimAll does so until ctx ends, when it forgets those that are left.
func (c *Cache) reclaimAll(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-c.lent.more:
		case <-ctx.Done():
			continue
		}
		c.reclaim()
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
		}
	}
}
