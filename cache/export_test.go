package cache

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"clipfs/cache/disk"
)

// FileSize gives how long the file of a single entry of n bytes is.
func FileSize(n int64) int64 { return n + int64(len(disk.Footer{}.Encode(n))) }

// Footer gives what stands behind an entry in its file.
func Footer(p []byte, a About, expires time.Time) []byte {
	t := disk.Footer{About: a, Expires: expires}
	for at := 0; at < len(p); at += disk.SumBlock {
		t.Sums = append(t.Sums, disk.Castagnoli(0, p[at:min(at+disk.SumBlock, len(p))]))
	}
	return t.Encode(int64(len(p)))
}

// Settle waits until what was there at the start is in its order.
func Settle(c *Cache) { <-c.index.ranked }

// WithStatfs gives options with a file system that says of itself what f does.
func WithStatfs(o Options, f func(string) (free, total int64, err error)) Options {
	o.statfs = f
	return o
}

// WithSync gives options with a disk that is told by f to have the data of a file.
func WithSync(o Options, f func(*os.File) error) Options {
	o.fdatasync = f
	return o
}

// BreakFile puts another file in the place of the one that an entry is in.
func BreakFile(e *Entry, path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	b := e.item.open.Load()
	old := b.file
	b.file = f
	return old.Close()
}

// ReadSizes exports the parser of the file of sizes.
func ReadSizes(r io.Reader) (known map[Key]int64, lines int, torn bool, err error) {
	known = make(map[Key]int64)
	lines, torn, err = readSizes(r, func(key Key, n int64) { known[key] = n })
	return known, lines, torn, err
}

// SizeLine gives a line of the file of sizes.
func SizeLine(key Key, n int64) string { return string(appendSizeLine(nil, key, n)) }

// Sizes is an index of sizes with a limit of its own.
type Sizes struct{ s *sizes }

// OpenSizes opens an index of at most limit sizes.
func OpenSizes(path string, limit int) (*Sizes, error) {
	s, err := openSizes(path, limit, slog.New(slog.DiscardHandler))
	return &Sizes{s}, err
}

// Note, Size and Close are those of the index.
func (s *Sizes) Note(key Key, n int64)      { s.s.note(key, n) }
func (s *Sizes) Size(key Key) (int64, bool) { return s.s.size(key) }
func (s *Sizes) Close() error               { return s.s.close() }

// Locked runs f while the lock of the index is held.
func Locked(c *Cache, f func()) {
	c.index.mu.Lock()
	defer c.index.mu.Unlock()
	f()
}

// Accounts is the accounting of a cache, without a cache. Its methods say in words what it has decided.
type Accounts struct {
	x     *index
	items map[Key]*item
}

// NewAccounts gives one of so many bytes on disk and in memory. The order of use is known, and keys of one length have one hash.
func NewAccounts(maxBytes, maxMemory int64) *Accounts {
	x := newIndex(maxBytes, 0, time.Hour, &memory{max: maxMemory}, new(disk.Directory))
	close(x.ranked)
	x.idle.hash = func(key Key) uint32 { return uint32(len(key)) } // so that many have the same
	return &Accounts{x: x, items: make(map[Key]*item)}
}

// Find adds entries that were there at the start, of a block each.
func (a *Accounts) Find(keys ...Key) {
	for _, key := range keys {
		a.x.add([]disk.Name{{Key: key, Size: 1}})
	}
}

// Rank says that these were last used in this order.
func (a *Accounts) Rank(keys ...Key) {
	var found []foundEntry
	for i, key := range keys {
		found = append(found, foundEntry{disk.Name{Key: key, Size: 1}, time.Unix(int64(i), 0)})
	}
	a.x.rank(found)
}

// Acquire takes a hold: "new", "live", "whole" or an error.
func (a *Accounts) Acquire(key Key, expect int64) string {
	it, whole, ctx, err := a.x.acquire(key, expect, time.Time{}, time.Time{})
	if err != nil {
		return err.Error()
	}
	a.items[key] = it
	switch {
	case ctx != nil:
		return "new"
	case whole:
		return "whole"
	}
	return "live"
}

// Open has something open for an entry.
func (a *Accounts) Open(key Key) { a.items[key].open.Store(newStorage(nil, nil)) }

// Grow asks for a cost; GrowMemory for more memory; Shrink gives back what does not fit on the file system.
func (a *Accounts) Grow(key Key, cost int64) string {
	return a.stepText(a.x.grow(a.items[key], cost, true))
}
func (a *Accounts) GrowMemory(key Key, more int64) string {
	return a.stepText(a.x.growMemory(a.items[key], more))
}
func (a *Accounts) Shrink(key Key, taken, missing int64) string {
	return a.stepText(a.x.shrink(a.items[key], taken, missing))
}

// stepText tells what a step says: "taken N", "evict KEYS", "wait" or an error.
func (a *Accounts) stepText(s step) string {
	switch {
	case s.err != nil:
		return s.err.Error()
	case s.wait != nil:
		return "wait"
	case len(s.evict) > 0:
		text := "evict"
		for _, it := range s.evict {
			text += " " + string(it.key)
			a.items[it.key] = it
		}
		return text
	}
	return fmt.Sprintf("taken %d", s.taken)
}

// Release gives up a hold, Closed reports that what was open is closed, Removed that a file is: "close" if that leaves
// something to close.
func (a *Accounts) Release(key Key) string { return lastText(a.x.release(a.items[key])) }
func (a *Accounts) Closed(key Key, gone bool) string {
	return lastText(a.x.fileClosed(a.items[key], gone))
}
func (a *Accounts) Removed(key Key, ok bool) string {
	return lastText(a.x.fileRemoved(a.items[key], ok))
}

// lastText tells what the last reference leaves to do.
func lastText(l last) string {
	if l.open != nil {
		return "close"
	}
	return ""
}

// Drop takes an entry out: "remove" if its file has to be.
func (a *Accounts) Drop(key Key) string {
	it := a.x.drop(key, a.items[key].created)
	if it != nil {
		a.items[key] = it
	}
	return removeText("", it != nil)
}

// End reports that a fill has ended: "close", "remove".
func (a *Accounts) End(key Key, err error, inMemory bool) string {
	l, remove := a.x.end(a.items[key], ending{err: err, sealed: err == nil && !inMemory, volatile: inMemory})
	return removeText(lastText(l), remove)
}

// removeText adds whether a file has to be removed.
func removeText(text string, remove bool) string {
	if remove {
		text += "remove"
	}
	return text
}

// Pin pins an entry for I/O that is no use of it, Unpin ends that: "close" if that leaves something to close. Keep keeps an entry
// counted whose file is removed, GiveBack ends that.
func (a *Accounts) Pin(key Key) bool {
	it := a.x.pin(key)
	if it != nil {
		a.items[key] = it
	}
	return it != nil
}
func (a *Accounts) Unpin(key Key) string    { return lastText(a.x.unpin(a.items[key])) }
func (a *Accounts) Keep(key Key)            { a.x.keep(a.items[key]) }
func (a *Accounts) GiveBack(key Key) string { return lastText(a.x.giveBack(a.items[key])) }

// Swap has the key stand for the entry that it stood for before the present one.
func (a *Accounts) Swap(key Key) { a.items[key], a.items[key+"-"] = a.items[key+"-"], a.items[key] }

// GiveUp gives up the fill that has been paused longest.
func (a *Accounts) GiveUp() bool { return a.x.giveUp("") }

// Stats are its numbers.
func (a *Accounts) Stats() Stats { return a.x.stats() }
