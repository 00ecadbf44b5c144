package download_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"clipfs/cache"
	"clipfs/clip/download"
	"clipfs/clip/tier"
)

// TestOfferDoesNotWait: an offer whose payload the store has lost meanwhile, and that is being fetched again, waits for a moment only: that download
// may be paused for as long as nobody reads it, and the lease is held until the offer ends.
func TestOfferDoesNotWait(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, err := cache.Open(dir, cache.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}()
		p := download.Payload{Key: "p-0"}
		paused, err := c.Acquire(p.Key, p.Request("media", func(ctx context.Context, _ *cache.Writer) error {
			<-ctx.Done()
			return ctx.Err()
		}))
		if err != nil {
			t.Fatal(err)
		}
		defer paused.Release()
		if _, err := download.WholeEntry(c, p, 1000); !errors.Is(err, tier.ErrGone) {
			t.Errorf("%v; want %v", err, tier.ErrGone)
		}
	})
}
