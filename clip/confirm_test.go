package clip_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// forgetful is an archive whose listings lack fragments.
type forgetful struct {
	*memory.Archive
	// lacks says whether a listing of that number, from 1 on, lacks a fragment.
	lacks func(listing int, f archive.Fragment) bool
	n     int
}

// Fragments implements archive.Service.
func (a *forgetful) Fragments(ctx context.Context, q archive.FragmentQuery) iter.Seq2[archive.Fragment, error] {
	a.n++
	n := a.n
	return func(yield func(archive.Fragment, error) bool) {
		for f, err := range a.Archive.Fragments(ctx, q) {
			if err == nil && a.lacks(n, f) {
				continue
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// TestListingsThatLackFragments: holes of a few fragments are listed again before they are believed, and those that
// are there every time are gaps.
func TestListingsThatLackFragments(t *testing.T) {
	number := func(f archive.Fragment) int { return int(f.Producer.Sub(memory.Base()) / (2 * time.Second)) }
	for _, test := range []struct {
		name  string
		lacks func(listing int, f archive.Fragment) bool
		has   int
		lists int
		fails bool
	}{
		{"nothing", func(int, archive.Fragment) bool { return false }, 300, 1, false},
		{"some, once", func(n int, f archive.Fragment) bool { return n == 1 && number(f)%7 == 3 }, 300, 2, false},
		{"the first, once", func(n int, f archive.Fragment) bool { return n == 1 && number(f) == 0 }, 300, 2, false},
		{"the last, once", func(n int, f archive.Fragment) bool { return n == 1 && number(f) == 299 }, 300, 2, false},
		{"some, twice", func(n int, f archive.Fragment) bool { return n <= 2 && number(f)%(6+n) == 3 }, 300, 3, false},
		{"the same, always", func(_ int, f archive.Fragment) bool { return number(f)%100 == 50 }, 297, 2, false},
		{"a long piece, always", func(_ int, f archive.Fragment) bool { return number(f) >= 100 && number(f) < 150 }, 250, 1, false},
		{"fewer each time", func(n int, f archive.Fragment) bool { return number(f)%7 > n+1 }, 0, 3, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := memory.New()
			m.Record("cam", memory.Base(), 300, 2*time.Second)
			a := &forgetful{Archive: m, lacks: test.lacks}
			l, _ := library(t, a, clip.Options{})
			span := archive.NewSpan(memory.Base(), 10*time.Minute)
			c, err := l.Clip(t.Context(), "cam", span)
			switch {
			case test.fails:
				if !errors.Is(err, archive.ErrUnreachable) {
					t.Errorf("got %v, want ErrUnreachable", err)
				}
			case err != nil || c.Fragments() != test.has:
				t.Errorf("got %v, %v, want %d fragments", c, err, test.has)
			}
			if a.n != test.lists {
				t.Errorf("%d listings, want %d", a.n, test.lists)
			}
		})
	}
}
