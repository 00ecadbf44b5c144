package shared

import (
	"context"

	"clipfs/clip/tier"
)

// Has reports whether a payload and the record of its head are in the bucket. It asks for no byte of them, and nothing of the breaker: it
// is for callers that nobody waits for.
func (t *Tier) Has(ctx context.Context, id tier.ID) (bool, error) {
	for _, head := range []bool{true, false} {
		name, ok := nameOf(id, head)
		if !ok {
			return false, nil
		}
		if there, err := t.has(ctx, name); err != nil || !there {
			return false, err
		}
	}
	return true, nil
}
