package bandwidth_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/bandwidth"
)

// TestBandwidthServesReadersFirst: who waits to read goes before heads, those before what is fetched ahead; of one
// urgency all get the same.
func TestBandwidthServesReadersFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSecond, most = 100_000, 5_000
		b := bandwidth.New(perSecond)
		var got [4]atomic.Int64
		var wg sync.WaitGroup
		begun := time.Now()
		run := func(i int, p archive.Priority, lasts time.Duration) {
			wg.Go(func() {
				for time.Since(begun) < lasts {
					if err := b.Pay(t.Context(), archive.NewDemand(p), most); err != nil {
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
		b := bandwidth.New(10_000)
		begun := time.Now()
		gone, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if err := b.Pay(gone, archive.NewDemand(archive.ForReader), 4000); err == nil && time.Since(begun) > time.Second {
					t.Error("served although nobody wants it")
				}
			})
		}
		wg.Wait()
		if err := b.Pay(t.Context(), archive.NewDemand(archive.ForReader), 4000); err != nil || time.Since(begun) > 3*time.Second {
			t.Errorf("waited %s, %v", time.Since(begun), err)
		}
		if err := bandwidth.New(0).Pay(t.Context(), archive.NewDemand(archive.ForReader), 1<<30); err != nil {
			t.Error(err)
		}
	})
}
