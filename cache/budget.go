package cache

import (
	"errors"
	"io/fs"
	"math"
	"os"
)

// blockSize is the unit in which the budget is counted: the block of the common Linux file systems. A file of n bytes
// takes n rounded up to it.
const blockSize = 4096

// blocks gives what n bytes cost.
func blocks(n int64) int64 {
	if n > math.MaxInt64-blockSize {
		return math.MaxInt64
	}
	return (n + blockSize - 1) / blockSize * blockSize
}

// admit lets an entry grow to size bytes: it waits while the entry is parked, then takes what it costs from the budget,
// making space if need be. Only after that may the bytes be written, so the files never take more than the budget.
func (c *Cache) admit(b *body, size int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case b.cause != nil:
			return b.cause
		case b.ended:
			return ErrAbandoned
		case b.holders == 0:
			c.waitLocked(b, b.resumed)
			continue
		}
		cost := blocks(size)
		if cost <= b.cost {
			return nil
		}
		more := cost - b.cost
		if cost > c.maxBytes {
			return ErrFull
		}
		if c.used <= c.maxBytes-more {
			c.used += more
			b.cost = cost
			return nil
		}
		if !c.makeSpaceLocked(b, c.used-(c.maxBytes-more)) {
			return ErrFull
		}
	}
}

// makeSpaceLocked brings on at least a little of the bytes that are missing: it evicts what was used least recently, else
// waits for what is being removed or released, else gives up the entry that has been parked longest. False if nothing of that can
// be done: all else is held. c.mu is unlocked meanwhile.
func (c *Cache) makeSpaceLocked(b *body, missing int64) bool {
	if missing > c.removing && c.evictLocked(missing-c.removing) {
		return true
	}
	if c.removing == 0 && c.dying == 0 && c.settling == 0 && !c.abandonLargeLocked() {
		return false
	}
	if c.freed == nil {
		c.freed = make(chan struct{})
	}
	c.waitLocked(b, c.freed)
	return true
}

// waitLocked waits for ch with c.mu unlocked, at most until the fill has to stop.
func (c *Cache) waitLocked(b *body, ch <-chan struct{}) {
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-ch:
	case <-b.quit:
	}
}

// evictLocked removes entries that nobody holds, least recently used first, until at least n bytes are free. False if
// there is none. Files are removed with c.mu unlocked; their cost stays counted until they are gone.
func (c *Cache) evictLocked(n int64) bool {
	var victims []*body
	for n > 0 {
		_, b, ok := c.idle.RemoveOldest()
		if !ok {
			break
		}
		delete(c.whole, b.key)
		c.removing += b.cost
		c.evictions++
		n -= b.cost
		victims = append(victims, b)
	}
	if len(victims) == 0 {
		return false
	}
	c.mu.Unlock()
	stuck := make([]bool, len(victims))
	for i, b := range victims {
		stuck[i] = !c.remove(b.path)
	}
	c.mu.Lock()
	for i, b := range victims {
		c.removing -= b.cost
		b.stuck = stuck[i]
		c.freeLocked(b)
	}
	return true
}

// abandonOldestLocked stops the fill that has been parked longest; false if none is parked.
func (c *Cache) abandonOldestLocked() bool { return c.abandonLocked(0) }

// abandonLargeLocked stops the fill that has been parked longest of those that take space; false if there is none. Its
// bytes come back when the fill has returned.
func (c *Cache) abandonLargeLocked() bool { return c.abandonLocked(1) }

// abandonLocked stops the fill that has been parked longest of those that take at least so many bytes.
func (c *Cache) abandonLocked(cost int64) bool {
	var oldest *body
	for _, b := range c.live {
		if b.holders == 0 && b.cost >= cost && (oldest == nil || b.parked.Before(oldest.parked)) {
			oldest = b
		}
	}
	if oldest == nil {
		return false
	}
	c.stopLocked(oldest, ErrAbandoned)
	return true
}

// freeLocked gives the bytes of an entry back whose file is removed and closed, and wakes the fills that wait for space.
// A file that could not be removed stays counted: it does take space.
func (c *Cache) freeLocked(b *body) {
	if b.dying {
		b.dying = false
		c.dying -= b.cost
	}
	if !b.stuck {
		c.used -= b.cost
		c.freedBytes += b.cost
		b.cost = 0
	}
	c.wakeLocked()
}

// wakeLocked has the fills that wait for space look again.
func (c *Cache) wakeLocked() {
	if c.freed != nil {
		close(c.freed)
		c.freed = nil
	}
}

// remove removes a file; false if it is still there.
func (c *Cache) remove(path string) bool {
	err := os.Remove(path)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return true
	}
	c.logger.Warn("cached file cannot be removed and stays counted", "path", path, "error", err)
	return false
}
