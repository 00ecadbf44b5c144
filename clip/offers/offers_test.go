package offers_test

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/offers"
	"clipfs/clip/timeline"
)

// slow is an archive whose listings take a while.
type slow struct {
	*memory.Archive
	takes time.Duration
	begun atomic.Int32
}

func (s *slow) Fragments(ctx context.Context, q archive.FragmentQuery) iter.Seq2[archive.Fragment, error] {
	s.begun.Add(1)
	time.Sleep(s.takes)
	return s.Archive.Fragments(ctx, q)
}

// tenMinutes gives an archive of ten minutes whose listings take a while, and what lists them again, after a time.
func tenMinutes(takes time.Duration) (*slow, func(context.Context, time.Time) ([]archive.Fragment, error)) {
	s := &slow{Archive: memory.New(), takes: takes}
	s.Record("cam", memory.Base(), 300, 2*time.Second)
	list, minutes := offers.Relists(s), archive.NewSpan(memory.Base(), 10*time.Minute)
	view := timeline.View{Stream: archive.Stream{Name: "cam", ARN: "cam"}, Window: minutes}
	query := archive.PayloadQuery{Stream: "cam", Span: minutes, Fragments: 300, Selector: archive.ByProducer}
	return s, func(ctx context.Context, after time.Time) ([]archive.Fragment, error) {
		return list(ctx, view, query, memory.Base(), after)
	}
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// TestRelists: what comes while its minutes are being listed takes the next listing, with all that comes then, and does not wait for the end of
// the one that began before it came.
func TestRelists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, list := tenMinutes(300 * time.Millisecond)
		begun := time.Now()
		var all sync.WaitGroup
		for at, want := range map[int]int{0: 300, 40: 550, 90: 550, 130: 550, 250: 550, 260: 800} {
			all.Go(func() {
				time.Sleep(ms(at))
				fragments, err := list(t.Context(), time.Now())
				if took := time.Since(begun); err != nil || len(fragments) != 300 || took != ms(want) {
					t.Errorf("asked for after %d ms: %d fragments after %s, %v; want 300 after %d ms", at, len(fragments), took, err, want)
				}
			})
		}
		all.Wait()
		if n := s.begun.Load(); n != 3 {
			t.Errorf("%d listings, want 3", n)
		}
		if _, err := list(t.Context(), begun.Add(250*time.Millisecond)); err != nil || s.begun.Load() != 3 {
			t.Errorf("%d listings, %v; what was listed after that is known", s.begun.Load(), err)
		}
	})
}

// TestRelistsOfASlowArchive: two listings of the same minutes are under way at once at most.
func TestRelistsOfASlowArchive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, list := tenMinutes(10 * time.Second)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := list(t.Context(), time.Now()); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(ms(400))
		}
		if n := s.begun.Load(); n != 2 {
			t.Errorf("%d listings are under way, want 2", n)
		}
		all.Wait()
		if n := s.begun.Load(); n > 4 {
			t.Errorf("%d listings, want 4 at most", n)
		}
	})
}
