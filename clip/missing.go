package clip

import "context"

// Missing tells how many bytes reading all of the clip would fetch: what is not in the cache of its parts, as the
// archive stores them, so it is an estimate. It fetches no media; at most it lists again of which fragments the clip is.
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
		return c.unlistedMissing(ctx), nil
	}
	d, err := c.detail(ctx)
	if err != nil {
		return 0, err
	}
	parts, _ := l.served(ctx, c.stream.Name, d)
	for i := range parts {
		if p := &parts[i]; !l.cache.Has(p.Key) {
			total += p.Bytes()
		}
	}
	return total, nil
}
