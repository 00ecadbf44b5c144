package cache

import "time"

// discard drops a whole entry from the index because its file is not what it should be. Holders keep what they have open.
func (c *Cache) discard(b *body) {
	c.mu.Lock()
	defer c.mu.Unlock()
	indexed := c.whole[b.key] == b
	if !indexed {
		return
	}
	delete(c.whole, b.key)
	c.unidleLocked(b)
	b.refs++ // its cost must not be given back before the file is gone
	path := b.path
	removed := false
	c.settleLocked(func() { removed = c.remove(path) })
	b.stuck = !removed
	c.unrefLocked(b)
}

// condemn drops an entry, whole or growing, of which bytes cannot be read: the next Acquire fills it again.
func (c *Cache) condemn(b *body) {
	c.mu.Lock()
	if c.live[b.key] == b {
		c.stopLocked(b, ErrDamaged)
	}
	c.mu.Unlock()
	c.discard(b)
}

// leave gives up one holder's hold. A growing entry that has lost its last holder is parked.
func (c *Cache) leave(b *body) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b.holders--
	if b.holders == 0 && !b.ended && b.cause == nil {
		c.parkLocked(b)
	}
	c.unrefLocked(b)
}

// unrefLocked gives up one reference. The last one closes the file; then a whole entry can be evicted, any other, and one
// in memory, is done with. The reference is kept while the file is being closed, with c.mu unlocked: until then the entry
// must not count as gone.
func (c *Cache) unrefLocked(b *body) {
	for b.refs == 1 {
		if b.volatile && c.whole[b.key] == b {
			delete(c.whole, b.key)
		}
		opened := b.backing.Swap(nil)
		if opened == nil {
			break
		}
		whole := c.whole[b.key] == b
		c.settleLocked(func() {
			if whole && opened.file != nil {
				c.doubt(b, opened.file)
			}
			if whole && !c.touch(b) {
				c.discard(b)
			}
			c.noteChange(b, opened.file)
			if err := opened.close(); err != nil {
				c.logger.Warn("cached file did not close", "error", err)
			}
		})
	}
	b.refs--
	if b.refs == 0 {
		if c.whole[b.key] == b {
			c.idleLocked(b)
			c.wakeLocked()
		} else {
			c.freeLocked(b)
		}
	}
}

// settleLocked does I/O with c.mu unlocked, on an entry that may be free after it: fills that need space wait for that.
func (c *Cache) settleLocked(do func()) {
	c.settling++
	c.mu.Unlock()
	do()
	c.mu.Lock()
	c.settling--
	c.wakeLocked()
}

// emptyLinger is how long a fill that has not brought a byte waits for a new holder at most: it has nothing to lose but its
// turn, and somebody who was interrupted comes again at once.
const emptyLinger = time.Second

// parkLocked lets the fill of an entry that nobody holds rest, and sets the time after which it is given up.
func (c *Cache) parkLocked(b *body) {
	c.unclaimLocked(b)
	b.parks++
	parks := b.parks
	b.parked = time.Now()
	b.resumed = make(chan struct{})
	linger := c.linger
	if b.written.Load() == 0 {
		linger = min(linger, emptyLinger)
	}
	b.timer = time.AfterFunc(linger, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if b.parks == parks && b.resumed != nil && !b.ended && b.cause == nil {
			c.stopLocked(b, ErrAbandoned)
		}
	})
}

// resumeLocked lets the fill of a parked entry go on.
func (c *Cache) resumeLocked(b *body) {
	if b.resumed == nil {
		return
	}
	b.timer.Stop()
	close(b.resumed)
	b.resumed = nil
	c.claimLocked(b)
}

// stopLocked ends a fill: it is no longer found, and its context ends.
func (c *Cache) stopLocked(b *body, cause error) {
	if c.live[b.key] == b {
		delete(c.live, b.key)
	}
	b.cause = cause
	c.unclaimLocked(b)
	if b.holders == 0 {
		b.dying = true
		c.dying += b.cost
		c.dyingMemory += b.memory
	}
	if b.timer != nil {
		b.timer.Stop()
	}
	close(b.quit)
	b.cancel(cause)
}
