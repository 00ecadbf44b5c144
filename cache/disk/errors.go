package disk

import "errors"

// What can be wrong with the files of a cache. Other errors are those of the file system.
var (
	// ErrLocked: another process, or another cache in this one, has the directory.
	ErrLocked = errors.New("in use by another process")
	// ErrDamaged: a file has other bytes than were written, was made shorter, or cannot be read.
	ErrDamaged = errors.New("cached file is damaged")
	// ErrLost: the disk did not take the bytes, although they were written.
	ErrLost = errors.New("cached file was never on the disk")
	// ErrStale: the file of an entry is missing or not what its name says.
	ErrStale = errors.New("cached file is missing or damaged")
	// ErrSum: a block has other bytes than were written.
	ErrSum = errors.New("checksum does not fit")
	// ErrFooter: what stands where a footer should is none.
	ErrFooter = errors.New("the file's footer is damaged")
	// ErrNoDisk: the disk may take no more of an entry.
	ErrNoDisk = errors.New("everything on disk is in use")
)
