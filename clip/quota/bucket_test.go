package quota_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/quota"
)

// queue is a bucket at which the tests let calls wait.
type queue struct {
	t      *testing.T
	bucket *quota.Bucket
	wg     sync.WaitGroup

	// mu guards what follows.
	mu     sync.Mutex
	served []string
	points map[archive.Priority]int
}

// newQueue gives a queue at a full bucket. Calls that wait at the end of the test end with its context.
func newQueue(t *testing.T) *queue {
	t.Helper()
	q := &queue{t: t, bucket: quota.New(500), points: make(map[archive.Priority]int)}
	t.Cleanup(q.wg.Wait)
	return q
}

// as gives a demand that stays.
func as(u archive.Priority) *archive.Demand { return archive.NewDemand(u) }

// elapsed gives how long the bubble's clock ran during f.
func elapsed(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

// about tells whether got is want, give or take a hundredth.
func about(got, want time.Duration) bool {
	return math.Abs(float64(got-want)) <= float64(want)/100+float64(time.Millisecond)
}

// empty takes what the bucket has.
func (q *queue) empty() {
	q.t.Helper()
	if err := q.bucket.Take(q.t.Context(), 500, nil); err != nil {
		q.t.Fatal(err)
	}
}

// wait lets a call wait and notes when it was served.
func (q *queue) wait(name string, points int, demand *archive.Demand) {
	q.waitUnder(q.t.Context(), name, points, demand)
	synctest.Wait() // it stands in the queue before the next one comes
}

// waitUnder is wait with a context.
func (q *queue) waitUnder(ctx context.Context, name string, points int, demand *archive.Demand) {
	q.wg.Go(func() {
		if err := q.bucket.Take(ctx, points, demand); err != nil {
			return
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		q.served = append(q.served, name)
	})
}

// busy has so many callers of one urgency take points one time after the other.
func (q *queue) busy(callers, points int, u archive.Priority) {
	for range callers {
		q.wg.Go(func() {
			for q.bucket.Take(q.t.Context(), points, as(u)) == nil {
				q.mu.Lock()
				q.points[u] += points
				q.mu.Unlock()
			}
		})
	}
}

// taken gives the points that busy callers had so far.
func (q *queue) taken(u archive.Priority) int {
	synctest.Wait()
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.points[u]
}

// order gives who was served so far.
func (q *queue) order() []string {
	synctest.Wait()
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.served)
}

func TestBucketOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t)
		q.empty()
		q.wait("ahead 1", 300, as(archive.ForAhead))
		q.wait("head 1", 200, as(archive.ForHead))
		q.wait("ahead 2", 300, as(archive.ForAhead)) // so many that they are not served in one moment
		q.wait("reader 1", 100, as(archive.ForReader))
		q.wait("head 2", 50, as(archive.ForHead))
		q.wait("reader 2", 50, nil)
		time.Sleep(10 * time.Second)
		want := []string{"reader 1", "reader 2", "head 1", "head 2", "ahead 1", "ahead 2"}
		if got := q.order(); !slices.Equal(got, want) {
			t.Errorf("served %q, want %q", got, want)
		}
	})
}

// TestBucketReaderHasAllPoints: a reader has what others had been waiting for, and waits for nobody's points but its own.
func TestBucketReaderHasAllPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t)
		q.empty()
		for range 20 {
			q.wait("head", 200, as(archive.ForHead))
		}
		time.Sleep(300 * time.Millisecond) // 150 points
		got := elapsed(func() {
			if err := q.bucket.Take(t.Context(), 200, nil); err != nil {
				t.Error(err)
			}
		})
		if want := 100 * time.Millisecond; !about(got, want) {
			t.Errorf("the reader waited %s, want %s", got, want)
		}
		if got := q.order(); len(got) != 0 {
			t.Errorf("served before it: %q", got)
		}
	})
}

// TestBucketOpensWhileAllIsRead: readers who use all of the quota let others open clips, after a while.
func TestBucketOpensWhileAllIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t)
		q.empty()
		ctx, stop := context.WithCancel(t.Context())
		for range 8 {
			q.wg.Go(func() {
				for q.bucket.Take(ctx, 30, as(archive.ForReader)) == nil {
				}
			})
		}
		for range 20 {
			q.wait("head", 30, as(archive.ForHead))
		}
		time.Sleep(1900 * time.Millisecond)
		if got := len(q.order()); got != 0 {
			t.Errorf("%d heads before their time", got)
		}
		// Each takes three readers' calls with it: 120 points, of 500 a second.
		time.Sleep(100*time.Millisecond + 20*240*time.Millisecond + 500*time.Millisecond)
		if got := len(q.order()); got != 20 {
			t.Errorf("%d heads of 20", got)
		}
		stop()
	})
}

// TestBucketNobodyOvertakes: a call of many points does not wait for ever behind smaller ones.
func TestBucketNobodyOvertakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t)
		q.empty()
		q.busy(10, 20, archive.ForReader)
		time.Sleep(time.Second)
		q.wait("large", 2000, nil) // four times what the bucket holds
		if got := elapsed(func() {
			for len(q.order()) == 0 {
				time.Sleep(10 * time.Millisecond)
			}
		}); got < 4*time.Second || got > 4500*time.Millisecond {
			t.Errorf("2000 points took %s beside small calls, want a little more than 4s", got)
		}
	})
}

func TestBucketUpgrade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t)
		q.empty()
		demand := as(archive.ForAhead)
		for range 5 {
			q.wait("head", 100, as(archive.ForHead))
		}
		q.wait("upgraded", 100, demand)
		time.Sleep(410 * time.Millisecond) // one head at half the rate
		if got, want := q.order(), []string{"head"}; !slices.Equal(got, want) {
			t.Fatalf("served %q, want %q", got, want)
		}
		// By now the bucket has points for a reader, of which no other may take one.
		demand.Store(archive.ForReader)
		if got, want := q.order(), []string{"head", "upgraded"}; !slices.Equal(got, want) {
			t.Errorf("served %q, want %q", got, want)
		}
	})
}

// TestBucketShares: what a second of each urgency has in the long run, after the bucket's first second.
func TestBucketShares(t *testing.T) {
	const callers, points, seconds = 8, 50, 10
	for _, tc := range []struct {
		name string
		busy []archive.Priority
		want map[archive.Priority]float64
	}{
		{"readers have the full rate", []archive.Priority{archive.ForReader}, map[archive.Priority]float64{archive.ForReader: 500}},
		{"heads have the full rate while nobody else is seen", []archive.Priority{archive.ForHead}, map[archive.Priority]float64{archive.ForHead: 500}},
		{"prefetch has the full rate", []archive.Priority{archive.ForAhead}, map[archive.Priority]float64{archive.ForAhead: 500}},
		{"heads have half, and prefetch waits for them", []archive.Priority{archive.ForAhead, archive.ForHead},
			map[archive.Priority]float64{archive.ForHead: 250, archive.ForAhead: 0}},
		{"readers who take all leave heads a quarter", []archive.Priority{archive.ForHead, archive.ForAhead, archive.ForReader},
			map[archive.Priority]float64{archive.ForReader: 375, archive.ForHead: 125, archive.ForAhead: 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(t)
				for _, u := range tc.busy {
					q.busy(callers, points, u)
				}
				time.Sleep(3 * time.Second)
				before := map[archive.Priority]int{}
				for u := range tc.want {
					before[u] = q.taken(u)
				}
				time.Sleep(seconds * time.Second)
				for u, want := range tc.want {
					got := float64(q.taken(u)-before[u]) / seconds
					if math.Abs(got-want) > points/seconds+0.01 {
						t.Errorf("urgency %d had %g points a second, want %g", u, got, want)
					}
				}
			})
		})
	}
}

// TestBucketIdleReaders: what readers leave heads take, but never more than half.
func TestBucketIdleReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t)
		q.busy(4, 50, archive.ForHead)
		synctest.Wait() // they have the first second's points but for the fifth that is left to others
		for range 20 {  // 100 points a second
			if err := q.bucket.Take(t.Context(), 50, nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(500 * time.Millisecond)
		}
		time.Sleep(time.Millisecond) // for those who are served in the very moment that is looked at
		if got, want := q.taken(archive.ForHead), 400+50+10*250; got != want {
			t.Errorf("heads had %d points in 10 s, want what the first reader left of the first second and half of the rest: %d", got, want)
		}
	})
}

// TestBucketWhileOthersAreSeen: heads leave half the rate for a minute after somebody else was seen to read the stream, and
// what an open is told to expect is what it gets.
func TestBucketWhileOthersAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t)
		q.busy(8, 50, archive.ForHead)
		// over gives the points a second of some time, and checks what was said before.
		over := func(what string, d time.Duration, want float64) {
			t.Helper()
			before := q.taken(archive.ForHead)
			_, told := q.bucket.Opening()
			time.Sleep(d)
			if got := float64(q.taken(archive.ForHead)-before) / d.Seconds(); math.Abs(got-want) > 12 || math.Abs(told-want) > 1 {
				t.Errorf("%s: heads had %g points a second and were told %g, want %g", what, got, told, want)
			}
		}
		time.Sleep(time.Second)
		over("alone", 10*time.Second, 500)
		if err := q.bucket.Take(t.Context(), 1, nil); err != nil {
			t.Fatal(err)
		}
		over("after a reader was seen", 55*time.Second, 250)
		time.Sleep(6 * time.Second)
		over("a minute later", 10*time.Second, 500)
	})
}

// TestBucketAfterARefusal: others elsewhere are seen by what the service refuses.
func TestBucketAfterARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t)
		q.busy(8, 50, archive.ForHead)
		time.Sleep(time.Second)
		q.bucket.Slow()
		time.Sleep(15 * time.Second) // the rate is back at nine tenths, and goes up
		before := q.taken(archive.ForHead)
		time.Sleep(5 * time.Second)
		if got := float64(q.taken(archive.ForHead)-before) / 5; got < 450 {
			t.Errorf("after one refusal heads had %g points a second, want most of the rate", got)
		}
		q.bucket.Slow()
		time.Sleep(20 * time.Second)
		before = q.taken(archive.ForHead)
		time.Sleep(20 * time.Second)
		if got := float64(q.taken(archive.ForHead)-before) / 20; math.Abs(got-250) > 5 {
			t.Errorf("heads had %g points a second, want 250", got)
		}
		time.Sleep(30 * time.Second)
		before = q.taken(archive.ForHead)
		time.Sleep(10 * time.Second)
		if got := float64(q.taken(archive.ForHead)-before) / 10; got < 450 {
			t.Errorf("a minute later heads had %g points a second, want the full rate", got)
		}
	})
}

// TestBucketBurst: the heads of a clip of ten minutes go out at once, and a fifth of what there is stays.
func TestBucketBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t)
		for range 11 {
			q.wait("head", 50, as(archive.ForHead))
		}
		if got := len(q.order()); got != 8 {
			t.Errorf("%d heads of 50 points at once, want 8", got)
		}
		time.Sleep(100 * time.Millisecond)
		if got := len(q.order()); got != 9 {
			t.Errorf("%d heads after 100 ms, want 9", got)
		}
	})
}

func TestBucketCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t)
		q.empty()
		ctx, cancel := context.WithCancel(t.Context())
		q.waitUnder(ctx, "gone", 2000, nil)
		synctest.Wait()
		q.wait("next", 100, nil)
		time.Sleep(300 * time.Millisecond)
		if got := q.order(); len(got) != 0 {
			t.Fatalf("served %q, want none to overtake", got)
		}
		cancel()
		if got, want := q.order(), []string{"next"}; !slices.Equal(got, want) {
			t.Errorf("served %q at once after who was first had gone, want %q", got, want)
		}
		done, stop := context.WithCancel(t.Context())
		stop()
		if err := q.bucket.Take(done, 1, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want Canceled", err)
		}
		// What the one who left did not take is there: 150 - 100 points, and no more than a bucketful later.
		time.Sleep(time.Minute)
		if got := elapsed(func() {
			for range 3 {
				q.empty()
			}
		}); !about(got, 2*time.Second) {
			t.Errorf("three bucketfuls took %s, want 2s", got)
		}
	})
}

// TestBucketDeadlines: a deadline that even a reader alone cannot keep is refused at once; one that a queue breaks is not.
func TestBucketDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t)
		q.empty()
		take := func(points int, timeout time.Duration, u archive.Priority) (took time.Duration, err error) {
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			took = elapsed(func() { err = q.bucket.Take(ctx, points, as(u)) })
			return took, err
		}
		if took, err := take(200, 300*time.Millisecond, archive.ForReader); !errors.Is(err, quota.ErrLate) || took != 0 {
			t.Errorf("too soon: got %v after %s, want ErrLate at once", err, took)
		}
		if took, err := take(200, 401*time.Millisecond, archive.ForReader); err != nil || !about(took, 400*time.Millisecond) {
			t.Errorf("just in time: got %v after %s", err, took)
		}
		q.busy(1, 200, archive.ForReader)
		synctest.Wait()
		if took, err := take(200, 500*time.Millisecond, archive.ForHead); !errors.Is(err, context.DeadlineExceeded) || took != 500*time.Millisecond {
			t.Errorf("behind readers: got %v after %s, want the deadline's own end", err, took)
		}
	})
}

// TestBucketRefusal: a refusal takes what those who wait were about to have, and halves the rate.
func TestBucketRefusal(t *testing.T) {
	for _, tc := range []struct {
		name string
		u    archive.Priority
		want time.Duration
	}{
		{"reader", archive.ForReader, 745 * time.Millisecond}, // 200 = 500 (t/2 + t²/20)
		{"head", archive.ForHead, 1083 * time.Millisecond},    // 300, of which it leaves a hundred
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(t)
				q.empty()
				time.Sleep(390 * time.Millisecond)
				q.wait(tc.name, 200, as(tc.u))
				q.bucket.Slow()
				if got := elapsed(func() {
					for len(q.order()) == 0 {
						time.Sleep(time.Millisecond)
					}
				}); !about(got, tc.want) {
					t.Errorf("took %s after the refusal, want %s", got, tc.want)
				}
			})
		})
	}
}
