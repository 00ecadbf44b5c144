package kvs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
	"clipfs/clip/quota"
)

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

func TestPace(t *testing.T) {
	for _, tc := range []struct {
		name  string
		media float64
		takes []int
		want  time.Duration
	}{
		{"a second's worth at once", 0, []int{200, 200, 100}, 0},
		{"then 500 a second", 0, []int{500, 200, 200, 100}, time.Second},
		{"more than a bucket holds", 0, []int{500, 2000}, 4 * time.Second},
		{"half the quota", 250, []int{250, 250, 250}, 2 * time.Second},
		{"a call costs something", 1, []int{0, 0, 0}, 2 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, err := kvs.NewPacer(quota.Points{Media: tc.media})
				if err != nil {
					t.Fatal(err)
				}
				got := elapsed(func() {
					for _, n := range tc.takes {
						if err := p.Take(t.Context(), "door", n); err != nil {
							t.Fatal(err)
						}
					}
				})
				if !about(got, tc.want) {
					t.Errorf("took %s, want %s", got, tc.want)
				}
			})
		})
	}
}

func TestPaceIsByStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := kvs.NewPacer(quota.Points{})
		if err != nil {
			t.Fatal(err)
		}
		p.Slow("door")
		got := elapsed(func() {
			for i := range 20 {
				if err := p.Take(t.Context(), archive.StreamName(fmt.Sprint("s", i)), 500); err != nil {
					t.Fatal(err)
				}
			}
		})
		if got != 0 {
			t.Errorf("took %s, want nothing: each stream has its own quota", got)
		}
	})
}

func TestPaceSlowsAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := kvs.NewPacer(quota.Points{})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Slow("door"); got != 0.5 {
			t.Errorf("share: got %g, want a half", got)
		}
		if got := p.Slow("door"); got != 0.5 {
			t.Errorf("share: got %g, want a refusal of the same moment not to count", got)
		}
		take := func(n int) time.Duration {
			return elapsed(func() {
				if err := p.Take(t.Context(), "door", n); err != nil {
					t.Fatal(err)
				}
			})
		}
		// 250 = 500 (t/2 + t²/20)
		if got := take(250); !about(got, 916*time.Millisecond) {
			t.Errorf("250 points took %s, want 916ms: the bucket is emptied and fills at half the rate, which grows", got)
		}
		if got := p.Slow("door"); math.Abs(got-0.5916/2) > 0.001 {
			t.Errorf("share: got %g, want half of what had come back", got)
		}
		for range 100 {
			time.Sleep(500 * time.Millisecond)
			p.Slow("door")
		}
		if got := p.Slow("door"); math.Abs(got-0.025) > 0.001 {
			t.Errorf("share: got %g, want about a fortieth after any number of refusals", got)
		}
		time.Sleep(time.Minute + time.Second)
		if got := take(500) + take(500); !about(got, time.Second) {
			t.Errorf("1000 points took %s, want 1s: a minute without refusals restores the quota", got)
		}
	})
}

func TestPaceObeysContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := kvs.NewPacer(quota.Points{})
		if err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
		defer cancel()
		if got := elapsed(func() { err = p.Take(short, "door", 5000) }); got > time.Second || !errors.Is(err, archive.ErrThrottled) {
			t.Errorf("got %v after %s, want ErrThrottled by the deadline", err, got)
		}
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, stop)
		if got := elapsed(func() { err = p.Take(ctx, "door", 5000) }); got != time.Second || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v after %s, want Canceled at once", err, got)
		}
	})
}

func TestCallsArePaced(t *testing.T) {
	for _, tc := range []struct {
		name string
		call func(context.Context, *kvs.Archive) error
		n    int
		want time.Duration
	}{
		{"GetClip by its fragments", func(ctx context.Context, a *kvs.Archive) error {
			p, err := a.Payload(ctx, archive.PayloadQuery{Stream: "door", Span: archive.NewSpan(start(), time.Minute), Fragments: 100})
			if err != nil {
				return err
			}
			return p.Body.Close()
		}, 15, 2 * time.Second},
		{"ListFragments by MaxResults", func(ctx context.Context, a *kvs.Archive) error {
			_, err := list(ctx, a, 0)
			return err
		}, 30, 2050 * time.Millisecond}, // a twentieth of the burst is left once calls are known to arrive at once
		{"ListFragments of one", func(ctx context.Context, a *kvs.Archive) error {
			_, err := list(ctx, a, 1)
			return err
		}, 100, 0},
		{"DescribeStream by calls", func(ctx context.Context, a *kvs.Archive) error {
			_, err := a.Stream(ctx, "door")
			return err
		}, 15, 2 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				s.answers["/getClip"] = func(w http.ResponseWriter, _ request, _ int) { clipBody(w, "media") }
				s.answers["/listFragments"] = func(w http.ResponseWriter, _ request, _ int) { _, _ = io.WriteString(w, page("")) }
				s.answers["/describeStream"] = func(w http.ResponseWriter, _ request, _ int) {
					_, _ = io.WriteString(w, `{"StreamInfo":{"StreamName":"door"}}`)
				}
				a := newArchive(t, config(s), kvs.Options{})
				var wg sync.WaitGroup
				got := elapsed(func() {
					for range tc.n {
						wg.Go(func() {
							if err := tc.call(t.Context(), a); err != nil {
								t.Error(err)
							}
						})
					}
					wg.Wait()
				})
				if !about(got, tc.want) {
					t.Errorf("%d calls took %s, want %s", tc.n, got, tc.want)
				}
			})
		})
	}
}

func TestThrottleSlowsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.answers["/getClip"] = func(w http.ResponseWriter, _ request, n int) {
			if n == 1 {
				throttle(w)
				return
			}
			clipBody(w, "media")
		}
		a := newArchive(t, config(s), kvs.Options{})
		got := elapsed(func() {
			p, err := a.Payload(t.Context(), archive.PayloadQuery{Stream: "door", Span: archive.NewSpan(start(), time.Minute), Fragments: 200})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Body.Close(); err != nil {
				t.Error(err)
			}
		})
		// 200 points at half of 500 a second, from an empty bucket.
		if got < 700*time.Millisecond || got > 850*time.Millisecond {
			t.Errorf("took %s, want about 0.8 s", got)
		}
	})
}

func TestPacedPastTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArchive(t, config(newService()), kvs.Options{Points: quota.Points{Media: 1}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := a.Payload(ctx, archive.PayloadQuery{Stream: "door", Span: archive.NewSpan(start(), time.Minute), Fragments: 200})
		if !errors.Is(err, archive.ErrThrottled) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want ErrThrottled", err)
		}
	})
}

// TestTimeThatIsOver: a call whose time was over when it was to wait for points again tells of what failed before. A service that refuses
// connections is tried again after five seconds, where read-timeouts may end.
func TestTimeThatIsOver(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	for _, test := range []struct{ failed, waited, want error }{
		{refused, context.DeadlineExceeded, syscall.ECONNREFUSED},
		{refused, context.Canceled, syscall.ECONNREFUSED},
		{refused, kvs.ErrPaced, archive.ErrThrottled},
		{nil, context.DeadlineExceeded, archive.ErrThrottled},
	} {
		if got := kvs.LastFailure(test.failed, test.waited); !errors.Is(got, test.want) {
			t.Errorf("%v, then %v: %v, want %v", test.failed, test.waited, got, test.want)
		}
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
