package cache

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"clipfs/cache/disk"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// index is the accounting of a cache: which entries there are, what each costs, which are held, and which goes next. It
// does no I/O. A method returns the I/O that follows from what it has committed.
type index struct {
	maxBytes       int64
	maxAge, linger time.Duration
	memory         *memory
	// ranked is closed when the order of use is known.
	ranked chan struct{}
	// fills has the fills that have yet to return. It is raised with mu held, and not after close.
	fills sync.WaitGroup

	// mu guards the following, and the fields of an item that say so.
	mu   sync.Mutex
	shut bool
	// whole has every entry that is whole. Those of them that are not held are in idle too, in order of last use.
	whole map[Key]*item
	idle  *simplelru.LRU[Key, *item]
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

// item is an entry as the index knows it.
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
	// start is when the footage began, expires when it has to go; zero where not known.
	start, expires time.Time
	used           time.Time // last use; zero where not known
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

func newIndex(maxBytes int64, maxAge, linger time.Duration, m *memory) (*index, error) {
	idle, err := simplelru.NewLRU[Key, *item](math.MaxInt, nil) // the budget bounds it, not a count
	return &index{
		maxBytes: maxBytes, maxAge: maxAge, linger: linger, memory: m, ranked: make(chan struct{}),
		whole: make(map[Key]*item), idle: idle, live: make(map[Key]*item),
	}, err
}

func (x *index) stats() Stats {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.count
	s.Whole, s.Held, s.Growing = len(x.whole), len(x.whole)-x.idle.Len(), len(x.live)
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

func (x *index) expiredLocked(it *item, now time.Time) bool {
	if !it.expires.IsZero() && now.After(it.expires) {
		return true
	}
	since := it.start
	if since.IsZero() {
		since = time.Unix(0, it.created)
	}
	return x.maxAge > 0 && now.After(since.Add(x.maxAge))
}

// idleLocked makes an entry the one that was used last of those that are not held.
func (x *index) idleLocked(it *item) {
	x.idle.Add(it.key, it)
	x.idleBytes += it.cost
}

func (x *index) unidleLocked(it *item) {
	if x.idle.Remove(it.key) {
		x.idleBytes -= it.cost
	}
}

// forgetLocked takes an entry out of those that are whole; false if it is not among them.
func (x *index) forgetLocked(it *item) bool {
	if x.whole[it.key] != it {
		return false
	}
	delete(x.whole, it.key)
	x.unidleLocked(it)
	return true
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

// add puts whole entries that were found into the index, not held and in no order.
func (x *index) add(found []*item) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, it := range found {
		x.whole[it.key] = it
		x.used += it.cost
		x.idleLocked(it)
	}
}

// rank puts the entries that are not held in the order of last use, given the last use of those that were found. Those
// that were used since are last, whatever the clock was before.
func (x *index) rank(used map[*item]time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	idle := x.idle.Values()
	slices.SortFunc(idle, func(a, b *item) int {
		if a.used.IsZero() && b.used.IsZero() {
			return cmp.Or(used[a].Compare(used[b]), cmp.Compare(a.created, b.created), cmp.Compare(a.key, b.key))
		}
		return a.used.Compare(b.used)
	})
	for _, it := range idle {
		x.idle.Add(it.key, it) // each becomes the last
	}
}

// learn remembers when an entry that was found on disk began and has to go. It reports whether it may still be kept.
func (x *index) learn(it *item, start, expires time.Time) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	it.start, it.expires = start, expires
	return !x.expiredLocked(it, time.Now())
}

func (x *index) find(key Key) *item {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.whole[key]
}

func (x *index) unheld() []*item {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.idle.Values()
}

// pin keeps a whole entry's cost counted while some I/O is done on its file that is no use of it; false if it is no longer
// found. It can still be evicted. The caller has to unpin it soon, as fills may wait for that.
func (x *index) pin(it *item) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.whole[it.key] != it || it.volatile {
		return false
	}
	x.settling++
	it.pinned = true
	it.refs++
	return true
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
	if x.whole[it.key] == it && x.idle.Contains(it.key) {
		it.refs--
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

// expired counts the entries that it returns.
func (x *index) expired() (old []*item) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Now()
	for _, it := range x.whole {
		if x.expiredLocked(it, now) {
			old = append(old, it)
		}
	}
	x.count.Expired += uint64(len(old))
	return old
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
