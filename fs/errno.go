package fs

import (
	"context"
	"errors"
	"syscall"

	"clipfs/clip/archive"
)

type errnoRow struct {
	is    error
	errno syscall.Errno
}

// errnoTable is the one way from an error to an errno. The first row that matches counts: a sentinel that belongs to a
// wider one needs no row of its own, and what is said about the archive goes before the plain end of a context.
func errnoTable() []errnoRow {
	return []errnoRow{
		{archive.ErrName, syscall.ENOENT},
		{archive.ErrNoStream, syscall.ENOENT},
		{archive.ErrNoFootage, syscall.ENOENT},
		{archive.ErrDenied, syscall.EACCES},
		{archive.ErrRefused, syscall.EIO},
		{archive.ErrInvalid, syscall.EINVAL},
		{archive.ErrMedia, syscall.EMEDIUMTYPE},
		{archive.ErrNoRetention, syscall.ENODATA},
		{archive.ErrThrottled, syscall.EBUSY},
		{archive.ErrUnreachable, syscall.ETIMEDOUT},
		{archive.ErrChanged, syscall.ESTALE},
		{archive.ErrTooBig, syscall.EFBIG},
		{archive.ErrNoSpace, syscall.ENOSPC},
		{archive.ErrFetchLimit, syscall.EDQUOT},
		{context.Canceled, syscall.EINTR},
		{context.DeadlineExceeded, syscall.ETIMEDOUT},
	}
}

// Errno is what a caller gets for an error of the tree: 0 for nil, EIO for what has no row.
func Errno(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	for _, row := range errnoTable() {
		if errors.Is(err, row.is) {
			return row.errno
		}
	}
	return syscall.EIO
}
