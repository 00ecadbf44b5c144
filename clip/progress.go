package clip

import (
	"context"
	"fmt"
	"time"
)

// withProgress gives a context that ends when progress was not called for as long as timeout. Its cause then wraps
// context.DeadlineExceeded, so that an Archive tells what the last failure was. stop has to be called.
func withProgress(ctx context.Context, timeout time.Duration) (_ context.Context, progress func(), stop context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(timeout, func() {
		cancel(fmt.Errorf("no progress for %s: %w", timeout, context.DeadlineExceeded))
	})
	progress = func() {
		if ctx.Err() == nil {
			timer.Reset(timeout)
		}
	}
	stop = func() {
		timer.Stop()
		cancel(nil)
	}
	return ctx, progress, stop
}

// sleep waits, or gives the cause for which ctx ended.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
