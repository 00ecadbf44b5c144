package fs_test

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"clipfs/clip/archive"
	"clipfs/fs"
)

func TestErrno(t *testing.T) {
	tests := []struct {
		err  error
		want syscall.Errno
	}{
		{nil, 0},
		{archive.ErrName, syscall.ENOENT},
		{archive.ErrNoStream, syscall.ENOENT},
		{archive.ErrNoFootage, syscall.ENOENT},
		{archive.ErrDenied, syscall.EACCES},
		{archive.ErrNotListable, syscall.EACCES},
		{archive.ErrRefused, syscall.EIO},
		{archive.ErrInvalid, syscall.EINVAL},
		{archive.ErrMedia, syscall.EMEDIUMTYPE},
		{archive.ErrCodecChange, syscall.EMEDIUMTYPE},
		{archive.ErrNoRetention, syscall.ENODATA},
		{archive.ErrThrottled, syscall.EBUSY},
		{archive.ErrUnreachable, syscall.ETIMEDOUT},
		{archive.ErrChanged, syscall.ESTALE},
		{archive.ErrTooBig, syscall.EFBIG},
		{archive.ErrNoSpace, syscall.ENOSPC},
		{archive.ErrFetchLimit, syscall.EDQUOT},
		{context.Canceled, syscall.EINTR},
		{context.DeadlineExceeded, syscall.ETIMEDOUT},
		{errors.New("anything else"), syscall.EIO},
		{syscall.ENOSPC, syscall.EIO}, // the disk of the cache is not the archive's business
		{fmt.Errorf("call: %w: %w", archive.ErrUnreachable, context.Canceled), syscall.ETIMEDOUT},
		{fmt.Errorf("call: %w: %w", context.DeadlineExceeded, archive.ErrThrottled), syscall.EBUSY},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.err), func(t *testing.T) {
			if got := fs.Errno(test.err); got != test.want {
				t.Errorf("Errno(%v) = %v, want %v", test.err, got, test.want)
			}
			if test.err == nil {
				return
			}
			if got := fs.Errno(fmt.Errorf("clip %s: %w", "a/b", test.err)); got != test.want {
				t.Errorf("Errno(%v, wrapped) = %v, want %v", test.err, got, test.want)
			}
		})
	}
}
