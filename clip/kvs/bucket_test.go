package kvs_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

// queue is a pacer at which the tests let calls wait.
type queue struct {
	t     *testing.T
	pacer *kvs.Pacer
	wg    sync.WaitGroup

	// mu guards what follows.
	mu     sync.Mutex
	served []string
	points map[archive.Priority]int
}

// newQueue gives a queue at a full bucket. Calls that wait at the end of the test end with its context.
func newQueue(t *testing.T) *queue {
	t.Helper()
	pacer, err := kvs.NewPacer(kvs.Points{})
	if err != nil {
		t.Fatal(err)
	}
	q := &queue{t: t, pacer: pacer, points: make(map[archive.Priority]int)}
	t.Cleanup(q.wg.Wait)
	return q
}

// as gives a demand that stays.
func as(u archive.Priority) *archive.Demand { return archive.NewDemand(u) }

// empty takes what the bucket has.
func (q *queue) empty() {
	q.t.Helper()
	if err := q.pacer.Take(q.t.Context(), "door", 500); err != nil {
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
		if err := q.pacer.TakeAs(ctx, "door", points, demand); err != nil {
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
			for q.pacer.TakeAs(q.t.Context(), "door", points, as(u)) == nil {
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

func TestPaceOrder(t *testing.T) {
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

// TestPaceReaderHasAllPoints: a reader has what others had been waiting for, and waits for nobody's points but its own.
func TestPaceReaderHasAllPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t)
		q.empty()
		for range 20 {
			q.wait("head", 200, as(archive.ForHead))
		}
		time.Sleep(300 * time.Millisecond) // 150 points
		got := elapsed(func() {
			if err := q.pacer.Take(t.Context(), "door", 200); err != nil {
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

// TestPaceOpensWhileAllIsRead: readers who use all of the quota let others open clips, after a while.
func TestPaceOpensWhileAllIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t)
		q.empty()
		ctx, stop := context.WithCancel(t.Context())
		for range 8 {
			q.wg.Go(func() {
				for q.pacer.TakeAs(ctx, "door", 30, as(archive.ForReader)) == nil {
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

// TestPaceNobodyOvertakes: a call of many points does not wait for ever behind smaller ones.
func TestPaceNobodyOvertakes(t *testing.T) {
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

func TestPaceUpgrade(t *testing.T) {
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

// TestPaceShares: what a second of each urgency has in the long run, after the bucket's first second.
func TestPaceShares(t *testing.T) {
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

// TestPaceIdleReaders: what readers leave heads take, but never more than half.
func TestPaceIdleReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t)
		q.busy(4, 50, archive.ForHead)
		synctest.Wait() // they have the first second's points but for the fifth that is left to others
		for range 20 {  // 100 points a second
			if err := q.pacer.Take(t.Context(), "door", 50); err != nil {
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

// TestPaceWhileOthersAreSeen: heads leave half the rate for a minute after somebody else was seen to read the stream, and
// what an open is told to expect is what it gets.
func TestPaceWhileOthersAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t)
		q.busy(8, 50, archive.ForHead)
		// over gives the points a second of some time, and checks what was said before.
		over := func(what string, d time.Duration, want float64) {
			t.Helper()
			before := q.taken(archive.ForHead)
			_, told := q.pacer.Opening("door")
			time.Sleep(d)
			if got := float64(q.taken(archive.ForHead)-before) / d.Seconds(); math.Abs(got-want) > 12 || math.Abs(told-want) > 1 {
				t.Errorf("%s: heads had %g points a second and were told %g, want %g", what, got, told, want)
			}
		}
		time.Sleep(time.Second)
		over("alone", 10*time.Second, 500)
		if err := q.pacer.Take(t.Context(), "door", 1); err != nil {
			t.Fatal(err)
		}
		over("after a reader was seen", 55*time.Second, 250)
		time.Sleep(6 * time.Second)
		over("a minute later", 10*time.Second, 500)
	})
}

// TestPaceAfterARefusal: others elsewhere are seen by what the service refuses.
func TestPaceAfterARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t)
		q.busy(8, 50, archive.ForHead)
		time.Sleep(time.Second)
		q.pacer.Slow("door")
		time.Sleep(15 * time.Second) // the rate is back at nine tenths, and goes up
		before := q.taken(archive.ForHead)
		time.Sleep(5 * time.Second)
		if got := float64(q.taken(archive.ForHead)-before) / 5; got < 450 {
			t.Errorf("after one refusal heads had %g points a second, want most of the rate", got)
		}
		q.pacer.Slow("door")
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

// TestPaceBurst: the heads of a clip of ten minutes go out at once, and a fifth of what there is stays.
func TestPaceBurst(t *testing.T) {
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

func TestPaceCancelled(t *testing.T) {
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
		if err := q.pacer.Take(done, "door", 1); !errors.Is(err, context.Canceled) {
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

// TestPaceDeadlines: a deadline that even a reader alone cannot keep is refused at once; one that a queue breaks is not.
func TestPaceDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t)
		q.empty()
		take := func(points int, timeout time.Duration, u archive.Priority) (took time.Duration, err error) {
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			took = elapsed(func() { err = q.pacer.TakeAs(ctx, "door", points, as(u)) })
			return took, err
		}
		if took, err := take(200, 300*time.Millisecond, archive.ForReader); !errors.Is(err, archive.ErrThrottled) || took != 0 {
			t.Errorf("too soon: got %v after %s, want ErrThrottled at once", err, took)
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

// TestPaceRefusal: a refusal takes what those who wait were about to have, and halves the rate.
func TestPaceRefusal(t *testing.T) {
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
				q.pacer.Slow("door")
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

// TestPayloadTellsOfRefusals: the caller is told of each refusal.
func TestPayloadTellsOfRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.answers["/getClip"] = func(w http.ResponseWriter, _ request, n int) {
			switch {
			case n <= 2:
				throttle(w)
			case n == 3:
				fail(w, http.StatusInternalServerError, "InternalFailure", "oops")
			default:
				clipBody(w, "media")
			}
		}
		a := newArchive(t, config(s), kvs.Options{})
		refused := 0
		p, err := a.Payload(t.Context(), archive.PayloadQuery{
			Stream: "door", Span: archive.NewSpan(start(), time.Minute), Fragments: 10,
			Refused: func() { refused++ },
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Body.Close(); err != nil {
			t.Error(err)
		}
		if refused != 2 {
			t.Errorf("told of %d refusals, want 2", refused)
		}
	})
}

// TestAttemptsHaveTheCurrentPriority: a call that is made again has the priority that its payload has by then.
func TestAttemptsHaveTheCurrentPriority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, demand := newService(), as(archive.ForAhead)
		s.answers["/getClip"] = func(w http.ResponseWriter, _ request, n int) {
			if n > 1 {
				clipBody(w, "media")
				return
			}
			time.Sleep(time.Second) // until others wait
			demand.Store(archive.ForReader)
			fail(w, http.StatusInternalServerError, "InternalFailure", "oops")
		}
		a := newArchive(t, config(s), kvs.Options{})
		get := func(points int, demand *archive.Demand) {
			p, err := a.Payload(t.Context(), archive.PayloadQuery{
				Stream: "door", Span: archive.NewSpan(start(), time.Minute), Fragments: points, Priority: demand,
			})
			if err != nil {
				t.Error(err)
				return
			}
			_ = p.Body.Close()
		}
		var wg sync.WaitGroup
		defer wg.Wait()
		for range 10 { // of 500 points a second
			wg.Go(func() {
				time.Sleep(time.Millisecond)
				get(500, as(archive.ForHead))
			})
		}
		if took := elapsed(func() { get(10, demand) }); took > 5*time.Second {
			t.Errorf("took %s behind calls of lower priority", took)
		}
	})
}

// TestPayloadsByUrgency: archive calls take their turn by urgency.
func TestPayloadsByUrgency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.answers["/getClip"] = func(w http.ResponseWriter, _ request, _ int) { clipBody(w, "media") }
		a := newArchive(t, config(s), kvs.Options{})
		var mu sync.Mutex
		var served []archive.Priority
		var wg sync.WaitGroup
		get := func(u archive.Priority) {
			wg.Go(func() {
				points := 200
				if u == archive.ForAhead {
					points = 300 // so many that it is not served in one moment with the head
				}
				p, err := a.Payload(t.Context(), archive.PayloadQuery{
					Stream: "door", Span: archive.NewSpan(start(), time.Minute), Fragments: points, Priority: as(u),
				})
				if err != nil {
					t.Error(err)
					return
				}
				if err := p.Body.Close(); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				served = append(served, u)
			})
			synctest.Wait()
		}
		for _, u := range []archive.Priority{archive.ForReader, archive.ForReader, archive.ForAhead, archive.ForHead, archive.ForReader} {
			get(u)
		}
		wg.Wait()
		want := []archive.Priority{archive.ForReader, archive.ForReader, archive.ForReader, archive.ForHead, archive.ForAhead}
		if !slices.Equal(served, want) {
			t.Errorf("served %v, want %v", served, want)
		}
	})
}
