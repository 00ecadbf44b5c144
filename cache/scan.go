package cache

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// tendEvery is how often it is looked for entries that have expired, for files that others have removed, and for free space
// that others have taken.
const tendEvery = time.Minute

// tend does what is to be done in the background, from Open to Close.
func (c *Cache) tend(ctx context.Context) {
	select {
	case <-c.begun:
	case <-ctx.Done(): // nobody has needed it
		close(c.listed)
		close(c.order)
		return
	}
	c.list()
	c.rank(ctx)
	c.readTails(ctx)
	ticker := time.NewTicker(tendEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		c.expire()
		c.giveWay()
		select {
		case <-ticker.C:
			c.miss()
		case <-ctx.Done():
		}
	}
}

// list fills the index with what the names in the data directory say, and removes what cannot be used whatever is in it:
// growing files, all but the newest of a key. It lists before anybody can begin a fill.
func (c *Cache) list() {
	defer close(c.listed)
	names, err := namesIn(c.data)
	if err != nil {
		c.logger.Warn("cache directory cannot be listed: nothing in it is used", "error", err)
	}
	newest := make(map[Key]fileName, len(names))
	var leftovers []string
	for _, text := range names {
		name, ok := parseFileName(text)
		if !ok {
			c.logger.Warn("file in the cache is not ours and is left alone", "path", filepath.Join(c.data, text))
			continue
		}
		old, double := newest[name.key]
		switch {
		case name.size < 0, name.size > maxEntry, double && old.created > name.created:
			leftovers = append(leftovers, text)
			continue
		case double:
			leftovers = append(leftovers, old.String())
		}
		newest[name.key] = name
	}
	settled := make(chan struct{})
	close(settled)
	c.mu.Lock()
	for key, name := range newest {
		b := foundBody(name, filepath.Join(c.data, name.String()), settled)
		c.whole[key] = b
		c.used += b.cost
		c.idleLocked(b)
	}
	c.mu.Unlock()
	for _, text := range leftovers {
		c.remove(filepath.Join(c.data, text))
	}
	c.logger.Debug("cache listed", "entries", len(newest), "leftovers", len(leftovers))
}

// namesIn gives the names in a directory, in no order.
func namesIn(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	names, err := d.Readdirnames(-1)
	return names, errors.Join(err, d.Close())
}

// ranked reports whether the order of use is known.
func (c *Cache) ranked() bool {
	select {
	case <-c.order:
		return true
	default:
		return false
	}
}

// rank looks at every file that was listed, drops those that are not what their names say, and puts the rest in the order
// of last use. Then it evicts what goes past the budget.
func (c *Cache) rank(ctx context.Context) {
	defer close(c.order)
	bodies := c.found()
	used := make([]time.Time, len(bodies))
	for i, b := range bodies {
		if ctx.Err() != nil {
			return
		}
		info, err := os.Lstat(b.path)
		if err != nil || !info.Mode().IsRegular() || info.Size() != fileSize(b.written.Load()) {
			c.logger.Debug("cached file is missing or has another size", "path", b.path)
			c.discard(b)
			continue
		}
		used[i] = info.ModTime()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, b := range bodies {
		if !b.fresh {
			b.used = used[i]
		}
	}
	idle := c.idle.Values()
	slices.SortFunc(idle, func(a, b *body) int {
		if a.fresh != b.fresh { // whatever the clock was before
			if b.fresh {
				return -1
			}
			return 1
		}
		return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.created, b.created), cmp.Compare(a.key, b.key))
	})
	for _, b := range idle {
		c.idle.Add(b.key, b) // each becomes the last
	}
	if c.used > c.maxBytes {
		c.evictLocked(c.used - c.maxBytes)
	}
}

// found gives the entries that were there at the start and still are.
func (c *Cache) found() []*body {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*body, 0, len(c.whole))
	for _, b := range c.whole {
		if b.found {
			all = append(all, b)
		}
	}
	return all
}

// readTails learns when each entry expires, and drops those whose tails are damaged.
func (c *Cache) readTails(ctx context.Context) {
	for _, b := range c.found() {
		if ctx.Err() != nil {
			return
		}
		t, err := headerOf(b.path, b.written.Load())
		switch {
		case err == nil:
			c.mu.Lock()
			b.start, b.expires = t.about.Start, t.expires
			c.mu.Unlock()
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, errTail):
			c.logger.Debug("cached file is missing or damaged", "path", b.path, "error", err)
			c.discard(b)
		default:
			c.logger.Warn("cached file cannot be read", "path", b.path, "error", err)
		}
	}
}

// headerOf reads the header of the tail of a file.
func headerOf(path string, size int64) (tail, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return tail{}, err
	}
	t, err := readHeader(f, size)
	return t, errors.Join(err, f.Close())
}

// expiredLocked reports whether an entry may be kept no longer.
func (c *Cache) expiredLocked(b *body, now time.Time) bool {
	if !b.expires.IsZero() && now.After(b.expires) {
		return true
	}
	if c.maxAge <= 0 {
		return false
	}
	since := b.start
	if since.IsZero() {
		since = time.Unix(0, b.created)
	}
	return now.After(since.Add(c.maxAge))
}

// expire removes the entries that may be kept no longer. Those who hold one can read it until they release it.
func (c *Cache) expire() {
	var old []*body
	c.mu.Lock()
	now := time.Now()
	for _, b := range c.whole {
		if c.expiredLocked(b, now) {
			old = append(old, b)
		}
	}
	c.expired += uint64(len(old))
	c.mu.Unlock()
	for _, b := range old {
		c.discard(b)
	}
	if len(old) > 0 {
		c.logger.Info("footage past its retention or --cache-max-age removed", "entries", len(old))
	}
}

// miss drops the entries that nobody holds and whose files somebody else has removed, as Clear does beside us: they take no
// space any more. Those that are held are noticed when they are released.
func (c *Cache) miss() {
	c.mu.Lock()
	idle := c.idle.Values()
	c.mu.Unlock()
	// Listed after that, so that a file that is not among the names has gone.
	names, err := namesIn(c.data)
	if err != nil {
		c.logger.Debug("cache directory cannot be listed", "error", err)
		return
	}
	there := make(map[string]struct{}, len(names))
	for _, name := range names {
		there[name] = struct{}{}
	}
	gone := 0
	for _, b := range idle {
		if _, ok := there[filepath.Base(b.path)]; ok {
			continue
		}
		if _, err := os.Lstat(b.path); errors.Is(err, fs.ErrNotExist) {
			c.discard(b)
			gone++
		}
	}
	if gone > 0 {
		c.logger.Debug("files were removed from the cache by others", "entries", gone)
	}
}

// giveWay evicts what it takes for MinFree to be free again after others have taken space.
func (c *Cache) giveWay() {
	missing := c.room.missing(c.data, 0)
	if missing == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.evictLocked(missing)
}
