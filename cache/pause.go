package cache

import "time"

// emptyLinger is how long a fill that has not brought a byte waits for a new holder at most: it has nothing to lose but its
// turn, and a caller that was interrupted comes again at once.
const emptyLinger = time.Second

// pauseLocked pauses the fill of an entry that is not held, and sets the time after which it is given up.
func (x *index) pauseLocked(it *item) {
	x.setClaimLocked(it, 0)
	resumed := make(chan struct{})
	it.paused, it.resumed = time.Now(), resumed
	linger := x.linger
	if it.content.written.Load() == 0 {
		linger = min(linger, emptyLinger)
	}
	it.lapse = time.AfterFunc(linger, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		if it.resumed == resumed && !it.ended && it.cause == nil {
			x.stopLocked(it, ErrAbandoned)
		}
	})
}

func (x *index) resumeLocked(it *item) {
	if it.resumed == nil {
		return
	}
	it.lapse.Stop()
	close(it.resumed)
	it.resumed = nil
	x.claimLocked(it)
}

// stopLocked ends a fill: its entry is no longer found, and its context ends.
func (x *index) stopLocked(it *item, cause error) {
	x.unliveLocked(it)
	it.cause = cause
	if it.holders == 0 {
		it.dying = true
		x.dyingBytes += it.cost
		x.dyingMemory += it.memory
	}
	it.cancel(cause)
}

func (x *index) unliveLocked(it *item) {
	if x.live[it.key] == it {
		delete(x.live, it.key)
	}
	if it.lapse != nil {
		it.lapse.Stop()
	}
	x.setClaimLocked(it, 0)
}

// giveUpLocked stops the fill that has been paused longest of those that match; false if there is none. Its bytes come
// back when it has returned.
func (x *index) giveUpLocked(match func(*item) bool) bool {
	var oldest *item
	for _, it := range x.live {
		if it.holders == 0 && match(it) && (oldest == nil || it.paused.Before(oldest.paused)) {
			oldest = it
		}
	}
	if oldest == nil {
		return false
	}
	x.stopLocked(oldest, ErrAbandoned)
	return true
}

// giveUp stops the paused fill of a key; if the key is empty, the one that has been paused longest.
func (x *index) giveUp(key Key) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.giveUpLocked(func(it *item) bool { return key == "" || it.key == key })
}

// close stops every fill and lets none begin; false if that was done before. The caller waits for fills.
func (x *index) close() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.shut {
		return false
	}
	x.shut = true
	for _, it := range x.live {
		x.stopLocked(it, ErrClosed)
	}
	return true
}
