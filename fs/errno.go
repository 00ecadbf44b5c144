package fs

import (
	"context"
	"errors"
	"syscall"

	"clipfs/clip"
)

// errnoRow says which errno an error is for a caller.
type errnoRow struct {
	is    error
	errno syscall.Errno
}

// errnoTable is the one way from an error to an errno. The first row that matches counts, so a sentinel that belongs
// to a wider one needs no row of its own, and what is said about the archive goes before the plain end of a context.
func errnoTable() []errnoRow {
	return []errnoRow{
		{clip.ErrName, syscall.ENOENT},
		{clip.ErrNoStream, syscall.ENOENT},
		{clip.ErrNoFootage, syscall.ENOENT},
		{clip.ErrDenied, syscall.EACCES},
		{clip.ErrRefused, syscall.EIO},
		{clip.ErrInvalid, syscall.EINVAL},
		{clip.ErrMedia, syscall.EMEDIUMTYPE},
		{clip.ErrNoRetention, syscall.ENODATA},
		{clip.ErrThrottled, syscall.EBUSY},
		{clip.ErrUnreachable, syscall.ETIMEDOUT},
		{clip.ErrChanged, syscall.ESTALE},
		{clip.ErrTooBig, syscall.EFBIG},
		{clip.ErrNoSpace, syscall.ENOSPC},
		{clip.ErrFetchLimit, syscall.EDQUOT},
		{context.Canceled, syscall.EINTR},
		{context.DeadlineExceeded, syscall.ETIMEDOUT},
	}
}

// Errno gives the errno that a caller gets for an error of package clip: 0 for nil, EIO for what has no row.
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
