package images

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
)

// encode codes a raw picture.
func (o Options) encode(raw *image.YCbCr) ([]byte, error) {
	var out bytes.Buffer
	if o.Format == PNG {
		rgb := image.NewRGBA(raw.Rect)
		draw.Draw(rgb, rgb.Rect, raw, raw.Rect.Min, draw.Src)
		if err := png.Encode(&out, rgb); err != nil {
			return nil, fmt.Errorf("picture: %w", err)
		}
		return out.Bytes(), nil
	}
	if err := jpeg.Encode(&out, raw, &jpeg.Options{Quality: cmp.Or(o.Quality, DefaultQuality)}); err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	return out.Bytes(), nil
}
