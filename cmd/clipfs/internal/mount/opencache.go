package mount

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clipfs/cache"
	"clipfs/cmd/clipfs/internal/notify"
)

// lockPatience is how long a cache directory is waited for whose holder has not said that it leaves: a mount that was
// unmounted a moment ago has not let go of it yet.
const lockPatience = 3 * time.Second

const lockPoll = 50 * time.Millisecond

// openCache opens a cache directory. A clipfs that ends holds it until what was open on its mount is closed: that is
// waited for.
func openCache(ctx context.Context, dir string, o cache.Options, manager *notify.Manager) (*cache.Cache, error) {
	ticker := time.Tick(lockPoll)
	begun, told := time.Now(), false
	for {
		kept, err := cache.Open(dir, o)
		var locked *cache.LockedError
		switch {
		case err == nil:
			return kept, nil
		case !errors.As(err, &locked):
			return nil, fmt.Errorf("cache directory %s: %w", dir, err)
		}
		patience := lockPatience
		if !locked.Until.IsZero() {
			patience = max(patience, locked.Until.Sub(begun)+leaveMargin)
			if !told {
				told = true
				manager.Starting(fmt.Sprintf("waiting for process %d to let go of the cache", locked.PID), patience+leaveMargin)
				o.Logger.Info("the cache directory is still in use by a clipfs that ends; waiting for it", "cache", dir,
					"pid", locked.PID, "until", locked.Until)
			}
		}
		if time.Since(begun) > patience {
			return nil, fmt.Errorf("cache directory %s is in use by another clipfs (process %d): give this mount its own with --cache-dir",
				dir, locked.PID)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker:
		}
	}
}
