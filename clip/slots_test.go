package clip_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
)

// never is a giveUp where nothing is parked.
func never() bool { return false }

// queue starts one who waits and, when served, is noted and leaves again when told.
func queue(t *testing.T, s clip.Slots, name string, u clip.Urgency, served chan<- string, leave <-chan struct{}) {
	t.Helper()
	go func() {
		if err := s.Take(t.Context(), u); err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		served <- name
		<-leave
		s.Leave()
	}()
	synctest.Wait()
}

func TestSlotsServeByUrgencyThenOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := clip.NewSlots(1, never)
		served, leave := make(chan string, 9), make(chan struct{})
		queue(t, s, "first", clip.ForAhead, served, leave)
		queue(t, s, "ahead 1", clip.ForAhead, served, leave)
		queue(t, s, "head 1", clip.ForHead, served, leave)
		queue(t, s, "ahead 2", clip.ForAhead, served, leave)
		queue(t, s, "head 2", clip.ForHead, served, leave)
		queue(t, s, "reader", clip.ForReader, served, leave) // goes over the limit
		queue(t, s, "reader 2", clip.ForReader, served, leave)
		var got []string
		for range 7 {
			leave <- struct{}{}
			synctest.Wait()
		}
		close(served)
		for name := range served {
			got = append(got, name)
		}
		want := []string{"first", "reader", "reader 2", "head 1", "head 2", "ahead 1", "ahead 2"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestSlotsOfWhoBecomesAReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := clip.NewSlots(1, never)
		if err := s.Take(t.Context(), clip.ForHead); err != nil {
			t.Fatal(err)
		}
		var urgency atomic.Int64
		urgency.Store(int64(clip.ForAhead))
		served := make(chan struct{})
		go func() {
			if err := s.TakeAs(t.Context(), func() clip.Urgency { return clip.Urgency(urgency.Load()) }); err != nil {
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
		urgency.Store(int64(clip.ForReader))
		s.Look()
		<-served
	})
}

func TestSlotsGiveUpWhatIsParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parked := make(chan struct{}, 1)
		s := clip.NewSlots(1, func() bool {
			select {
			case parked <- struct{}{}:
				return true
			default:
				return false
			}
		})
		if err := s.Take(t.Context(), clip.ForHead); err != nil {
			t.Fatal(err)
		}
		go func() { // the parked download ends when it is given up
			<-parked
			s.Leave()
		}()
		if err := s.Take(t.Context(), clip.ForHead); err != nil {
			t.Fatal(err)
		}
	})
}

func TestSlotsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := clip.NewSlots(1, never)
		if err := s.Take(t.Context(), clip.ForHead); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Take(ctx, clip.ForHead); err == nil {
			t.Fatal("served while the only place was taken")
		}
		s.Leave()
		if err := s.Take(t.Context(), clip.ForHead); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSlotsAfterRefusals: a refusal halves how many run, once for those that come together, and more are tried slowly.
func TestSlotsAfterRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := clip.NewSlots(16, never)
		for range 16 {
			if err := s.Take(t.Context(), clip.ForHead); err != nil {
				t.Fatal(err)
			}
		}
		for range 10 {
			s.Refused()
		}
		for range 16 {
			s.Leave()
		}
		// running gives how many are let in at once.
		running := func() int {
			ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
			defer cancel()
			n := 0
			for s.Take(ctx, clip.ForHead) == nil {
				n++
			}
			for range n {
				s.Leave()
			}
			return n
		}
		if got := running(); got != 8 {
			t.Errorf("after a refusal: %d at once, want 8", got)
		}
		time.Sleep(20 * time.Second)
		if got := running(); got != 12 {
			t.Errorf("20 s later: %d at once, want 12", got)
		}
		time.Sleep(time.Hour)
		if got := running(); got != 16 {
			t.Errorf("an hour later: %d at once, want 16", got)
		}
	})
}
