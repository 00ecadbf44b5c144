package cache

import (
	"context"
	"time"
)

// acquire takes a hold on the entry of a key: whole, live or new. With errExpired the caller has the hold too. For a new
// entry expect is about what it will cost, and ctx that of its fill, which is to be started and is counted in fills; else
// ctx is nil.
func (x *index) acquire(key Key, expect int64, start, expires time.Time) (it *item, whole bool, ctx context.Context, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.shut {
		return nil, false, nil, ErrClosed
	}
	if it = x.wholeLocked(key); it != nil {
		x.count.Hits++
		x.unidleLocked(it)
		it.holders++
		it.refs++
		if x.stampLocked().UnixNano() > it.until {
			err = errExpired
		}
		return it, true, nil, err
	}
	if it = x.live[key]; it != nil {
		x.count.Shared++
		it.holders++
		it.refs++
		x.resumeLocked(it)
		return it, false, nil, nil
	}
	x.count.Misses++
	ctx, cancel := context.WithCancelCause(context.Background())
	created := x.stampLocked().UnixNano()
	it = &item{
		key: key, created: created, until: x.until(created, start, expires), quit: ctx.Done(), cancel: cancel,
		holders: 1, refs: 2, // its caller and its fill
		expect: expect,
	}
	it.content.begin()
	x.live[key] = it
	x.claimLocked(it)
	x.fills.Add(1)
	return it, false, ctx, nil
}

// last is what the last reference leaves to do: to close what is open, then to call fileClosed.
type last struct {
	open *storage  // nil: nothing
	used time.Time // the last use of a whole entry, to be set as its file's times; zero for any other
}

// release gives up a hold. A live entry that has lost its last holder is paused.
func (x *index) release(it *item) last {
	x.mu.Lock()
	defer x.mu.Unlock()
	it.holders--
	if it.holders == 0 && !it.ended && it.cause == nil {
		x.pauseLocked(it)
	}
	return x.unrefLocked(it)
}

// unrefLocked gives up a reference. The last one stays until what is open is closed: until then the entry must not count
// as gone. After that a whole entry can be evicted, and any other is gone, as is one in memory.
func (x *index) unrefLocked(it *item) (l last) {
	if it.refs == 1 {
		if it.volatile {
			x.forgetLocked(it)
		}
		if l.open = it.open.Swap(nil); l.open != nil {
			x.settling++
			if x.whole[it.key] == it {
				l.used = x.stampLocked()
			}
			return l
		}
	}
	it.refs--
	switch {
	case it.refs > 0:
	case x.whole[it.key] == it:
		x.idleLocked(it)
		x.wakeLocked()
	default:
		x.freeLocked(it)
	}
	return last{}
}

// freeLocked gives back what an entry takes whose file is removed and closed. A file that could not be removed stays
// counted: it does take space.
func (x *index) freeLocked(it *item) {
	x.undieLocked(it)
	x.memory.used.Add(-it.memory)
	it.memory = 0
	if !it.stuck {
		x.count.FreedBytes += it.cost
		x.setCostLocked(it, 0)
	}
	x.wakeLocked()
}

func (x *index) undieLocked(it *item) {
	if it.dying {
		it.dying = false
		x.dyingBytes -= it.cost
		x.dyingMemory -= it.memory
		x.wakeLocked()
	}
}

// fileClosed reports that what was open is closed. gone says that the file of a whole entry is no longer there.
func (x *index) fileClosed(it *item, gone bool) last {
	x.mu.Lock()
	defer x.mu.Unlock()
	if gone {
		x.forgetLocked(it)
	}
	x.settledLocked()
	return x.unrefLocked(it)
}

// drop takes an entry out that cannot be used, if it is still found. The fill of a live one is stopped. A whole one is
// returned: its file is to be removed, and fileRemoved to be called.
func (x *index) drop(key Key, created int64) *item {
	x.mu.Lock()
	defer x.mu.Unlock()
	if it := x.live[key]; it != nil && it.created == created {
		x.stopLocked(it, ErrDamaged)
	}
	if found, ok := x.findLocked(key); !ok || found != created {
		return nil
	}
	it := x.wholeLocked(key)
	x.dropLocked(it)
	return it
}

// fileRemoved reports that the file of an entry is removed, or cannot be.
func (x *index) fileRemoved(it *item, ok bool) last {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !it.pinned {
		x.removedLocked(it)
	}
	it.stuck = !ok
	x.settledLocked()
	return x.unrefLocked(it)
}

// ending is how a fill has ended.
type ending struct {
	err error
	// sealed says that the file has its final name, volatile that some bytes are in memory, stuck that the file has neither
	// its final name nor could be removed.
	sealed, volatile, stuck bool
}

// end reports that the fill of an entry has returned. A fill that succeeded after it was given up is kept, unless the key
// has another entry by now: then remove says that the file is to be removed, and fileRemoved to be called.
//
// Readers are told with mu held until the fill's reference is gone. So a reader that releases the entry on this news is
// the last, and the order of use is that of the releases.
func (x *index) end(it *item, e ending) (l last, remove bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unliveLocked(it)
	it.ended, it.volatile, it.stuck = true, e.volatile, e.stuck
	_, taken := x.findLocked(it.key)
	switch taken = taken || x.live[it.key] != nil; {
	case e.sealed && taken:
		remove = true
		x.settling++
		it.refs++
	case e.sealed, e.volatile && e.err == nil && !taken:
		x.whole[it.key] = it
		x.undieLocked(it)
	}
	it.content.end(e.err)
	it.cancel(nil)
	return x.unrefLocked(it), remove
}
