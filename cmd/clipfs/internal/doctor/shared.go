package doctor

import (
	"context"
	"fmt"
	"time"

	"clipfs/clip/shared"
)

const sharedAdvice = "look at --shared-endpoint-url, --shared-region, --shared-path-style and the network; clipfs shared policy prints the permissions that it takes"

// checkShared asks the shared cache, if there is one, for an object that there never is, as a mount does. It writes nothing.
func (d *doctor) checkShared(ctx context.Context) {
	if !d.cfg.Shared.Wanted() {
		return
	}
	d.check(ctx, "shared cache", func(ctx context.Context) (string, error) {
		b, key, err := d.cfg.OpenBucket(ctx, d.logger)
		if err != nil {
			return "", ailing(err, sharedAdvice)
		}
		tier := shared.Open(b, shared.Options{Prefix: d.cfg.Shared.Place.Prefix, Key: key})
		defer tier.Close()
		begun := time.Now()
		if err := tier.Probe(ctx); err != nil {
			return "", ailing(err, sharedAdvice)
		}
		trust := "whoever can write to it is trusted (no --shared-key-file)"
		if id := key.ID(); id != "" {
			trust = "key " + id
		}
		return fmt.Sprintf("%s answers in %s; %s; hosts share that have --part %s and --gap %s too", d.cfg.Shared.Place, time.Since(begun).Round(time.Millisecond),
			trust, d.cfg.Part, d.cfg.Gap), nil
	})
}
