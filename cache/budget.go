package cache

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// blockSize is the unit in which the budget is counted: the block of the common Linux file systems. A file of n bytes
	// takes n rounded up to it.
	blockSize = 4096
	// freeStart is how much of an entry may be written although what is free is claimed by others: the head of a payload.
	freeStart = 1 << 20
	// failingFor is how long a disk is left alone that has failed.
	failingFor = time.Minute
	// tellEvery is how often it is logged that the disk takes nothing.
	tellEvery = time.Minute
)

// blocks gives what n bytes cost.
func blocks(n int64) int64 {
	if n > math.MaxInt64-blockSize {
		return math.MaxInt64
	}
	return (n + blockSize - 1) / blockSize * blockSize
}

// errNoDisk: the disk may take no more of an entry.
var errNoDisk = errors.New("everything on disk is in use")

// runLocked waits while an entry is parked, with c.mu unlocked, and gives why its fill has to stop.
func (c *Cache) runLocked(b *body) error {
	for {
		switch {
		case b.cause != nil:
			return b.cause
		case b.ended:
			return ErrAbandoned
		case b.holders > 0:
			return nil
		}
		c.waitLocked(b, b.resumed)
	}
}

// admit lets an entry grow to size bytes on disk: it waits while the entry is parked, then takes what the entry will cost
// from the budget, making space if need be. Only after that may the bytes be written, and room.wrote be told of them, taken bytes.
// errNoDisk if there is no space.
func (c *Cache) admit(b *body, size int64) (taken int64, err error) {
	cost := blocks(fileSize(size))
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if err := c.runLocked(b); err != nil {
			return 0, err
		}
		more := cost - b.cost
		if more <= 0 {
			return 0, nil
		}
		if c.tooLarge(max(size, b.announced())) || time.Now().Before(c.failing) {
			return 0, errNoDisk
		}
		c.claimLocked(b)
		missing, ok := c.takeLocked(b, more)
		if ok {
			return more, nil
		}
		if !c.makeSpaceLocked(b, missing) {
			return 0, errNoDisk
		}
	}
}

// tooLarge reports whether an entry of so many bytes can never be on disk.
func (c *Cache) tooLarge(size int64) bool {
	return size > maxEntry || blocks(fileSize(size)) > c.maxBytes
}

// admitNow is admit for one who does not wait and makes no space.
func (c *Cache) admitNow(b *body, size int64) (taken int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	more := blocks(fileSize(size)) - b.cost
	if more <= 0 {
		return 0, true
	}
	_, ok = c.takeLocked(b, more)
	return more, ok
}

// takeLocked takes bytes from the budget for an entry. If it cannot, missing is how many have to be evicted for it; 0 if
// evicting does not help. c.mu is unlocked while the file system is asked.
func (c *Cache) takeLocked(b *body, more int64) (missing int64, ok bool) {
	pinned, others := c.used-c.idleBytes, c.claimed-b.claim
	if pinned+others > c.maxBytes-more && b.cost+more > freeStart {
		return 0, false
	}
	if missing = c.used - (c.maxBytes - more); missing > 0 {
		return missing, false
	}
	c.costLocked(b, more)
	kept := min(more, b.claim)
	b.claim -= kept
	c.claimed -= kept
	c.mu.Unlock()
	missing = c.room.takeDisk(c.data, more)
	c.mu.Lock()
	if missing == 0 {
		return 0, true
	}
	c.costLocked(b, -more)
	return missing, false
}

// costLocked changes what an entry costs.
func (c *Cache) costLocked(b *body, more int64) {
	c.used += more
	b.cost += more
	if b.dying {
		c.dying += more
	}
}

// claimLocked raises what is kept for an entry to what it is expected to need, as far as nobody else has or claims it.
func (c *Cache) claimLocked(b *body) {
	want := int64(0)
	if b.expect > 0 && b.holders > 0 && !b.ended && b.cause == nil && b.memory == 0 {
		want = max(0, blocks(fileSize(b.expect))-b.cost)
	}
	free := max(0, c.maxBytes-(c.used-c.idleBytes)-(c.claimed-b.claim))
	claim := min(want, max(b.claim, free))
	c.claimed += claim - b.claim
	b.claim = claim
}

// unclaimLocked gives back what is kept for an entry.
func (c *Cache) unclaimLocked(b *body) {
	c.claimed -= b.claim
	b.claim = 0
}

// makeSpaceLocked brings on at least a little of the bytes that are missing: it evicts what was used least recently, else
// waits for what is being removed or released, else gives up the entry that has been parked longest. False if nothing of that can
// be done: all else is held. c.mu is unlocked meanwhile.
func (c *Cache) makeSpaceLocked(b *body, missing int64) bool {
	if missing > 0 && !c.ranked() {
		c.waitLocked(b, c.order)
		return true
	}
	if missing > c.removing && c.evictLocked(missing-c.removing) {
		return true
	}
	if c.removing == 0 && c.dying == 0 && c.settling == 0 && !c.abandonLargeLocked() {
		return false
	}
	c.waitFreedLocked(b)
	return true
}

// waitFreedLocked waits until something was given back.
func (c *Cache) waitFreedLocked(b *body) {
	if c.freed == nil {
		c.freed = make(chan struct{})
	}
	c.waitLocked(b, c.freed)
}

// admitMemory lets an entry take more memory, as admit does for the disk.
func (c *Cache) admitMemory(b *body, more int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if err := c.runLocked(b); err != nil {
			return err
		}
		if c.room.takeMemory(more) {
			b.memory += more
			c.unclaimLocked(b)
			return nil
		}
		inMemory := func(b *body) bool { return b.memory > 0 }
		if c.dyingMemory == 0 && c.settling == 0 && !c.abandonLocked(inMemory) {
			return ErrFull
		}
		c.waitFreedLocked(b)
	}
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
		_, b, ok := c.idle.GetOldest()
		if !ok {
			break
		}
		c.unidleLocked(b)
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

// idleLocked makes an entry the one that was used last of those that nobody holds.
func (c *Cache) idleLocked(b *body) {
	if !c.idle.Contains(b.key) {
		c.idleBytes += b.cost
	}
	c.idle.Add(b.key, b)
}

// unidleLocked takes an entry out of those that nobody holds, if it is among them.
func (c *Cache) unidleLocked(b *body) {
	if c.idle.Remove(b.key) {
		c.idleBytes -= b.cost
	}
}

// abandonLargeLocked stops the fill that has been parked longest of those that take space; false if there is none. Its
// bytes come back when the fill has returned.
func (c *Cache) abandonLargeLocked() bool {
	return c.abandonLocked(func(b *body) bool { return b.cost > 0 })
}

// abandonLocked stops the fill that has been parked longest of those that match.
func (c *Cache) abandonLocked(match func(*body) bool) bool {
	var oldest *body
	for _, b := range c.live {
		if b.holders == 0 && match(b) && (oldest == nil || b.parked.Before(oldest.parked)) {
			oldest = b
		}
	}
	if oldest == nil {
		return false
	}
	c.stopLocked(oldest, ErrAbandoned)
	return true
}

// freeLocked gives back what an entry takes whose file is removed and closed, and wakes the fills that wait for space.
// A file that could not be removed stays counted: it does take space.
func (c *Cache) freeLocked(b *body) {
	c.unmarkDyingLocked(b)
	c.unclaimLocked(b)
	c.room.giveMemory(b.memory)
	b.memory = 0
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

// noDisk reports whether an error says that the disk is full or fails, so that memory has to do.
func noDisk(err error) bool {
	return errors.Is(err, errNoDisk) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) ||
		errors.Is(err, unix.EIO) || errors.Is(err, unix.EROFS)
}

// diskFailed notes that the disk took or gave nothing, and says so in the log now and then.
func (c *Cache) diskFailed(err error) {
	c.mu.Lock()
	now := time.Now()
	if errors.Is(err, unix.EIO) || errors.Is(err, unix.EROFS) {
		c.failing = now.Add(failingFor)
	}
	tell := now.Sub(c.told) >= tellEvery
	if tell {
		c.told = now
	}
	c.mu.Unlock()
	if tell {
		c.logger.Warn("the cache's disk takes no more; what is fetched is kept in memory while it is read",
			"directory", c.data, "memory", c.room.maxMemory, "error", err)
	}
}
