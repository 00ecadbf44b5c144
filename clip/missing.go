package clip

import "context"

// Missing tells how many bytes reading all of the clip would fetch: what is not in the cache of its parts, as the
// archive stores them, so it is an estimate. It fetches no media; at most it lists again of which fragments the clip is.
func (c *Clip) Missing(ctx context.Context) (int64, error) {
	l := c.library
	total := int64(0)
	if made := c.made(); made != nil {
		for i := range made.parts {
			if f := made.parts[i].fetch; !l.cache.Has(f.key) {
				total += f.stored.bytes
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
	for _, p := range d.parts {
		total += l.missingOf(ctx, c.stream.Name, p)
	}
	return total, nil
}

// missingOf gives what is missing of a part that was planned, which may be known to take more than one call.
func (l *Library) missingOf(ctx context.Context, stream StreamName, p part) int64 {
	if p.key == "" {
		p.key = l.partKey(stream, p.fragments)
	}
	if l.cache.Has(p.key) {
		return 0
	}
	got, ok := l.heads.stored(ctx, p.key)
	if !ok || got.split <= 0 || got.split >= len(p.fragments) {
		return p.bytes()
	}
	first, second := p.halves(got.split)
	return l.missingOf(ctx, stream, first) + l.missingOf(ctx, stream, second)
}
