// Package parallel does pieces of work side by side, and bounds what they hold at once.
package parallel

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Each calls work for 0 … n−1, at most limit at a time, and gives the first error, which cancels the rest.
func Each(ctx context.Context, limit, n int, work func(ctx context.Context, i int) error) error {
	if n == 1 {
		return work(ctx, 0)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(limit)
	for i := range n {
		group.Go(func() error { return work(ctx, i) })
	}
	return group.Wait()
}
