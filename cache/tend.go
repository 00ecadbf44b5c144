package cache

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"clipfs/cache/disk"
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
	c.dir.DropOld()
	c.rank(ctx, found)
	c.readFooters(ctx, found)
	c.proveFound()
	ticker := time.NewTicker(tendEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		c.expire()
		c.evict(c.index.evict(c.space.missing(c.dir.Data, 0)))
		select {
		case <-ticker.C:
			c.dropRemoved()
		case <-ctx.Done():
		}
	}
}

// list fills the index with what the names in the data directory say, and removes what cannot be used whatever is in it. It
// lists before any fill can begin.
func (c *Cache) list() []*item {
	defer close(c.listed)
	names, err := c.dir.List()
	if err != nil {
		c.logger.Warn("cache directory cannot be listed: nothing in it is used", "error", err)
	}
	closed := make(chan struct{})
	close(closed)
	found := make([]*item, 0, len(names.Entries))
	for _, name := range names.Entries {
		it := &item{key: name.Key, created: name.Created, cost: name.Form().Cost(name.Size), ended: true}
		it.file.Find(c.dir, name)
		it.content.found(name.Size, closed)
		found = append(found, it)
	}
	c.index.add(found)
	for _, name := range names.Leftovers {
		c.dir.RemoveLeftover(name)
	}
	c.logger.Debug("cache listed", "entries", len(found), "leftovers", len(names.Leftovers))
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
		when, err := it.file.Stat(it.content.written.Load())
		if err != nil {
			c.logger.Debug("cached file is missing or has another size", "path", it.file.Path(), "error", err)
			c.discard(it)
			continue
		}
		used[it] = when
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
		t, err := it.file.Look(c.dir, it.content.written.Load())
		if err == nil {
			c.index.learn(it, t.About.Start, t.Expires)
			continue
		}
		c.logger.Debug("cached file cannot be used", "path", it.file.Path(), "error", err)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, disk.ErrFooter) {
			c.discard(it)
		}
	}
	c.logger.Debug("cache indexed", "entries", len(found))
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
		if it.file.Gone() {
			c.logger.Debug("file was removed from the cache by another program", "path", it.file.Path())
			c.discard(it)
		}
	}
}
