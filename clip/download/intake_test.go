package download_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/download"
)

// leaving is a body at whose last bytes whoever wanted them is gone.
type leaving struct {
	*strings.Reader
	gone func()
}

func (l leaving) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if l.Len() == 0 && n > 0 {
		l.gone()
	}
	return n, err
}

// TestLastReaderGone: a payload that has arrived in full is kept, even if its last reader left before the download noticed that it was
// at the end. It was paid for, and is not fetched again.
func TestLastReaderGone(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c, err := cache.Open(dir, cache.Options{})
		if err != nil {
			t.Fatal(err)
		}
		const media = "all that was announced"
		s := download.NewScheduler(1, refuse)
		d := taken(t, s, archive.ForReader)
		key := cache.Key("p-last")
		entry, err := c.Acquire(key, cache.Request{Fill: func(ctx context.Context, w *cache.Writer) error {
			if err := w.Announce(int64(len(media))); err != nil {
				return err
			}
			return download.Copy(ctx, s, d, w, leaving{strings.NewReader(media), func() { s.Want("p-0", archive.ForReader, -1) }}, int64(len(media)))
		}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if !c.Has(key) {
			t.Error("all bytes have come, and the payload is not whole")
		}
		entry.Release()
		s.Leave(d)
		s.Exit(d)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}
