package cache

import (
	"errors"
	"fmt"

	"clipfs/cache/disk"
)

// What can go wrong. An error of this package wraps one of these, what the Fill returned, a context's cause, or an error of
// the file system.
var (
	// ErrLocked: another process, or another Cache in this one, has the directory.
	ErrLocked = disk.ErrLocked
	// ErrKey: a key that cannot be the name of a file.
	ErrKey = errors.New("not a key")
	// ErrFull: everything on disk is in use, or the entry alone is larger than the budget, or the disk is full or fails;
	// and memory is at its bound.
	ErrFull = errors.New("no space in the cache")
	// ErrAbandoned: the entry has had no holder for as long as Options.Linger says, or the fill has ended already.
	ErrAbandoned = errors.New("fill abandoned: nobody holds the entry")
	// ErrOverrun: a fill went past the size that it had announced, or announced another one.
	ErrOverrun = errors.New("fill does not keep to the announced size")
	// ErrShort: a fill ended before the size that it had announced.
	ErrShort = errors.New("fill ended before the announced size")
	// ErrDamaged: the file has other bytes than were written, was made shorter, or cannot be read. Acquire fills it again.
	ErrDamaged = disk.ErrDamaged
	// ErrReleased: the entry was read after its Release.
	ErrReleased = errors.New("entry was released")
	// ErrClosed: the cache has been closed.
	ErrClosed = errors.New("cache is closed")

	// errExpired is a disk.ErrStale.
	errExpired = fmt.Errorf("footage is past its retention or --cache-max-age: %w", disk.ErrStale)
	// errExited: a fill left its goroutine without returning.
	errExited = errors.New("fill ended without returning")
)
