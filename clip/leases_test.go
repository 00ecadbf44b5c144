package clip_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/shared"
)

// late is an archive that lets a while pass before it answers a GetClip call.
type late struct {
	*memory.Archive
	after time.Duration
}

func (l late) Payload(ctx context.Context, q archive.PayloadQuery) (*archive.Payload, error) {
	select {
	case <-time.After(l.after):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return l.Archive.Payload(ctx, q)
}

// lateHost gives a host of the fleet whose calls are answered late.
func (f *fleet) lateHost(t *testing.T, after time.Duration) *clip.Library {
	t.Helper()
	tier := shared.Open(f.bucket, shared.Options{})
	o := lazy()
	o.Tier = tier
	l, _ := library(t, late{f.Archive, after}, o)
	t.Cleanup(tier.Close) // before the cache
	return l
}

// TestFleetAndACallerThatLeaves: where one of two callers of a host leaves that open the same footage, other hosts wait for what the second one
// still fetches, and fetch none of it again.
func TestFleetAndACallerThatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(600)
		first, second := f.lateHost(t, 3*time.Second), f.lateHost(t, 3*time.Second)
		const parts = 12
		span := archive.NewSpan(memory.Base(), parts*time.Minute)
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		var all sync.WaitGroup
		all.Go(func() {
			shorter := lookUp(t, first, "cam", archive.NewSpan(memory.Base(), (parts-2)*time.Minute))
			if _, err := shorter.Open(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the caller that leaves: %v", err)
			}
		})
		all.Go(func() { mustBe(t, f.Archive, lookUp(t, first, "cam", span)) })
		all.Go(func() {
			time.Sleep(2 * time.Second)
			mustBe(t, f.Archive, lookUp(t, second, "cam", span))
		})
		all.Wait()
		if n, _, _ := f.Calls(); n != parts {
			t.Errorf("%d calls, want %d", n, parts)
		}
	})
}

// TestFleetAndTheLiveEdge: what one host has read at the live edge, where nothing is shared, is fetched once by hosts that read it at once later on;
// so is what could not be confirmed since listings failed.
func TestFleetAndTheLiveEdge(t *testing.T) {
	for what, change := range map[string]func(f *fleet, read func()){
		"the live edge": func(f *fleet, read func()) {
			f.Recorded["cam"] = fresh()
			read()
		},
		"listings fail": func(f *fleet, read func()) {
			f.Record("cam", time.Now().Add(-2*time.Hour), 40, 2*time.Second)
			f.Answer = func(found []archive.Fragment) ([]archive.Fragment, error) {
				f.Change(func() { f.RefuseListing = func() error { return archive.ErrThrottled } })
				return found, nil
			}
			read()
			f.Change(func() { f.Answer, f.RefuseListing = nil, nil })
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(0)
			f.Created = time.Now().Add(-24 * time.Hour)
			read := func() {
				l, _ := f.host(t)
				span := archive.NewSpan(f.Recorded["cam"][0].Producer, time.Minute)
				if _, err := readAll(t, lookUp(t, l, "cam", span)); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			change(f, func() { read(); time.Sleep(time.Hour) })
			if n := len(f.bucket.Names("/m/")); n != 0 {
				t.Fatalf("%s: %d payloads are shared", what, n)
			}
			before, _, _ := f.Calls()
			var all sync.WaitGroup
			for range 8 {
				all.Go(read)
			}
			all.Wait()
			if n, _, _ := f.Calls(); n != before+1 {
				t.Errorf("%s: later on eight hosts made %d calls, want 1", what, n-before)
			}
		})
	}
}

// TestFleetAndAHostThatIsStuck: a host that is at it and gets no further is waited for once a payload, however often readers come back.
func TestFleetAndAHostThatIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(600)
		f.Slow = 10 * time.Millisecond
		for i := range f.Recorded["cam"] {
			f.Recorded["cam"][i].Size = 200_000
		}
		stuck, host := f.lateHost(t, time.Hour), f.lateHost(t, 0)
		span := archive.NewSpan(memory.Base(), 12*time.Minute)
		ctx, leave := context.WithTimeout(t.Context(), time.Minute)
		defer leave()
		var other sync.WaitGroup
		other.Go(func() {
			if _, err := lookUp(t, stuck, "cam", span).Open(ctx); err == nil {
				t.Error("the host is not stuck")
			}
		})
		time.Sleep(time.Second)
		begun := time.Now()
		for i := range int64(5) {
			h, err := lookUp(t, host, "cam", span).Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.ReadAt(t.Context(), make([]byte, 10), (i+2)*500_000); err != nil { // all in one payload
				t.Error(err)
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(begun); took > 25*time.Second {
			t.Errorf("reading from one payload five times took %s", took)
		}
		other.Wait()
	})
}
