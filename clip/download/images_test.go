package download_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/download"
	"clipfs/clip/meter"
)

// imaging gives a downloader of an archive that has recorded a minute, and a query for images of it.
func imaging(t *testing.T, o download.Options) (*download.Downloader, *memory.Archive, archive.ImageQuery) {
	t.Helper()
	m := memory.New()
	m.Record("cam", memory.Base(), 30, 2*time.Second)
	c, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	o.Logger, o.Heads, o.Connections = slog.New(slog.DiscardHandler), c, 1
	o.ReadTimeout, o.StallTimeout, o.MeterDir = time.Minute, 10*time.Second, t.TempDir()
	return download.New(m, c, o), m, archive.ImageQuery{Stream: "cam", Start: memory.Base(), Interval: time.Second, Count: 10}
}

// sizeOf is how many bytes images have together.
func sizeOf(images []archive.Image) (n int64) {
	for _, image := range images {
		n += int64(len(image.JPEG))
	}
	return n
}

// TestImagesAreCounted: images count as fetched, those that are none do not, and past the limit no call is made.
func TestImagesAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := meter.Limit{Bytes: 10, Per: meter.PerHour}
		d, m, q := imaging(t, download.Options{Limit: limit})
		q.Start = q.Start.Add(55 * time.Second) // where recording ends after half of them
		images, err := d.Images(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		bytes := sizeOf(images)
		if s := d.Stats(); len(images) != 10 || s.Fetched != bytes || s.Images != 5 {
			t.Errorf("%d images, %+v, want 10, and %d bytes in 5 of them", len(images), s, bytes)
		}
		if f := d.Fetched(); f.Hour != bytes || f.Day != bytes || f.HourImages != 5 || f.MonthImages != 5 || f.Resumes.IsZero() {
			t.Errorf("fetched %+v, want 5 images of %d bytes, and the limit reached", f, bytes)
		}
		if _, err := d.Images(t.Context(), q); !errors.Is(err, archive.ErrFetchLimit) {
			t.Errorf("past the limit: got %v", err)
		}
		if n := len(m.Asked); n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
		time.Sleep(time.Hour)
		if _, err := d.Images(t.Context(), q); err != nil {
			t.Errorf("in the next hour: %v", err)
		}
	})
}

// TestImagesPayForBandwidth: images take the time that their bytes have to.
func TestImagesPayForBandwidth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, m, q := imaging(t, download.Options{Bandwidth: 20_000})
		const size = 10_000
		m.Image = func(_ int, images []archive.Image) ([]archive.Image, error) {
			for i := range images {
				images[i].JPEG = make([]byte, size)
			}
			return images, nil
		}
		begun := time.Now()
		if _, err := d.Images(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("%d bytes took %s at 20 kB/s, want about 5s", 10*size, took)
		}
	})
}

func TestImagesTimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, m, q := imaging(t, download.Options{})
		m.Imaging = time.Hour
		begun := time.Now()
		_, err := d.Images(t.Context(), q)
		if !errors.Is(err, archive.ErrUnreachable) || time.Since(begun) != time.Minute {
			t.Errorf("got %v after %s, want an ErrUnreachable after a minute", err, time.Since(begun))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := d.Images(ctx, q); !errors.Is(err, context.Canceled) {
			t.Errorf("of a caller that left: %v", err)
		}
	})
}
