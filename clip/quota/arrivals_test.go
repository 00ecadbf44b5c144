package quota_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/quota"
)

// service gives what takes up a call as a service does that counts points from now on, so many a second. None may find too few.
func service(t *testing.T, late time.Duration, rate, cost float64) (arrive func()) {
	var mu sync.Mutex
	points, filled := rate, time.Now()
	return func() {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		points, filled = min(rate, points+rate*now.Sub(filled).Seconds()), now
		if points -= cost; points < -1e-3 {
			t.Errorf("with first calls %s late: a call is refused, %g points are there", late, points+cost)
		}
	}
}

// TestArrivals: a long listing in several calls at once leaves as few points unused as the delay of its first calls allows, and the service, which
// gets points only from when it was first asked, refuses none.
func TestArrivals(t *testing.T) {
	const workers, calls, cost, rate = 8, 45, 1000.0, 10_000.0
	const latency = 300 * time.Millisecond
	for _, test := range []struct{ late, want time.Duration }{
		{0, 3850 * time.Millisecond}, // the points beyond the burst, a twentieth of a second, and an answer
		{50 * time.Millisecond, 3900 * time.Millisecond},
		{150 * time.Millisecond, 4000 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			p, err := quota.NewPacer(quota.Points{})
			if err != nil {
				t.Fatal(err)
			}
			key := quota.Key{Stream: "door", Quota: quota.Metadata}
			arrive := service(t, test.late, rate, cost)
			var made atomic.Int64
			var wg sync.WaitGroup
			got := elapsed(func() {
				for range workers {
					wg.Go(func() {
						for n := made.Add(1); n <= calls; n = made.Add(1) {
							if err := p.Take(t.Context(), key, cost, nil); err != nil {
								t.Error(err)
							}
							sent := time.Now()
							if n <= workers {
								time.Sleep(test.late) // it connects
							}
							arrive()
							time.Sleep(latency)
							p.Answered(key, sent)
						}
					})
				}
				wg.Wait()
			})
			if !about(got, test.want) {
				t.Errorf("with first calls %s late: %s, want %s", test.late, got, test.want)
			}
		})
	}
}

// TestArrivalsOfHeads: the heads of an hour leave a fifth of a second's points until answers tell that the first of them was not late, and the
// service, which gets points only from when it was first asked, refuses none.
func TestArrivalsOfHeads(t *testing.T) {
	const calls, cost, rate = 60, 30, 500.0
	const latency = 300 * time.Millisecond
	for _, test := range []struct{ late, want time.Duration }{
		{0, 2960 * time.Millisecond}, // the points beyond the burst, a twentieth of a second, and an answer
		{50 * time.Millisecond, 3 * time.Second},
		{150 * time.Millisecond, 3100 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := quota.New(rate)
			arrive := service(t, test.late, rate, cost)
			begun := time.Now()
			got := elapsed(func() {
				var wg sync.WaitGroup
				for range calls {
					wg.Go(func() {
						if err := b.Take(t.Context(), cost, as(archive.ForHead)); err != nil {
							t.Error(err)
						}
						sent := time.Now()
						time.Sleep(max(0, test.late-sent.Sub(begun))) // it connects
						arrive()
						time.Sleep(latency)
						b.Answered(sent)
					})
				}
				wg.Wait()
			})
			if !about(got, test.want) {
				t.Errorf("with first calls %s late: %s, want %s", test.late, got, test.want)
			}
		})
	}
}
