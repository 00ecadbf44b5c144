package clip_test

import (
	"context"
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

// TestBandwidthServesReadersFirst: who waits to read goes before heads, those before what is fetched ahead; of one
// urgency all get the same.
func TestBandwidthServesReadersFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSecond, most = 100_000, 5_000
		b := clip.NewBandwidth(perSecond)
		var got [4]atomic.Int64
		var wg sync.WaitGroup
		begun := time.Now()
		run := func(i int, u archive.Priority, lasts time.Duration) {
			wg.Go(func() {
				for time.Since(begun) < lasts {
					if err := b.Pay(t.Context(), u, most); err != nil {
						t.Error(err)
					}
					got[i].Add(most)
				}
			})
		}
		run(0, archive.ForAhead, 30*time.Second)
		run(1, archive.ForHead, 20*time.Second)
		run(2, archive.ForReader, 10*time.Second)
		run(3, archive.ForReader, 10*time.Second)
		wg.Wait()
		for i, want := range []int64{10 * perSecond, 10 * perSecond, 5 * perSecond, 5 * perSecond} {
			if n := got[i].Load(); n < want-4*most || n > want+4*most {
				t.Errorf("%d had %d bytes, want about %d", i, n, want)
			}
		}
	})
}

// TestBandwidthLetsGo: who gives up while waiting takes nothing from others.
func TestBandwidthLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := clip.NewBandwidth(10_000)
		begun := time.Now()
		gone, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if err := b.Pay(gone, archive.ForReader, 4000); err == nil && time.Since(begun) > time.Second {
					t.Error("served although nobody wants it")
				}
			})
		}
		wg.Wait()
		if err := b.Pay(t.Context(), archive.ForReader, 4000); err != nil || time.Since(begun) > 3*time.Second {
			t.Errorf("waited %s, %v", time.Since(begun), err)
		}
		if err := clip.NewBandwidth(0).Pay(t.Context(), archive.ForReader, 1<<30); err != nil {
			t.Error(err)
		}
	})
}
