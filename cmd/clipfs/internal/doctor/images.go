package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

// imagesName is the check of the action that makes stills.
const imagesName = "GetImages"

// checkImages asks for one image, unless stills are off: of the fragment's beginning, or of a minute ago where it is not known what
// there is.
func (d *doctor) checkImages(ctx context.Context, service *kvs.Archive, c chosen) {
	if !d.cfg.Stills {
		return
	}
	at := time.Now().Add(-tryAge)
	if c.fragment != nil {
		at = c.fragment.Time(d.cfg.Selector)
	}
	d.check(ctx, imagesName, func(ctx context.Context) (string, error) {
		images, err := service.Images(ctx, archive.ImageQuery{
			Stream: c.stream.Name, Selector: d.cfg.Selector, Start: at, Interval: archive.MinImageInterval, Count: 1, Width: d.cfg.StillWidth,
		})
		if err != nil && !errors.Is(err, archive.ErrNoFootage) {
			return "", ailing(err, adviceOn(err, imagesName)+"; or do without stills (--stills off)")
		}
		for _, image := range images {
			switch {
			case image.JPEG != nil:
				d.images.Add(1)
				return fmt.Sprintf("permitted: a picture of %s, %d bytes", image.At.UTC().Format(time.RFC3339), len(image.JPEG)), nil
			case errors.Is(image.Err, archive.ErrNoImage):
				return "", ailing(fmt.Errorf("%s at %s: %w", c.stream.Name, image.At.UTC().Format(time.RFC3339), image.Err),
					"send H.264 or H.265; or do without stills (--stills off)")
			}
		}
		return fmt.Sprintf("permitted; there is no picture of %s", at.UTC().Format(time.RFC3339)), nil
	})
}
