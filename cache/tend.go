package cache

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
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
	ticker := time.Tick(tendEvery)
	for ctx.Err() == nil {
		c.expire()
		c.evict(c.index.evict(c.space.missing(c.dir.Data, 0)))
		select {
		case <-ticker:
			c.dropRemoved()
		case <-ctx.Done():
		}
	}
}

// list fills the index with what the names in the data directory say, and removes what cannot be used whatever is in it. It
// lists before any fill can begin.
func (c *Cache) list() []disk.Name {
	defer close(c.listed)
	names, err := c.dir.List()
	if err != nil {
		c.logger.Warn("cache directory cannot be listed: nothing in it is used", "error", err)
	}
	c.index.add(names.Entries)
	for _, name := range names.Leftovers {
		c.dir.RemoveLeftover(name)
	}
	c.logger.Debug("cache listed", "entries", len(names.Entries), "leftovers", len(names.Leftovers))
	return names.Entries
}

// rank reads the length and the last use of every file that was listed, drops those that are not what their names say, and
// puts the rest in the order of last use. Then it evicts what goes past the budget.
func (c *Cache) rank(ctx context.Context, found []disk.Name) {
	defer close(c.index.ranked)
	ranked := make([]foundEntry, 0, len(found))
	for _, name := range found {
		if ctx.Err() != nil {
			return
		}
		var f disk.File
		f.Find(c.dir, name)
		when, err := f.Stat(name.Size)
		if err != nil {
			c.logger.Debug("cached file is missing or has another size", "path", f.Path(), "error", err)
			c.discard(name.Key, name.Created)
			continue
		}
		ranked = append(ranked, foundEntry{name, when})
	}
	c.index.rank(ranked)
	c.evict(c.index.evict(0))
}

// readFooters learns when each entry expires, and drops those whose footers are damaged.
func (c *Cache) readFooters(ctx context.Context, found []disk.Name) {
	for _, name := range found {
		if ctx.Err() != nil {
			return
		}
		if created, ok := c.index.find(name.Key); !ok || created != name.Created { // evicted meanwhile, or filled again
			continue
		}
		var f disk.File
		f.Find(c.dir, name)
		t, err := f.Look(c.dir, name.Size)
		if err == nil {
			c.index.learnFound(name, t.About.Start, t.Expires, f.State())
			continue
		}
		c.logger.Debug("cached file cannot be used", "path", f.Path(), "error", err)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, disk.ErrFooter) {
			c.discard(name.Key, name.Created)
		}
	}
	c.logger.Debug("cache indexed", "entries", len(found))
}

func (c *Cache) expire() {
	old := c.index.expired()
	for _, name := range old {
		c.discard(name.Key, name.Created)
	}
	if len(old) > 0 {
		c.logger.Info("footage past its retention or --cache-max-age removed", "entries", len(old))
	}
}

// dropRemoved drops the idle entries whose files others have removed, as Clear does beside us: they take no space any
// more. Those that are held are noticed when they are released.
func (c *Cache) dropRemoved() {
	for name := range c.index.unheld() {
		if c.dir.Gone(name) {
			c.logger.Debug("file was removed from the cache by another program", "path", filepath.Join(c.dir.Data, name.String()))
			c.discard(name.Key, name.Created)
		}
	}
}
