package cache

import (
	"time"

	"clipfs/cache/disk"
)

// freeStart is how much of an entry may be written although the free space is claimed by others: the head of a payload.
const freeStart = 1 << 20

// step is what a fill that wants to grow has to do. Unless done or err is set it asks again after that.
type step struct {
	done  bool
	err   error
	taken int64           // bytes of the budget that it has now
	evict []*item         // pinned and not found any more: their files are to be removed, and fileRemoved called for each
	wait  <-chan struct{} // is to be waited for, if not nil, no longer than until item.quit
}

// grow takes from the budget what an entry needs to cost so much. fits is whether it may be on disk at all. disk.ErrNoDisk if
// there is no space.
func (x *index) grow(it *item, cost int64, fits bool) step {
	x.mu.Lock()
	defer x.mu.Unlock()
	if s, runs := x.runLocked(it); !runs {
		return s
	}
	more := cost - it.cost
	switch {
	case more <= 0:
		return step{done: true}
	case !fits, time.Now().Before(x.failing):
		return step{err: disk.ErrNoDisk}
	}
	x.claimLocked(it)
	if pinned, others := x.used-x.idleBytes, x.claimed-it.claim; pinned+others > x.maxBytes-more && cost > freeStart {
		return x.makeSpaceLocked(0)
	}
	if missing := x.used - (x.maxBytes - more); missing > 0 {
		return x.makeSpaceLocked(missing)
	}
	x.setCostLocked(it, cost)
	x.setClaimLocked(it, max(0, it.claim-more))
	return step{done: true, taken: more}
}

// shrink takes back what grow has given, because the file system has so many bytes too few for it.
func (x *index) shrink(it *item, taken, missing int64) step {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.setCostLocked(it, it.cost-taken)
	return x.makeSpaceLocked(missing)
}

// growMemory lets an entry take more memory. ErrFull if there is none.
func (x *index) growMemory(it *item, more int64) step {
	x.mu.Lock()
	defer x.mu.Unlock()
	if s, runs := x.runLocked(it); !runs {
		return s
	}
	if x.memory.take(more) {
		it.memory += more
		x.setClaimLocked(it, 0)
		return step{done: true}
	}
	return x.waitFreedLocked(ErrFull, x.dyingMemory, func(it *item) bool { return it.memory > 0 })
}

// runLocked reports whether the fill of an entry may go on; else s says what is to be waited for, or why it has to stop.
func (x *index) runLocked(it *item) (s step, runs bool) {
	switch {
	case it.cause != nil:
		return step{err: it.cause}, false
	case it.ended:
		return step{err: ErrAbandoned}, false
	case it.holders == 0:
		return step{wait: it.resumed}, false
	}
	return step{}, true
}

// makeSpaceLocked says what brings on at least a little of the bytes that are missing: entries to evict, least recently
// used first, else what waitFreedLocked finds. None missing means that evicting does not help.
func (x *index) makeSpaceLocked(missing int64) step {
	if missing > 0 {
		select {
		case <-x.ranked:
		default:
			return step{wait: x.ranked}
		}
	}
	if victims := x.evictLocked(missing - x.removing); len(victims) > 0 {
		return step{evict: victims}
	}
	return x.waitFreedLocked(disk.ErrNoDisk, x.dyingBytes, func(it *item) bool { return it.cost > 0 })
}

// waitFreedLocked says to wait until something was given back: what is settling or dying, else the fill that has been paused
// longest of those that match, which is given up. It says full if there is neither: all else is held.
func (x *index) waitFreedLocked(full error, dying int64, match func(*item) bool) step {
	if x.settling == 0 && dying == 0 && !x.giveUpLocked(match) {
		return step{err: full}
	}
	if x.freed == nil {
		x.freed = make(chan struct{})
	}
	return step{wait: x.freed}
}

// evict takes idle entries out, least recently used first, until at least n bytes will be free, and the budget is kept.
// They are pinned, and their cost stays counted, until fileRemoved is called for each.
func (x *index) evict(n int64) []*item {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.evictLocked(max(n, x.used-x.removing-x.maxBytes))
}

func (x *index) evictLocked(n int64) (victims []*item) {
	for n > 0 {
		p := x.idle.oldest()
		if p == 0 {
			break
		}
		it := x.wholeLocked(x.idle.key(p))
		x.dropLocked(it)
		it.evicted = true
		x.removing += it.cost
		x.count.Evictions++
		n -= it.cost
		victims = append(victims, it)
	}
	return victims
}

// dropLocked takes a whole entry out, and pins it until fileRemoved is called.
func (x *index) dropLocked(it *item) {
	x.forgetLocked(it)
	x.settling++
	it.refs++
}

func (x *index) expect(it *item, cost int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	it.expect = cost
	x.claimLocked(it)
}
