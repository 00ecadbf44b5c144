package download_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/download"
)

// refuse is a giveUp that ends nothing.
func refuse(cache.Key) bool { return false }

// entered gives a download, of a payload of its own, that a holder of a priority wants all of.
func entered(s download.Scheduler, stream archive.StreamName, p archive.Priority) download.Download {
	key := cache.Key(fmt.Sprint("p-", s.Demands()))
	s.Want(key, p, 1)
	return s.Enter(key, stream, 0, time.Time{})
}

// taken gives a download that has a place.
func taken(t *testing.T, s download.Scheduler, p archive.Priority) download.Download {
	t.Helper()
	d := entered(s, "", p)
	if err := s.Take(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	return d
}

// queue starts a download that waits and, when served, is noted and leaves again when told.
func queue(t *testing.T, s download.Scheduler, name string, p archive.Priority, served chan<- string, leave <-chan struct{}) {
	t.Helper()
	go func() {
		d := entered(s, "", p)
		if err := s.Take(t.Context(), d); err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		served <- name
		<-leave
		s.Leave(d)
	}()
	synctest.Wait()
}

// TestSchedulerWhileOthersRead: who wants to open a clip has places that readers do not take, and readers have theirs however
// many open clips.
func TestSchedulerWhileOthersRead(t *testing.T) {
	for _, test := range []struct {
		name  string
		first archive.Priority
		want  map[string]int
	}{
		{"readers first", archive.ForReader, map[string]int{"reader": 4, "head": 4}},
		{"heads first", archive.ForHead, map[string]int{"reader": 4, "head": 8}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := download.NewScheduler(2, refuse)
				served, leave := make(chan string, 99), make(chan struct{})
				names := []string{archive.ForReader: "reader", archive.ForHead: "head"}
				for _, u := range []archive.Priority{test.first, archive.ForReader + archive.ForHead - test.first} {
					for range 20 {
						queue(t, s, names[u], u, served, leave)
					}
				}
				got := make(map[string]int)
				for len(served) > 0 {
					got[<-served]++
				}
				if !maps.Equal(got, test.want) {
					t.Errorf("got %v, want %v", got, test.want)
				}
				close(leave)
				synctest.Wait()
			})
		})
	}
}

func TestSchedulerServeByUrgencyThenOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := download.NewScheduler(1, refuse)
		served, leave := make(chan string, 9), make(chan struct{})
		queue(t, s, "first", archive.ForAhead, served, leave)
		queue(t, s, "ahead 1", archive.ForAhead, served, leave)
		queue(t, s, "head 1", archive.ForHead, served, leave) // goes over the limit
		queue(t, s, "head 2", archive.ForHead, served, leave)
		queue(t, s, "head 3", archive.ForHead, served, leave)
		queue(t, s, "ahead 2", archive.ForAhead, served, leave)
		queue(t, s, "head 4", archive.ForHead, served, leave)
		queue(t, s, "reader", archive.ForReader, served, leave) // the heads are not in the way of two
		queue(t, s, "reader 2", archive.ForReader, served, leave)
		var got []string
		for range 9 {
			leave <- struct{}{}
			synctest.Wait()
		}
		close(served)
		for name := range served {
			got = append(got, name)
		}
		want := []string{"first", "head 1", "head 2", "head 3", "reader", "reader 2", "head 4", "ahead 1", "ahead 2"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestSchedulerOfWhoBecomesAReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := download.NewScheduler(1, refuse)
		taken(t, s, archive.ForHead)
		s.Want("wanted", archive.ForAhead, 1)
		served := make(chan struct{})
		go func() {
			d := s.Enter("wanted", "", 0, time.Time{})
			if err := s.Take(t.Context(), d); err != nil {
				t.Error(err)
			}
			close(served)
		}()
		synctest.Wait()
		select {
		case <-served:
			t.Fatal("served while the only place was taken")
		default:
		}
		s.Want("wanted", archive.ForReader, 1)
		<-served
	})
}

// TestSchedulerPauses: a download of which no more than the head is wanted has no place after its head, and waits for one, as
// others do, when more is wanted.
func TestSchedulerPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := download.NewScheduler(1, refuse)
		s.Want("paused", archive.ForHead, 1)
		d := s.Enter("paused", "", 1, time.Time{})
		if err := s.Take(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if err := s.Proceed(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		d.HeadCame()
		wentOn := make(chan struct{})
		go func() {
			if err := s.Proceed(t.Context(), d); err != nil {
				t.Error(err)
			}
			close(wentOn)
		}()
		synctest.Wait()
		other := taken(t, s, archive.ForAhead) // in the place of the one that is paused
		s.Want("paused", archive.ForHead, -1)
		s.Want("paused", archive.ForAhead, 1)
		synctest.Wait()
		select {
		case <-wentOn:
			t.Fatal("two run in one place")
		default:
		}
		s.Leave(other)
		<-wentOn
		s.Want("paused", archive.ForHead, 1)
		s.Want("paused", archive.ForAhead, -1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Proceed(ctx, d); err == nil {
			t.Error("proceeds although nobody wants more")
		}
		s.Leave(d) // which it has by then
		taken(t, s, archive.ForAhead)
	})
}

// TestSchedulerForgets: nothing stays of a payload that has neither holders nor downloads.
func TestSchedulerForgets(t *testing.T) {
	s := download.NewScheduler(1, refuse)
	s.Want("a", archive.ForReader, 1)
	d := s.Enter("a", "", 1, time.Time{})
	s.Want("a", archive.ForReader, -1)
	if s.Demands() != 1 {
		t.Errorf("%d demands while it is downloaded, want 1", s.Demands())
	}
	s.Exit(d)
	if s.Demands() != 0 {
		t.Errorf("%d demands in the end, want none", s.Demands())
	}
}

// TestSchedulerGiveUpWhatIsTooMuch: four times as many as may run can be parked. Of more those go that were made for an
// earlier opening, then what is last in the file.
func TestSchedulerGiveUpWhatIsTooMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var given []string
		cancels := make(map[cache.Key]context.CancelFunc)
		s := download.NewScheduler(2, func(key cache.Key) bool {
			mu.Lock()
			defer mu.Unlock()
			given = append(given, string(key))
			cancels[key]()
			return true
		})
		park := func(opening uint64, second int) {
			key := cache.Key(fmt.Sprintf("%d.%d", opening, second))
			d := s.Enter(key, "", opening, time.Unix(int64(second), 0))
			ctx, cancel := context.WithCancel(t.Context())
			mu.Lock()
			cancels[key] = cancel
			mu.Unlock()
			if err := s.Take(ctx, d); err != nil {
				t.Fatal(err)
			}
			go func() { _ = s.Proceed(ctx, d) }()
			synctest.Wait()
		}
		for second := range 6 {
			park(1, second)
		}
		for _, second := range []int{3, 0, 4, 1, 2, 5, 9, 6, 8, 7} {
			park(2, second)
		}
		want := []string{"1.5", "1.4", "1.3", "1.2", "1.1", "1.0", "2.9", "2.8"}
		if mu.Lock(); !slices.Equal(given, want) {
			t.Errorf("given up: %q, want %q", given, want)
		}
		for _, cancel := range cancels {
			cancel()
		}
		mu.Unlock()
	})
}

func TestSchedulerCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := download.NewScheduler(1, refuse)
		first := taken(t, s, archive.ForAhead)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Take(ctx, entered(s, "", archive.ForAhead)); err == nil {
			t.Fatal("served while the only place was taken")
		}
		s.Leave(first)
		taken(t, s, archive.ForAhead)
	})
}

// TestSchedulerAfterRefusals: a refusal halves how many run of a stream, once for those that come together, and more are tried
// slowly. Other streams do not wait for it.
func TestSchedulerAfterRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := download.NewScheduler(16, refuse)
		// running gives how many of a stream are let in at once.
		running := func(stream archive.StreamName, u archive.Priority) int {
			ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
			defer cancel()
			var in []download.Download
			for d := entered(s, stream, u); s.Take(ctx, d) == nil; d = entered(s, stream, u) {
				in = append(in, d)
			}
			for _, d := range in {
				s.Leave(d)
			}
			return len(in)
		}
		var all []download.Download
		for range 16 {
			d := entered(s, "busy", archive.ForAhead)
			if err := s.Take(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			all = append(all, d)
		}
		for range 10 {
			s.Refused("busy")
		}
		for _, d := range all {
			s.Leave(d)
		}
		for _, is := range []struct {
			after  time.Duration
			stream archive.StreamName
			u      archive.Priority
			want   int
		}{
			{0, "busy", archive.ForAhead, 8},
			{0, "busy", archive.ForReader, 16},
			{0, "busy", archive.ForHead, 32},
			{0, "other", archive.ForAhead, 16},
			{0, "other", archive.ForReader, 32},
			{20 * time.Second, "busy", archive.ForAhead, 12},
			{time.Hour, "busy", archive.ForAhead, 16},
		} {
			time.Sleep(is.after)
			if got := running(is.stream, is.u); got != is.want {
				t.Errorf("%s after a refusal, %s: %d at once, want %d for urgency %d", is.after, is.stream, got, is.want, is.u)
			}
		}
	})
}

// TestSchedulerOfARefusedStream: a stream that is refused for good keeps one place of its own and no one else from theirs, and
// whoever waits behind it in the queue is served.
func TestSchedulerOfARefusedStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := download.NewScheduler(4, refuse)
		for range 10 {
			s.Refused("refused")
			time.Sleep(2 * time.Second)
		}
		var refused, others atomic.Int64
		take := func(stream archive.StreamName, n *atomic.Int64) {
			for range 4 {
				go func() {
					d := entered(s, stream, archive.ForAhead)
					if s.Take(t.Context(), d) == nil {
						n.Add(1)
						time.Sleep(time.Second)
						s.Leave(d)
					}
				}()
			}
			synctest.Wait()
		}
		take("refused", &refused)
		take("other", &others)
		if refused.Load() != 1 || others.Load() != 3 { // four in all
			t.Errorf("%d of the refused stream and %d others at once, want 1 and 3", refused.Load(), others.Load())
		}
		time.Sleep(1500 * time.Millisecond)
		if others.Load() != 4 {
			t.Errorf("%d others, want all 4", others.Load())
		}
		time.Sleep(time.Minute)
		if refused.Load() != 4 {
			t.Errorf("%d of the refused stream in the end, want all 4", refused.Load())
		}
	})
}
