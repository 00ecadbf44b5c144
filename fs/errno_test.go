package fs_test

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"clipfs/clip"
	"clipfs/fs"
)

func TestErrno(t *testing.T) {
	tests := []struct {
		err  error
		want syscall.Errno
	}{
		{nil, 0},
		{clip.ErrName, syscall.ENOENT},
		{clip.ErrNoStream, syscall.ENOENT},
		{clip.ErrNoFootage, syscall.ENOENT},
		{clip.ErrDenied, syscall.EACCES},
		{clip.ErrNotListable, syscall.EACCES},
		{clip.ErrRefused, syscall.EIO},
		{clip.ErrInvalid, syscall.EINVAL},
		{clip.ErrMedia, syscall.EMEDIUMTYPE},
		{clip.ErrCodecChange, syscall.EMEDIUMTYPE},
		{clip.ErrNoRetention, syscall.ENODATA},
		{clip.ErrThrottled, syscall.EBUSY},
		{clip.ErrUnreachable, syscall.ETIMEDOUT},
		{clip.ErrChanged, syscall.ESTALE},
		{clip.ErrTooBig, syscall.EFBIG},
		{clip.ErrNoSpace, syscall.ENOSPC},
		{clip.ErrFetchLimit, syscall.EDQUOT},
		{context.Canceled, syscall.EINTR},
		{context.DeadlineExceeded, syscall.ETIMEDOUT},
		{errors.New("anything else"), syscall.EIO},
		{syscall.ENOSPC, syscall.EIO}, // the disk of the cache is not the archive's business
		{fmt.Errorf("call: %w: %w", clip.ErrUnreachable, context.Canceled), syscall.ETIMEDOUT},
		{fmt.Errorf("call: %w: %w", context.DeadlineExceeded, clip.ErrThrottled), syscall.EBUSY},
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
