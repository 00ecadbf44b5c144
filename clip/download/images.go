package download

import (
	"context"
	"fmt"
	"time"

	"clipfs/clip/archive"
)

// Images makes one GetImages call. Its images count as fetched, and pay for their bandwidth, as bodies of payloads do; as they
// come all at once, a call exceeds the limit on bytes by all that it brings. It fails after ReadTimeout.
func (d *Downloader) Images(ctx context.Context, q archive.ImageQuery) ([]archive.Image, error) {
	if _, err := d.meter.Left(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(d.options.ReadTimeout, func() {
		// An archive explains a deadline by its last failure.
		cancel(fmt.Errorf("no answer for %s: %w", d.options.ReadTimeout, context.DeadlineExceeded))
	})
	images, err := d.service.Images(ctx, q)
	silent.Stop()
	if err != nil {
		return nil, fetchError(err)
	}
	d.meter.Begin()
	defer d.meter.End()
	bytes, count := 0, 0
	for _, image := range images {
		if image.JPEG != nil {
			bytes, count = bytes+len(image.JPEG), count+1
		}
	}
	d.counts.fetched.Add(int64(bytes))
	d.counts.images.Add(int64(count))
	d.meter.Count(int64(bytes), int64(count))
	for bytes > 0 {
		n := d.bandwidth.Most(bytes)
		if err := d.bandwidth.Pay(ctx, nil, n); err != nil {
			return nil, err
		}
		bytes -= n
	}
	return images, nil
}
