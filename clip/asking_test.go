package clip_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// pageTime is how long a page of a listing takes.
const pageTime = 300 * time.Millisecond

// listingCost runs something and gives how many pages it cost and how long it took.
func listingCost(m *memory.Archive, do func()) (pages int, took time.Duration) {
	_, before, _ := m.Calls()
	begun := time.Now()
	do()
	_, after, _ := m.Calls()
	return after - before, time.Since(begun)
}

// TestListingTakesOnePage: a clip waits for one page of its own span, and a long one for its pages at the same time, once
// it is known how much time a page holds. No start costs more pages than its longest clip has.
func TestListingTakesOnePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(100 * time.Hour)
		m := memory.New()
		m.Page = pageTime
		hour := time.Now().Truncate(time.Hour).Add(-10 * time.Hour)
		m.Record("cam", hour, 9*1800, 2*time.Second)
		l, c := library(t, m, clip.Options{MetadataTTL: time.Hour})
		defer func() { _ = c.Close() }()
		at := func(minutes int, length time.Duration) func() {
			return func() { lookUp(t, l, "cam", archive.NewSpan(hour.Add(time.Duration(minutes)*time.Minute), length)) }
		}
		for _, step := range []struct {
			what  string
			do    func()
			pages int
			took  time.Duration
		}{
			{"ten minutes, the first that is seen of the stream", at(0, 10*time.Minute), 1, pageTime},
			{"the rest of that hour", at(10, 50*time.Minute), 2, pageTime},
			{"what was asked for beyond it", at(60, 15*time.Minute), 0, 0},
			{"an hour that begins in the middle of one", at(2*60+7, time.Hour), 2, pageTime},
			{"the minutes before it", at(2*60, time.Hour), 1, pageTime},
			{"five hours and a half", at(2*60+30, 330*time.Minute), 9, 2 * pageTime}, // eight calls at once
			{"all of it", at(0, 8*time.Hour), 2, pageTime},
			{"all of it again", at(0, 8*time.Hour), 0, 0},
		} {
			if pages, took := listingCost(m, step.do); pages != step.pages || took != step.took {
				t.Errorf("%s: %d pages in %s, want %d in %s", step.what, pages, took, step.pages, step.took)
			}
		}
	})
}

// TestSparseListing: a stream of long fragments is listed in few calls, and one that was denser than what was seen of it
// in one listing of many pages at most.
func TestSparseListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(100 * time.Hour)
		m := memory.New()
		m.Page = pageTime
		day := time.Now().Truncate(time.Hour).Add(-48 * time.Hour)
		m.Record("cam", day, 24*180, 20*time.Second)
		m.Record("unseen", day, 24*180, 20*time.Second)
		m.Record("denser", day, 60, 20*time.Second)
		m.Record("denser", day.Add(20*time.Minute), 1200, 2*time.Second)
		l, c := library(t, m, clip.Options{})
		defer func() { _ = c.Close() }()
		for _, step := range []struct {
			stream archive.StreamName
			span   archive.Span
			most   int
			waits  int
		}{
			{"cam", archive.NewSpan(day, time.Hour), 1, 1},
			{"cam", archive.NewSpan(day, 24*time.Hour), 6, 1},
			{"denser", archive.NewSpan(day, 10*time.Minute), 1, 1},
			{"denser", archive.NewSpan(day, time.Hour), 2, 2},
			{"unseen", archive.NewSpan(day, 24*time.Hour), 8, 1},
		} {
			pages, took := listingCost(m, func() { lookUp(t, l, step.stream, step.span) })
			if pages > step.most || took > time.Duration(step.waits)*pageTime {
				t.Errorf("%s %s: %d pages in %s, want at most %d in %d times that of one", step.stream, step.span, pages, took, step.most, step.waits)
			}
		}
	})
}

// TestListingIsShared: what is being asked for is not asked for again, and who wants a part of it waits for that call.
func TestListingIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(100 * time.Hour)
		m := memory.New()
		m.Page = pageTime
		hour := time.Now().Truncate(time.Hour).Add(-10 * time.Hour)
		m.Record("cam", hour.Add(-time.Hour), 3*1800, 2*time.Second)
		l, c := library(t, m, clip.Options{})
		defer func() { _ = c.Close() }()
		lookUp(t, l, "cam", archive.NewSpan(hour.Add(-5*time.Minute), 10*time.Minute))
		pages, took := listingCost(m, func() {
			var wg sync.WaitGroup
			defer wg.Wait()
			for i := range 20 {
				wg.Go(func() {
					lookUp(t, l, "cam", archive.NewSpan(hour.Add(time.Duration(5+2*i)*time.Minute), 15*time.Minute))
				})
				time.Sleep(10 * time.Millisecond)
			}
		})
		if pages != 2 || took > 2*pageTime {
			t.Errorf("20 look-ups in 55 minutes cost %d pages in %s, want 2 and less than the time of two one after the other", pages, took)
		}
	})
}

// TestListingsOfPieces looks spans up at random, of a stream with gaps and overlaps, in a library that learns piece by
// piece, is started anew now and then, and has footage come late. Each clip has the fragments that there are, and is the
// same as one of a library that knows nothing else.
func TestListingsOfPieces(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(1000 * time.Hour)
				rng := rand.New(rand.NewPCG(seed, 9))
				m := memory.New()
				begin := time.Now().Truncate(time.Hour).Add(-100 * time.Hour)
				for at := begin; at.Before(begin.Add(6 * time.Hour)); {
					length, n := time.Duration(1+rng.IntN(5))*time.Second, 1+rng.IntN(400)
					m.Record("cam", at, n, length)
					at = at.Add(time.Duration(n)*length + time.Duration(rng.IntN(600)-60)*time.Second)
				}
				dir := t.TempDir()
				o := clip.Options{TimelineDir: dir, MetadataTTL: time.Minute}
				l, c := library(t, m, o)
				_, fresh := library(t, m, o) // the cache of libraries that know nothing
				for range 60 {
					span := archive.NewSpan(begin.Add(time.Duration(rng.IntN(6*3600))*time.Second), time.Duration(1+rng.IntN(5000))*time.Second)
					switch rng.IntN(12) {
					case 0:
						_ = c.Close()
						l, c = library(t, m, o)
					case 1:
						m.Upload("cam", span.Start.Add(500*time.Millisecond), 1+rng.IntN(5), 2*time.Second, time.Now())
						time.Sleep(2 * time.Minute)
					case 2:
						time.Sleep(50 * time.Second)
					}
					want := len(selectedOnce(m, span))
					got, err := l.Clip(t.Context(), "cam", span)
					if err != nil && want > 0 || err == nil && got.Fragments() != want {
						t.Fatalf("%s: got %v, %v; want %d fragments", span, got.Fragments(), err, want)
					}
					if want == 0 {
						continue
					}
					other := clip.NewLibrary(m, fresh, clip.Options{})
					if diff := cmp.Diff(lookUp(t, other, "cam", span).Key(), got.Key()); diff != "" {
						t.Errorf("%s: key of a library that knows nothing else -, got +:\n%s", span, diff)
					}
				}
				_, _ = c.Close(), fresh.Close()
			})
		})
	}
}

// selectedOnce gives the fragments of a span of which GetClip gives the oldest of each producer time.
func selectedOnce(m *memory.Archive, span archive.Span) []archive.Fragment {
	var out []archive.Fragment
	for _, f := range m.Selected("cam", archive.ByProducer, span) {
		if n := len(out); n == 0 || !out[n-1].Producer.Equal(f.Producer) {
			out = append(out, f)
		}
	}
	return out
}
