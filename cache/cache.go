package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// The values that stand for zero ones in Options.
const (
	// DefaultMaxBytes is 10 GiB.
	DefaultMaxBytes = 10 << 30
	// DefaultLinger is how long an entry that nobody holds stays parked.
	DefaultLinger = 10 * time.Second
)

// Options are what Open can be told. The zero value works.
type Options struct {
	// MaxBytes is the budget: the most that whole and growing entries take on disk together, counted in blocks of 4 KiB
	// a file. 0 is DefaultMaxBytes. The index of sizes is not counted (at most some 30 MB, usually below one).
	MaxBytes int64
	// MinFree is how many bytes of the file system are left free at least, and MinFreePercent how much of it; the larger
	// counts. Entries are evicted for that. 0 is none.
	MinFree        int64
	MinFreePercent float64
	// MemoryBytes is how much memory entries may take for which there is no space on disk. 0 is none.
	MemoryBytes int64
	// Beside is another cache on the same file system: the two keep to that one's MinFree and MemoryBytes together.
	Beside *Cache
	// MaxAge is how long after About.Start (after the fill began where that is not known) an entry is kept, if its Expires
	// is not before that. 0 is without end.
	MaxAge time.Duration
	// Linger is how long the fill of an entry that nobody holds waits for a new holder before it is given up.
	// 0 is DefaultLinger; less than 0 gives it up at once. One that has not brought a byte waits a second at most.
	Linger time.Duration
	// Lazy has Open leave the index alone until Begin, or until it is first needed: what else starts then has the
	// processors for itself.
	Lazy bool
	// Logger takes what is worth knowing and no caller is told; nil discards it.
	Logger *slog.Logger

	// statfs stands in for the kernel's, in tests.
	statfs statfs
}

// Cache keeps entries in one directory. Its methods are safe for concurrent use.
type Cache struct {
	logger *slog.Logger
	sizes  *sizeIndex
	room   *room

	data     string // the directory of the entries
	maxBytes int64
	maxAge   time.Duration
	linger   time.Duration
	buffers  sync.Pool // of *[sumBlock]byte

	// work has the fills and what runs in the background, which stop ends.
	work sync.WaitGroup
	stop context.CancelFunc
	// begin closes begun, which has the index read.
	begin func()
	begun chan struct{}
	// listed is closed when the index has what was there at the start, order when its order of use is known.
	listed, order chan struct{}
	// down is closed when Close has done its work.
	down chan struct{}

	// remaking orders the making anew of a directory that was removed; it guards the I/O itself.
	remaking sync.Mutex

	// mu guards the following, and the fields of a body that say so.
	mu     sync.Mutex
	closed bool
	lock   *os.File
	// whole has every entry that is whole; those of them that nobody holds are in idle too, in order of last use.
	whole map[Key]*body
	idle  *simplelru.LRU[Key, *body]
	// live has the entries that are being filled and can still be acquired.
	live map[Key]*body
	// used is what all files cost, those that are open but no longer found too. Of it, idleBytes belongs to entries that
	// nobody holds, removing to files that are being removed, dying to entries whose fill was given up and has yet to
	// return. claimed is what fills will need beyond it.
	used, idleBytes, removing, dying, claimed int64
	// dyingMemory is the memory of entries whose fill was given up and has yet to return.
	dyingMemory int64
	// settling counts the entries that are held only until some I/O is done, and may be free after it.
	settling int
	// freed is closed and forgotten when one of the above went down; nil while no fill waits for that.
	freed chan struct{}
	// failing is until when the disk is left alone because it failed; told is when that was last logged.
	failing, told time.Time
	// last is the latest time that stampLocked gave.
	last                                     time.Time
	hits, shared, misses, evictions, expired uint64
	freedBytes                               int64
}

// Open makes the directory if need be (mode 0700) and locks it. In the background it then removes what a crash left
// behind and finds the whole entries again in their order of last use; if they take more than the budget the least
// recently used are removed, and so are those that have expired. ErrLocked if another process has the directory.
//
// Entries are kept in a directory of their own below dir, also 0700; files that are not ours are left alone.
func Open(dir string, o Options) (*Cache, error) {
	c := &Cache{
		logger:   o.Logger,
		data:     filepath.Join(dir, dataDir),
		maxBytes: o.MaxBytes,
		maxAge:   o.MaxAge,
		linger:   o.Linger,
		begun:    make(chan struct{}),
		listed:   make(chan struct{}),
		order:    make(chan struct{}),
		down:     make(chan struct{}),
		whole:    make(map[Key]*body),
		live:     make(map[Key]*body),
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	if c.maxBytes <= 0 {
		c.maxBytes = DefaultMaxBytes
	}
	if c.linger == 0 {
		c.linger = DefaultLinger
	}
	if o.Beside != nil {
		c.room = o.Beside.room
	} else {
		c.room = newRoom(o)
	}
	c.buffers.New = func() any { return new([sumBlock]byte) }
	var err error
	// The budget bounds the index, not a count.
	if c.idle, err = simplelru.NewLRU[Key, *body](math.MaxInt, nil); err != nil {
		return nil, err
	}
	if err := c.take(dir); err != nil {
		return nil, err
	}
	c.begin = sync.OnceFunc(func() { close(c.begun) })
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.work.Go(func() { c.tend(ctx) })
	if !o.Lazy {
		c.Begin()
	}
	return c, nil
}

// Begin has a Lazy cache read its index, in the background. Any other has begun, and a second call does nothing.
func (c *Cache) Begin() {
	c.begin()
	c.sizes.begin()
}

// await waits until the index has what was there at the start.
func (c *Cache) await() {
	select {
	case <-c.listed:
		return
	default:
	}
	c.Begin()
	<-c.listed
}

// dataDir is the directory of the entries below that of the cache.
const dataDir = "data"

// take makes the directory, takes its lock and opens the index of sizes.
func (c *Cache) take(dir string) error {
	if err := os.MkdirAll(c.data, 0o700); err != nil {
		return fmt.Errorf("cache directory: %w", err)
	}
	if err := os.Chmod(c.data, 0o700); err != nil {
		return fmt.Errorf("cache directory: %w", err)
	}
	var err error
	if c.lock, err = lockDir(dir); err != nil {
		return err
	}
	if c.sizes, err = openSizes(filepath.Join(dir, "sizes"), maxSizes, c.logger); err != nil {
		return errors.Join(err, c.lock.Close())
	}
	return nil
}

// Close ends every fill, waits until all have returned, and gives the directory free. Entries that are still held can be
// read, as far as their bytes are there, until they are released. A second call waits for the first.
func (c *Cache) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		<-c.down
		return nil
	}
	c.closed = true
	for _, b := range c.live {
		c.stopLocked(b, ErrClosed)
	}
	c.mu.Unlock()
	c.stop()
	c.work.Wait()
	c.mu.Lock()
	lock := c.lock
	c.mu.Unlock()
	err := errors.Join(c.sizes.close(), lock.Close())
	close(c.down)
	return err
}

// Has reports whether the entry of a key is whole and in the index, or in memory. It does not look at the disk and does not count as
// use.
func (c *Cache) Has(key Key) bool {
	c.await()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.whole[key] != nil
}

// Drop takes the whole entry of a key out and removes its file; holders keep what they have open. It does nothing to one
// that is still being filled.
func (c *Cache) Drop(key Key) {
	c.await()
	c.mu.Lock()
	b := c.whole[key]
	c.mu.Unlock()
	if b != nil {
		c.discard(b)
	}
}

// GiveUpParked ends the fill that nobody has held for the longest time, and reports whether there was one: its bytes
// are lost, and what it kept busy is free once it has returned.
func (c *Cache) GiveUpParked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.abandonLocked(func(*body) bool { return true })
}

// GiveUp ends the fill of a key if nobody holds it, and reports whether it did: see GiveUpParked.
func (c *Cache) GiveUp(key Key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.live[key]
	if b == nil || b.holders > 0 {
		return false
	}
	c.stopLocked(b, ErrAbandoned)
	return true
}

// NoteSize keeps the exact size of something for KnownSize. It outlives the entry's eviction and a restart, and need
// not be the size of an entry. A key that is not valid or a size below 0 is ignored.
func (c *Cache) NoteSize(key Key, n int64) { c.sizes.note(key, n) }

// KnownSize gives the size that NoteSize was last told for a key, unless that was 100,000 keys ago.
func (c *Cache) KnownSize(key Key) (int64, bool) { return c.sizes.size(key) }

// Stats is a look at a cache.
type Stats struct {
	// Whole, Held and Growing count entries: those that are whole, those of them that somebody holds, and those that
	// are being filled.
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

// Stats gives the present numbers; the counts start at Open.
func (c *Cache) Stats() Stats {
	c.await()
	sizes := c.sizes.len()
	c.room.mu.Lock()
	memory := c.room.memory
	c.room.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{
		Whole: len(c.whole), Held: len(c.whole) - c.idle.Len(), Growing: len(c.live),
		Bytes: c.used, MaxBytes: c.maxBytes, Claimed: c.claimed,
		Memory: memory, MaxMemory: c.room.maxMemory,
		Hits: c.hits, Shared: c.shared, Misses: c.misses,
		Evictions: c.evictions, Expired: c.expired, FreedBytes: c.freedBytes,
		Sizes: sizes,
	}
}

// stampLocked gives the present time, each time a later one, so that the order of use is total.
func (c *Cache) stampLocked() time.Time {
	now := time.Now().Round(0)
	if !now.After(c.last) {
		now = c.last.Add(1)
	}
	c.last = now
	return now
}
