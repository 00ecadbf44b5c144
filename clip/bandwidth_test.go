package clip_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// TestBandwidthIsSharedAndIsNoStall: all downloads together take as long as the limit says, each of them longer than a
// body may stall and a read may go without progress, and each call is made once.
func TestBandwidthIsSharedAndIsNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := minutes()
		const perSecond, clips = heavyPart / 10, 6
		l, _ := library(t, m, clip.Options{Bandwidth: perSecond, StallTimeout: 100 * time.Millisecond, ReadTimeout: 5 * time.Second})
		begun := time.Now()
		var wg sync.WaitGroup
		var first atomic.Int64
		for i := range clips {
			wg.Go(func() {
				if _, err := readAll(t, minute(t, l, i)); err != nil {
					t.Error(err)
				}
				first.CompareAndSwap(0, int64(time.Since(begun)))
			})
		}
		wg.Wait()
		all := time.Since(begun).Seconds()
		if want := float64(m.Sent()) / perSecond; all < want-0.2 || all > want+0.2 {
			t.Errorf("%d bytes took %.2f s, want %.2f", m.Sent(), all, want)
		}
		if one := time.Duration(first.Load()).Seconds(); one < 0.9*all {
			t.Errorf("one was done after %.1f s of %.1f: the others were not served in turn", one, all)
		}
		if n, _, _ := m.Calls(); n != clips {
			t.Errorf("%d GetClip calls for %d clips", n, clips)
		}
	})
}

// TestBandwidthDoesNotKeepALongClipFromOpening: its heads take longer than a read may go without progress.
func TestBandwidthDoesNotKeepALongClipFromOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := minutes()
		o := lazy()
		o.Bandwidth, o.ReadTimeout, o.Connections = 10_000, 2*time.Second, 60
		l, _ := library(t, m, o)
		begun := time.Now()
		h, err := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Hour)).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took < 2*o.ReadTimeout {
			t.Errorf("opening took %s, so the test shows nothing", took)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
}
