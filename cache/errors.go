package cache

import "errors"

// What can go wrong, one sentinel a kind; errors of this package wrap one of them, what the Fill returned, a context's
// cause, or an error of the file system.
var (
	// ErrLocked: another process, or another Cache in this one, has the directory.
	ErrLocked = errors.New("in use by another process")
	// ErrKey: a key that cannot be the name of a file.
	ErrKey = errors.New("not a key")
	// ErrFull: everything in the cache is in use, the entry alone is larger than the budget, or the disk is full.
	ErrFull = errors.New("no space in the cache")
	// ErrAbandoned: nobody has held the entry for as long as Options.Linger says, or the fill has ended already.
	ErrAbandoned = errors.New("fill abandoned: nobody holds the entry")
	// ErrOverrun: a fill went past the size that it had announced, or announced another one.
	ErrOverrun = errors.New("fill does not keep to the announced size")
	// ErrShort: a fill ended before the size that it had announced.
	ErrShort = errors.New("fill ended before the announced size")
	// ErrDamaged: the file of an entry was made shorter behind our back. The next Acquire fills it again.
	ErrDamaged = errors.New("cached file is damaged")
	// ErrReleased: the entry was read after its Release.
	ErrReleased = errors.New("entry was released")
	// ErrClosed: the cache has been closed.
	ErrClosed = errors.New("cache is closed")
)

// errStale: the file of an entry is missing or has another size than its name says.
var errStale = errors.New("cached file is missing or has another size")

// errExited: a fill left its goroutine without returning.
var errExited = errors.New("fill ended without returning")
