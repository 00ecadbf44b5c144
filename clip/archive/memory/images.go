package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"clipfs/clip/archive"
)

// Images gives an image for each instant: one of the fragment that started last by then, if it has not ended, else
// ErrNoFootage. Its bytes are those of Picture.
func (a *Archive) Images(ctx context.Context, q archive.ImageQuery) ([]archive.Image, error) {
	a.mu.Lock()
	a.Asked = append(a.Asked, q)
	n := len(a.Asked)
	change, takes := a.Image, a.Imaging
	recorded := slices.Clone(a.Recorded[q.Stream])
	a.mu.Unlock()
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	var images []archive.Image
	for i := range q.Count {
		image := archive.Image{At: q.Start.Add(time.Duration(i) * q.Interval), Err: archive.ErrNoFootage}
		for _, f := range recorded {
			begin := f.Time(q.Selector)
			if !begin.After(image.At) && image.At.Before(begin.Add(f.Length+lastFrame)) {
				image.JPEG, image.Err = Picture(f, image.At, q.Width), nil
			}
		}
		images = append(images, image)
	}
	if change == nil {
		return images, nil
	}
	return change(n, images)
}

// Picture is the image of a fragment at a time: a text that says so.
func Picture(f archive.Fragment, at time.Time, width int) []byte {
	return fmt.Appendf(nil, "fragment %s at %s, %d pixels wide", f.ID, at.UTC().Format(time.RFC3339Nano), width)
}
