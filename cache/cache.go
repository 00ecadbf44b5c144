package cache

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"clipfs/cache/disk"

	"golang.org/x/sys/unix"
)

// The values that stand for zero ones in Options.
const (
	// DefaultMaxBytes is 10 GiB.
	DefaultMaxBytes = 10 << 30
	// DefaultLinger is how long the fill of an entry without holders stays paused.
	DefaultLinger = 10 * time.Second
)

// Options are the settings of a cache. The zero value works.
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
	// Linger is how long the fill of an entry without holders waits for a new one before it is given up. 0 is
	// DefaultLinger; less than 0 gives it up at once. One that has not brought a byte waits a second at most.
	Linger time.Duration
	// Lazy has Open leave the index alone until Begin, or until it is first needed: what else starts then has the
	// processors for itself.
	Lazy bool
	// NoProof has nothing be checked in the background: blocks are checked when they are read. Entries of an earlier start of the machine have no
	// Backing then.
	NoProof bool
	// Logger takes what is worth knowing and no caller is told; nil discards it.
	Logger *slog.Logger

	// statfs and fdatasync stand in for the kernel's, in tests.
	statfs    statfs
	fdatasync func(*os.File) error
}

// Cache keeps entries in one directory. Its methods are safe for concurrent use.
type Cache struct {
	logger  *slog.Logger
	dir     *disk.Directory
	sizes   *sizes
	index   *index
	space   *space
	buffers sync.Pool // of *[disk.SumBlock]byte
	// unproven are to be checked in the background (nil: none are), lent are removed and still in use by the kernel.
	unproven *unproven
	lent     *lent

	// tending has what runs in the background, which stop ends.
	tending sync.WaitGroup
	stop    context.CancelFunc
	// begin closes begun, which has the directory and the sizes read. listed is closed when the directory was listed.
	begin         func()
	begun, listed chan struct{}
	// ready says that listed is closed: a receive from a closed channel still takes its lock.
	ready atomic.Bool
	// down is closed when Close has done its work.
	down chan struct{}
}

// Open makes the directory if need be (mode 0700) and locks it. In the background it then removes what a crash left
// behind and finds the whole entries again in their order of last use. If they take more than the budget the least
// recently used are removed; so are those that have expired. ErrLocked if another process has the directory.
//
// Entries are kept in a directory of their own below dir, also 0700; other files are left alone.
func Open(dir string, o Options) (*Cache, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Linger == 0 {
		o.Linger = DefaultLinger
	}
	c := &Cache{
		logger: o.Logger, begun: make(chan struct{}), listed: make(chan struct{}), down: make(chan struct{}),
		lent: newLent(),
	}
	if !o.NoProof {
		c.unproven = newUnproven()
	}
	c.buffers.New = func() any { return new([disk.SumBlock]byte) }
	memory := &memory{max: o.MemoryBytes}
	c.space = &space{minFree: o.MinFree, minPercent: o.MinFreePercent, statfs: o.statfs}
	if c.space.statfs == nil {
		c.space.statfs = statfsOf
	}
	if o.Beside != nil {
		c.space, memory = o.Beside.space, o.Beside.index.memory
	}
	var err error
	if c.dir, err = disk.OpenDirectory(dir, c.logger); err != nil {
		return nil, err
	}
	if o.fdatasync != nil {
		c.dir.Sync = o.fdatasync
	}
	c.index = newIndex(o.MaxBytes, o.MaxAge, o.Linger, memory, c.dir)
	if c.sizes, err = openSizes(filepath.Join(dir, "sizes"), maxSizes, c.logger); err != nil {
		return nil, errors.Join(err, c.dir.Close())
	}
	c.begin = sync.OnceFunc(func() {
		close(c.begun)
		go c.sizes.load()
	})
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.tending.Go(func() { c.tend(ctx) })
	c.tending.Go(func() { c.prove(ctx) })
	c.tending.Go(func() { c.reclaimAll(ctx) })
	if !o.Lazy {
		c.Begin()
	}
	return c, nil
}

// Begin has a Lazy cache read its directory, in the background. Any other has begun, and a second call does nothing.
func (c *Cache) Begin() { c.begin() }

func (c *Cache) await() {
	if c.ready.Load() {
		return
	}
	c.begin()
	<-c.listed
	c.ready.Store(true)
}

// Leave tells a process that wants the directory that it will be free by then: it is worth waiting for.
func (c *Cache) Leave(until time.Time) error { return c.dir.Leave(until) }

// Close ends every fill, waits until all have returned, and releases the directory. Entries that are still held can be
// read, as far as their bytes have come, until they are released. A second call waits for the first.
func (c *Cache) Close() error {
	if !c.index.close() {
		<-c.down
		return nil
	}
	c.stop()
	c.tending.Wait()
	c.index.fills.Wait()
	c.proveLast()
	for _, f := range c.lent.take() {
		_ = f.open.Close() // only read from
	}
	err := errors.Join(c.sizes.close(), c.dir.Close())
	close(c.down)
	return err
}

// Has reports whether the entry of a key is whole, in the index or in memory. It does not access the disk and does not
// count as use.
func (c *Cache) Has(key Key) bool {
	c.await()
	_, ok := c.index.find(key)
	return ok
}

// Created gives when the fill of the whole entry of a key began, in nanoseconds since 1970: no other entry of the key, of this or another run,
// has the same. It does not access the disk and does not count as use.
func (c *Cache) Created(key Key) (at int64, ok bool) {
	c.await()
	return c.index.find(key)
}

// Drop takes the whole entry of a key out and removes its file; holders keep what they have open. It does nothing to one
// that is still being filled.
func (c *Cache) Drop(key Key) {
	c.await()
	if created, ok := c.index.find(key); ok {
		c.discard(key, created)
	}
}

// GiveUpParked ends the fill that has been paused longest, and reports whether there was one: its bytes are lost, and what
// it kept busy is free once it has returned.
func (c *Cache) GiveUpParked() bool { return c.index.giveUp("") }

// GiveUp ends the fill of a key if the entry has no holders, and reports whether it did: see GiveUpParked.
func (c *Cache) GiveUp(key Key) bool { return key.Valid() && c.index.giveUp(key) }

// NoteSize keeps the exact size of something for KnownSize. It outlives the entry's eviction and a restart, and need
// not be the size of an entry. A key that is not valid or a size below 0 is ignored.
func (c *Cache) NoteSize(key Key, n int64) { c.sizes.note(key, n) }

// KnownSize returns the size that NoteSize was last told for a key, unless that was 100,000 keys ago.
func (c *Cache) KnownSize(key Key) (int64, bool) { return c.sizes.size(key) }

// Stats returns the present numbers; the counts start at Open.
func (c *Cache) Stats() Stats {
	c.await()
	s := c.index.stats()
	s.Sizes = c.sizes.len()
	return s
}

// discard drops an entry whose bytes are not what they should be, or cannot be read; not another one that has the key by
// now. Holders keep what they have open.
func (c *Cache) discard(key Key, created int64) {
	if it := c.index.drop(key, created); it != nil {
		c.remove(it)
	}
}

func (c *Cache) release(it *item) { c.finish(it, c.index.release(it)) }

func (c *Cache) evict(victims []*item) {
	if len(victims) > 0 {
		c.reclaim()
	}
	for _, it := range victims {
		c.remove(it)
	}
}

func (c *Cache) finish(it *item, l last) {
	for l.open != nil {
		var err error
		switch open := l.open.file; {
		case open == nil:
		case l.used.IsZero():
			err = open.Close()
		default:
			err = it.file.Close(c.dir, open, it.content.written.Load(), l.used)
		}
		gone := errors.Is(err, fs.ErrNotExist)
		if err != nil && !gone {
			c.logger.Debug("cached file closed, its time of last use is not kept", "key", it.key, "error", err)
		}
		l = c.index.fileClosed(it, gone)
	}
}

// noDisk reports whether an error says that the disk is full or fails, so that memory has to do.
func noDisk(err error) bool {
	return errors.Is(err, disk.ErrNoDisk) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) ||
		errors.Is(err, unix.EIO) || errors.Is(err, unix.EROFS)
}

// diskFailed remembers that the disk took or gave nothing, and logs it now and then. A disk that fails is left alone for a
// while, a directory that another process has taken over for good.
func (c *Cache) diskFailed(err error) {
	var until time.Time
	switch {
	case errors.Is(err, ErrLocked):
		until = time.Unix(math.MaxInt32, 0)
	case errors.Is(err, unix.EIO), errors.Is(err, unix.EROFS):
		until = time.Now().Add(failingFor)
	}
	if c.index.diskFailed(until) {
		c.logger.Warn("the cache's disk takes no more; what is fetched is kept in memory while it is read",
			"directory", c.dir.Data, "memory", c.index.memory.max, "error", err)
	}
}
