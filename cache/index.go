package cache

import (
	"context"
	"iter"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"clipfs/cache/disk"
)

// index is the accounting of a cache: which entries there are, what each costs, which are held, and which goes next. It
// does no I/O. A method returns the I/O that follows from what it has committed.
type index struct {
	maxBytes       int64
	maxAge, linger time.Duration
	memory         *memory
	dir            *disk.Directory
	closed         chan struct{} // a closed one
	// ranked is closed when the order of use is known.
	ranked chan struct{}
	// fills has the fills that have yet to return. It is raised with mu held, and not after close.
	fills sync.WaitGroup

	// mu guards the following, and the fields of an item that say so.
	mu   sync.Mutex
	shut bool
	// whole has the entries that are whole and held, idle those that are whole and not held. One that is not held and pinned
	// is in both.
	whole map[Key]*item
	idle  *idleList
	// live has the entries that are being filled and can still be acquired.
	live map[Key]*item
	// used is what all files cost, also those that are open but no longer found. Of it, idleBytes belongs to idle entries
	// and removing to files that are being removed for space. claimed is what fills will need beyond it.
	used, idleBytes, removing, claimed int64
	// settling counts the entries that may be free soon: some I/O on them has to be done. dyingBytes and dyingMemory are what comes
	// back when fills that were given up have returned. One that has nothing to give back counts for nothing: it may itself
	// wait for an entry that waits for space.
	settling                int
	dyingBytes, dyingMemory int64
	// freed is closed and forgotten when one of the above went down; nil while no fill waits for that.
	freed chan struct{}
	// failing is until when the disk is left alone because it failed; told is when that was last logged.
	failing, told time.Time
	// last is the latest time that stampLocked returned.
	last  time.Time
	count Stats // its counters; stats makes the rest
}

// item is an entry as the index knows it. One that is whole and not held has none, unless it is pinned: idle knows it.
type item struct {
	key     Key
	created int64 // when its fill began, in nanoseconds since 1970; unique in this process
	// file, content and open are those of other layers. The index tells content how the fill ended, and takes out open when
	// the last reference goes, so that exactly one caller closes it.
	file    disk.File
	content content
	open    atomic.Pointer[storage]
	// lent says that the kernel was given the file to read from.
	lent atomic.Bool
	// quit is closed when the fill has to stop; cause then says why. Nil for an entry found on disk, as is cancel.
	quit   <-chan struct{}
	cancel context.CancelCauseFunc

	// index.mu guards the following.

	holders  int   // handles that were not released
	refs     int   // holders, the fill, and any I/O on the file: the entry is pinned
	cost     int64 // bytes of the budget that it takes
	expect   int64 // what it will cost in all; 0 while unknown
	claim    int64 // bytes of the budget that are kept for it, beyond cost
	memory   int64 // bytes of memory that it takes
	volatile bool  // in memory: gone with its last holder
	ended    bool  // the fill has returned, or there never was one
	stuck    bool  // the file could not be removed, so its cost stays counted
	dying    bool  // given up, and counted in index.dyingBytes and dyingMemory
	evicted  bool  // its cost is counted in index.removing
	pinned   bool  // its file is being checked, which is no use of it
	cause    error // why the fill has to stop
	// resumed is closed when a paused fill goes on; nil while it is not paused.
	resumed chan struct{}
	paused  time.Time // since when
	lapse   *time.Timer
	until   int64 // when it has to go, in nanoseconds since 1970
}

// Stats are the numbers of a cache.
type Stats struct {
	// Whole, Held and Growing count entries: those that are whole, those of them that are held, and those that are being
	// filled.
	Whole, Held, Growing int
	// Bytes is what all files take of the budget, MaxBytes the budget.
	Bytes, MaxBytes int64
	// Claimed is what running fills will need beyond Bytes, as far as that is kept for them.
	Claimed int64
	// Memory is what entries take of memory, MaxMemory the most that they may; with those of the cache beside.
	Memory, MaxMemory int64
	// Hits, Shared and Misses count what Acquire found: a whole entry, a growing one, none.
	Hits, Shared, Misses uint64
	// Evictions counts the entries removed to make space; FreedBytes what they and failed fills gave back.
	Evictions uint64
	// Expired counts the entries removed because of their age.
	Expired    uint64
	FreedBytes int64
	// Sizes is how many sizes are known.
	Sizes int
}

func newIndex(maxBytes int64, maxAge, linger time.Duration, m *memory, dir *disk.Directory) *index {
	x := &index{
		maxBytes: maxBytes, maxAge: maxAge, linger: linger, memory: m, dir: dir,
		closed: make(chan struct{}), ranked: make(chan struct{}),
		whole: make(map[Key]*item), idle: newIdleList(), live: make(map[Key]*item),
	}
	close(x.closed)
	return x
}

func (x *index) stats() Stats {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.count
	for range x.heldLocked() {
		s.Held++
	}
	s.Whole, s.Growing = x.idle.n+s.Held, len(x.live)
	s.Bytes, s.MaxBytes, s.Claimed = x.used, x.maxBytes, x.claimed
	s.Memory, s.MaxMemory = x.memory.used.Load(), x.memory.max
	return s
}

// stampLocked returns the present time, each time a later one, so that the order of use is total.
func (x *index) stampLocked() time.Time {
	now := time.Now().Round(0)
	if !now.After(x.last) {
		now = x.last.Add(1)
	}
	x.last = now
	return now
}

// until returns when an entry has to go, in nanoseconds since 1970, given when its footage began and when that expires; zero
// where not known.
func (x *index) until(created int64, start, expires time.Time) int64 {
	end := int64(math.MaxInt64)
	if !expires.IsZero() {
		end = nanos(expires)
	}
	if start.IsZero() {
		start = time.Unix(0, created)
	}
	if x.maxAge > 0 {
		end = min(end, nanos(start.Add(x.maxAge)))
	}
	return end
}

// nanos is t.UnixNano, or the nearest number where there is none.
func nanos(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// heldLocked yields the whole entries that are held.
func (x *index) heldLocked() iter.Seq[*item] {
	return func(yield func(*item) bool) {
		for key, it := range x.whole {
			if x.idle.find(key) == 0 && !yield(it) {
				return
			}
		}
	}
}

// wholeLocked gives the whole entry of a key; nil if there is none. One that is not held the caller has to take out of idle
// or to pin.
func (x *index) wholeLocked(key Key) *item {
	it, p := x.whole[key], x.idle.find(key)
	if it != nil || p == 0 {
		return it
	}
	r := x.idle.at(p)
	it = &item{key: key, created: r.created, cost: r.cost, until: r.until, ended: true}
	it.lent.Store(r.lent)
	it.file.Restore(x.dir, disk.Name{Key: key, Size: r.size, Created: r.created, Role: r.form.Bytes()}, x.idle.state(p))
	it.content.found(r.size, x.closed)
	x.whole[key] = it
	return it
}

// idleLocked makes an entry the one that was used last of those that are not held.
func (x *index) idleLocked(it *item) {
	delete(x.whole, it.key)
	x.idle.add(it.key, it.file.State(), record{
		form: it.file.Form(), size: it.content.written.Load(), cost: it.cost, created: it.created, until: it.until, lent: it.lent.Load(),
	})
	x.idleBytes += it.cost
}

func (x *index) unidleLocked(it *item) {
	if p := x.idle.find(it.key); p != 0 {
		x.idle.remove(p)
		x.idleBytes -= it.cost
	}
}

// forgetLocked takes an entry out of those that are whole, if it is among them.
func (x *index) forgetLocked(it *item) {
	if x.whole[it.key] == it {
		delete(x.whole, it.key)
		x.unidleLocked(it)
	}
}

// claimLocked raises what is kept for an entry to what it is expected to need, as far as no other has or claims it.
func (x *index) claimLocked(it *item) {
	want := int64(0)
	if it.holders > 0 && !it.ended && it.cause == nil && it.memory == 0 {
		want = max(0, it.expect-it.cost)
	}
	free := max(0, x.maxBytes-(x.used-x.idleBytes)-(x.claimed-it.claim))
	x.setClaimLocked(it, min(want, max(it.claim, free)))
}

func (x *index) setClaimLocked(it *item, claim int64) {
	x.claimed += claim - it.claim
	it.claim = claim
}

func (x *index) setCostLocked(it *item, cost int64) {
	x.used += cost - it.cost
	if it.dying {
		x.dyingBytes += cost - it.cost
	}
	it.cost = cost
}

// settledLocked counts an entry out of those that may be free soon, and has the fills that wait for space try again.
func (x *index) settledLocked() {
	x.settling--
	x.wakeLocked()
}

func (x *index) wakeLocked() {
	if x.freed != nil {
		close(x.freed)
		x.freed = nil
	}
}

// find tells when the fill of a whole entry began; false if there is no such entry.
func (x *index) find(key Key) (created int64, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.findLocked(key)
}

func (x *index) findLocked(key Key) (created int64, ok bool) {
	if it := x.whole[key]; it != nil {
		return it.created, true
	}
	p := x.idle.find(key)
	return x.idle.at(p).created, p != 0
}

// pin keeps a whole entry's cost counted while some I/O is done on its file that is no use of it; nil if it is no longer
// found. It can still be evicted. The caller has to unpin it soon, as fills may wait for that.
func (x *index) pin(key Key) *item {
	x.mu.Lock()
	defer x.mu.Unlock()
	it := x.wholeLocked(key)
	if it == nil || it.volatile {
		return nil
	}
	x.settling++
	it.pinned = true
	it.refs++
	return it
}

// unpin ends a pin. An entry that was not used meanwhile keeps its place in the order of use.
func (x *index) unpin(it *item) last {
	x.mu.Lock()
	defer x.mu.Unlock()
	it.pinned = false
	if it.refs == 1 {
		x.removedLocked(it) // if it was evicted meanwhile
	}
	x.settledLocked()
	if p := x.idle.find(it.key); p != 0 && x.whole[it.key] == it {
		x.idle.setState(p, it.key, it.file.State())
		delete(x.whole, it.key)
		return last{}
	}
	return x.unrefLocked(it)
}

// removedLocked counts an evicted entry out of those whose bytes are about to come back.
func (x *index) removedLocked(it *item) {
	if it.evicted {
		it.evicted = false
		x.removing -= it.cost
	}
}

// keep keeps the cost of an entry counted whose file is removed, until giveBack: when that is nobody knows.
func (x *index) keep(it *item) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.removedLocked(it)
	it.refs++
}

func (x *index) giveBack(it *item) last {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.unrefLocked(it)
}

// diskFailed remembers that the disk took or gave nothing, and leaves it alone until some time. It reports whether that is
// to be logged, which is now and then.
func (x *index) diskFailed(until time.Time) (tell bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if until.After(x.failing) {
		x.failing = until
	}
	now := time.Now()
	if tell = now.Sub(x.told) >= tellEvery; tell {
		x.told = now
	}
	return tell
}

// failingFor is how long a disk is left alone that has failed, tellEvery how often that is logged.
const failingFor, tellEvery = time.Minute, time.Minute
