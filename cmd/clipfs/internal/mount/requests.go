package mount

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/spf13/pflag"

	"clipfs/clip/shared"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/internal/metrics"
)

// requests is a bucket whose requests are counted, as its price list does: those that read and those that write.
type requests struct {
	shared.Bucket
	reads, writes atomic.Int64
}

// Get counts a request that reads.
func (r *requests) Get(ctx context.Context, name string) (*shared.Object, error) {
	r.reads.Add(1)
	return r.Bucket.Get(ctx, name)
}

// Exists counts a request that reads.
func (r *requests) Exists(ctx context.Context, name string) (bool, error) {
	r.reads.Add(1)
	return r.Bucket.Exists(ctx, name)
}

// Put counts a request that writes, also one whose condition does not hold.
func (r *requests) Put(ctx context.Context, name string, content io.ReadSeeker, size int64, on shared.Condition) (etag string, err error) {
	r.writes.Add(1)
	return r.Bucket.Put(ctx, name, content, size, on)
}

// counts gives both.
func (r *requests) counts() metrics.Requests {
	return metrics.Requests{Reads: r.reads.Load(), Writes: r.writes.Load()}
}

// bindPrices makes the flags that say what a bucket costs.
func bindPrices(flags *pflag.FlagSet, p *metrics.SharedPrices) {
	flags.Var(config.Price(&p.Reads), "price-shared-reads", "what a thousand requests cost that read --shared-cache, such as 0.0004, for the estimates in metrics and status")
	flags.Var(config.Price(&p.Writes), "price-shared-writes", "what a thousand requests cost that write to --shared-cache, leases too, such as 0.005, for the same")
	flags.Var(config.Price(&p.Storage), "price-shared-storage", "what a gigabyte costs that --shared-cache keeps for a month, such as 0.023, for the same; what is written counts for --shared-keep")
}
