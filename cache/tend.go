package cache

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// tendEvery is how often entries that have expired, files that others have removed, and free space that others have taken
// are searched for.
const tendEvery = time.Minute

func (c *Cache) tend(ctx context.Context) {
	select {
	case <-c.begun:
	case <-ctx.Done(): // never needed
		close(c.listed)
		close(c.index.ranked)
		return
	}
	found := c.list()
	c.rank(ctx, found)
	c.readFooters(ctx, found)
	ticker := time.NewTicker(tendEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		c.expire()
		c.evict(c.index.evict(c.space.missing(c.dir.data, 0)))
		select {
		case <-ticker.C:
			c.dropRemoved()
		case <-ctx.Done():
		}
	}
}

// list fills the index with what the names in the data directory say, and removes what cannot be used whatever is in it:
// growing files, and all but the newest of a key. It lists before any fill can begin.
func (c *Cache) list() []*item {
	defer close(c.listed)
	names, err := namesIn(c.dir.data)
	if err != nil {
		c.logger.Warn("cache directory cannot be listed: nothing in it is used", "error", err)
	}
	newest := make(map[Key]fileName, len(names))
	var leftovers []fileName
	for _, text := range names {
		name, ok := parseFileName(text)
		if !ok {
			c.logger.Warn("file in the cache is not ours and is left alone", "path", filepath.Join(c.dir.data, text))
			continue
		}
		old, double := newest[name.key]
		switch {
		case name.size < 0, name.size > maxEntry, double && old.created > name.created:
			leftovers = append(leftovers, name)
			continue
		case double:
			leftovers = append(leftovers, old)
		}
		newest[name.key] = name
	}
	closed := make(chan struct{})
	close(closed)
	found := make([]*item, 0, len(newest))
	for _, name := range newest {
		it := &item{key: name.key, created: name.created, cost: costOf(name.size), ended: true}
		it.file.path, it.file.checked = filepath.Join(c.dir.data, name.String()), newChecked(name.size)
		it.content.found(name.size, closed)
		found = append(found, it)
	}
	c.index.add(found)
	for _, name := range leftovers {
		c.dir.remove(filepath.Join(c.dir.data, name.String()))
	}
	c.logger.Debug("cache listed", "entries", len(newest), "leftovers", len(leftovers))
	return found
}

// rank reads the length and the last use of every file that was listed, drops those that are not what their names say, and
// puts the rest in the order of last use. Then it evicts what goes past the budget.
func (c *Cache) rank(ctx context.Context, found []*item) {
	defer close(c.index.ranked)
	used := make(map[*item]time.Time, len(found))
	for _, it := range found {
		if ctx.Err() != nil {
			return
		}
		info, err := os.Lstat(it.file.path)
		if err != nil || !info.Mode().IsRegular() || info.Size() != fileSize(it.content.written.Load()) {
			c.logger.Debug("cached file is missing or has another size", "path", it.file.path)
			c.discard(it)
			continue
		}
		used[it] = info.ModTime()
	}
	c.index.rank(used)
	c.evict(c.index.evict(0))
}

// readFooters learns when each entry expires, and drops those whose footers are damaged.
func (c *Cache) readFooters(ctx context.Context, found []*item) {
	for _, it := range found {
		if ctx.Err() != nil {
			return
		}
		if c.index.find(it.key) != it { // evicted meanwhile, or filled again
			continue
		}
		t, err := footerOf(it.file.path, it.content.written.Load())
		if err == nil {
			c.index.learn(it, t.about.Start, t.expires)
			continue
		}
		c.logger.Debug("cached file cannot be used", "path", it.file.path, "error", err)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errFooter) {
			c.discard(it)
		}
	}
}

func (c *Cache) expire() {
	old := c.index.expired()
	for _, it := range old {
		c.discard(it)
	}
	if len(old) > 0 {
		c.logger.Info("footage past its retention or --cache-max-age removed", "entries", len(old))
	}
}

// dropRemoved drops the idle entries whose files others have removed, as Clear does beside us: they take no space any
// more. Those that are held are noticed when they are released.
func (c *Cache) dropRemoved() {
	for _, it := range c.index.unheld() {
		if _, err := os.Lstat(it.file.path); errors.Is(err, fs.ErrNotExist) {
			c.logger.Debug("file was removed from the cache by another program", "path", it.file.path)
			c.discard(it)
		}
	}
}
