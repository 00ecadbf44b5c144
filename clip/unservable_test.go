package clip_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// badMedia has the service make no MP4 of what has any of the fragments [from, to) of a stream.
func badMedia(m *memory.Archive, runs ...[2]int) {
	bad := make(map[archive.FragmentID]bool)
	for _, r := range runs {
		for _, f := range m.Recorded["cam"][r[0]:r[1]] {
			bad[f.ID] = true
		}
	}
	m.Answer = func(fragments []archive.Fragment) ([]archive.Fragment, error) {
		for _, f := range fragments {
			if bad[f.ID] {
				return nil, fmt.Errorf("a fragment without a key frame: %w", archive.ErrUnservable)
			}
		}
		return fragments, nil
	}
}

// TestUnservable: a clip over fragments of which the service makes no MP4 is refused, with the spans that can be had, each of
// which can; or is all that there is but for these. Finding a run of them takes a part two calls for each time
// that it can be halved, at either end.
func TestUnservable(t *testing.T) {
	const fragments, step = 120, 2 * time.Second // one part, which can be halved seven times
	const run = 2 * 2 * 7                        // two calls for each time, at either end
	tests := map[string]struct {
		bad   [][2]int
		had   int // spans
		calls int
	}{
		"one":                    {[][2]int{{40, 41}}, 2, 1 + run},
		"a session":              {[][2]int{{35, 52}}, 2, 1 + run},
		"the second half":        {[][2]int{{60, 120}}, 1, 1 + run},
		"the first and the last": {[][2]int{{0, 1}, {119, 120}}, 1, 1 + 2*run},
		"two":                    {[][2]int{{32, 33}, {50, 53}}, 3, 1 + 2*run},
		"everything":             {[][2]int{{0, 120}}, 0, 1 + 3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := memory.New()
			m.Record("cam", memory.Base(), fragments, step)
			badMedia(m, test.bad...)
			refusing, _ := library(t, m, clip.Options{})
			c := lookUp(t, refusing, "cam", archive.NewSpan(memory.Base(), fragments*step))
			_, err := c.Open(t.Context())
			if !errors.Is(err, archive.ErrUnservable) || !errors.Is(err, archive.ErrMedia) {
				t.Fatalf("open: %v, want %v", err, archive.ErrUnservable)
			}
			if calls, _, _ := m.Calls(); calls > test.calls {
				t.Errorf("%d calls, of %d at most", calls, test.calls)
			}
			_, list, _ := strings.Cut(err.Error(), "what can be had: ")
			list, _, _ = strings.Cut(list, " (")
			spans := strings.Fields(list)
			if test.had == 0 {
				spans = spans[1:] // "nothing"
			}
			if len(spans) != test.had {
				t.Errorf("%d spans can be had, want %d: %v", len(spans), test.had, err)
			}
			for _, text := range spans {
				start, end, _ := strings.Cut(text, "/")
				from, err1 := time.Parse(time.RFC3339, start)
				to, err2 := time.Parse(time.RFC3339, end)
				if err := errors.Join(err1, err2); err != nil {
					t.Fatal(err)
				}
				h, err := lookUp(t, refusing, "cam", archive.Span{Start: from, End: to}).Open(t.Context())
				if err != nil {
					t.Errorf("%s is said to be there: %v", text, err)
					continue
				}
				_ = h.Close()
			}
			before, _, _ := m.Calls()
			if _, err := lookUp(t, refusing, "cam", archive.NewSpan(memory.Base(), fragments*step)).Open(t.Context()); !errors.Is(err, archive.ErrUnservable) {
				t.Errorf("second open: %v", err)
			}
			if calls, _, _ := m.Calls(); calls != before {
				t.Errorf("%d calls for what is known", calls-before)
			}
			skips(t, m, c.Key(), test.bad, fragments*step)
		})
	}
}

// skips opens the clip of the whole footage where what is unservable is skipped; refused is its key where that is refused.
func skips(t *testing.T, m *memory.Archive, refused string, bad [][2]int, length time.Duration) {
	t.Helper()
	l, _ := library(t, m, clip.Options{Unservable: clip.SkipUnservable})
	c := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), length))
	file, err := readAll(t, c)
	var served []archive.Fragment
	for i, f := range m.Recorded["cam"] {
		if !slices.ContainsFunc(bad, func(r [2]int) bool { return r[0] <= i && i < r[1] }) {
			served = append(served, f)
		}
	}
	if len(served) == 0 {
		if !errors.Is(err, archive.ErrUnservable) {
			t.Errorf("open of nothing: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if again := lookUp(t, l, "cam", c.Span()); again.Key() == refused {
		t.Errorf("the file without them has the key %s of the one with them", refused)
	}
	marks, _ := frames(t, file)
	if want, _ := recorded(served); !slices.Equal(marks, want) {
		t.Errorf("%d pictures are in it, want the %d of what is served", len(marks), len(want))
	}
	if note := c.Note(); !strings.Contains(note, "makes no MP4") {
		t.Errorf("note: %q", note)
	}
}

// TestUnservableTogether: footage of which the service makes no MP4 only where one call asks for what comes before and after a
// place, as where sound appears, is all served, in calls that do not cross it.
func TestUnservableTogether(t *testing.T) {
	for _, at := range []int{1, 30, 60, 61, 119} {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			m := memory.New()
			m.Record("cam", memory.Base(), 120, 2*time.Second)
			change := memory.Base().Add(time.Duration(at) * 2 * time.Second)
			m.Answer = func(f []archive.Fragment) ([]archive.Fragment, error) {
				if f[0].Producer.Before(change) && !f[len(f)-1].Producer.Before(change) {
					return nil, fmt.Errorf("sound appears: %w", archive.ErrUnservable)
				}
				return f, nil
			}
			l, _ := library(t, m, clip.Options{})
			mustBe(t, m, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 4*time.Minute)))
			if payloads, _, _ := m.Calls(); payloads > 1+4*7 {
				t.Errorf("%d calls", payloads)
			}
		})
	}
}
