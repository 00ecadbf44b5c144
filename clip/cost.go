package clip

import (
	"clipfs/clip/unlisted"
	"context"
	"time"
)

// Missing tells how many bytes reading all of the clip would fetch: what is not in the cache of its parts, as the
// archive stores them, so it is an estimate. It fetches no media; it may list the clip's fragments again.
func (c *Clip) Missing(ctx context.Context) (int64, error) {
	l := c.library
	total := int64(0)
	if made := c.made(); made != nil {
		for i := range made.parts {
			if p := made.parts[i].payload; !l.cache.Has(p.Key) {
				total += p.Bytes
			}
		}
		return total, nil
	}
	if !c.mayList() {
		return c.library.minutes.Missing(ctx, c.footage()), nil
	}
	d, err := c.detail(ctx)
	if err != nil {
		return 0, err
	}
	parts, _ := l.served(ctx, c.stream, d)
	for i := range parts {
		if p := &parts[i]; !l.cache.Has(p.Key) {
			total += p.Bytes()
		}
	}
	return total, nil
}

// Measure has open open a form of the clip, and close it again, to learn its exact size. spent is called once, when all that was
// fetched for the clip has ended, which may be after Measure has returned: a caller that opens it soon goes on with the
// same downloads.
func (c *Clip) Measure(open func() error, spent func(bytes int64, calls int)) error {
	used := c.used()
	used.Take()
	defer used.Give()
	used.Report(spent)
	return open()
}

// OpenWait gives how long the service's quota will make an open wait, as far as is known without a call; 0 where the
// size is known or nothing has to be waited for.
func (c *Clip) OpenWait() time.Duration {
	if c.made() != nil || c.calls < 2 {
		return 0
	}
	if !c.mayList() {
		return c.library.wait(c.stream.Name, c.library.minutes.Likely(c.stream.Name, unlisted.Minute)*c.calls)
	}
	if d := c.details.last.get(); d != nil {
		return c.library.wait(c.stream.Name, c.library.missingHeads(d.parts).fragments)
	}
	return c.library.wait(c.stream.Name, c.fragments)
}
