package kvs_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

func TestFragmentsPages(t *testing.T) {
	s := newService()
	s.answers["/listFragments"] = func(w http.ResponseWriter, r request, _ int) {
		switch r.body["NextToken"] {
		case nil:
			_, _ = io.WriteString(w, page("t1", fragmentJSON("3", 20*time.Second), fragmentJSON("1", 0)))
		case "t1":
			_, _ = io.WriteString(w, page("t2"))
		default: // one again, and two that the service should not give
			_, _ = io.WriteString(w, page("", fragmentJSON("1", 0), fragmentJSON("9", time.Minute), fragmentJSON("8", -time.Millisecond)))
		}
	}
	got, err := list(t.Context(), newArchive(t, config(s), kvs.Options{}), 0)
	if err != nil {
		t.Fatal(err)
	}
	fragment := func(id archive.FragmentID, after time.Duration) archive.Fragment {
		at := start().Add(after)
		return archive.Fragment{ID: id, Producer: at, Server: at.Add(250 * time.Millisecond), Length: 1796 * time.Millisecond, Size: 1000}
	}
	want := []archive.Fragment{fragment("3", 20*time.Second), fragment("1", 0), fragment("1", 0)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fragments (-want +got):\n%s", diff)
	}
	r := s.last(t, "/listFragments")
	wantBody := map[string]any{
		"StreamName": "door", "MaxResults": 1000.0, "NextToken": "t2",
		"FragmentSelector": map[string]any{
			"FragmentSelectorType": "PRODUCER_TIMESTAMP",
			"TimestampRange":       map[string]any{"StartTimestamp": 1704103200.005, "EndTimestamp": 1704103260.004},
		},
	}
	if diff := cmp.Diff(wantBody, r.body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestFragmentTimesAreExact(t *testing.T) {
	var fragments []string
	for ms := range 1000 {
		fragments = append(fragments, fragmentJSON(fmt.Sprint(ms), time.Duration(ms)*time.Millisecond))
	}
	s := newService()
	s.answers["/listFragments"] = func(w http.ResponseWriter, _ request, _ int) { _, _ = io.WriteString(w, page("", fragments...)) }
	got, err := list(t.Context(), newArchive(t, config(s), kvs.Options{}), 0)
	if err != nil || len(got) != len(fragments) {
		t.Fatalf("got %d, %v, want %d fragments", len(got), err, len(fragments))
	}
	for i, f := range got {
		if want := start().Add(time.Duration(i) * time.Millisecond); !f.Producer.Equal(want) {
			t.Errorf("fragment %d: got %s, want %s", i, f.Producer, want)
		}
	}
}

func TestFragmentsLimit(t *testing.T) {
	for _, tc := range []struct {
		limit, wantResults, wantPages, want int
	}{{1, 1, 1, 1}, {5, 5, 3, 5}, {2500, 1000, 4, 8}} {
		s := newService()
		s.answers["/listFragments"] = func(w http.ResponseWriter, _ request, n int) {
			token := ""
			if n < 4 {
				token = fmt.Sprint("t", n)
			}
			_, _ = io.WriteString(w, page(token, fragmentJSON(fmt.Sprint(2*n), time.Duration(2*n)*time.Second),
				fragmentJSON(fmt.Sprint(2*n+1), time.Duration(2*n+1)*time.Second)))
		}
		got, err := list(t.Context(), newArchive(t, config(s), kvs.Options{}), tc.limit)
		if err != nil || len(got) != tc.want {
			t.Errorf("limit %d: got %d, %v, want %d", tc.limit, len(got), err, tc.want)
		}
		if n := s.count("/listFragments"); n != tc.wantPages {
			t.Errorf("limit %d: pages: got %d, want %d", tc.limit, n, tc.wantPages)
		}
		if r := s.last(t, "/listFragments").body["MaxResults"]; r != float64(tc.wantResults) {
			t.Errorf("limit %d: MaxResults: got %v, want %d", tc.limit, r, tc.wantResults)
		}
	}
}

// TestFragmentsPage: a call asks for no more than is wanted of it.
func TestFragmentsPage(t *testing.T) {
	var asked []float64
	s := newService()
	s.answers["/listFragments"] = func(w http.ResponseWriter, r request, n int) {
		asked = append(asked, r.body["MaxResults"].(float64))
		token := fmt.Sprint("t", n)
		if n == 4 {
			token = ""
		}
		_, _ = io.WriteString(w, page(token, fragmentJSON(fmt.Sprint(n), 0)))
	}
	wanted := []int{2000, 30, 0, 7}
	query := archive.FragmentQuery{Stream: "door", Span: archive.NewSpan(start(), time.Minute), Page: func(given int) int { return wanted[given] }}
	for _, err := range newArchive(t, config(s), kvs.Options{}).Fragments(t.Context(), query) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := []float64{1000, 30, 1, 7}; !slices.Equal(asked, want) {
		t.Errorf("calls ask for %v, want %v", asked, want)
	}
}

func TestFragmentsEndlessListing(t *testing.T) {
	another := func(n int) string { return fmt.Sprint("t", n) }
	nothing := func(int) []string { return nil }
	for _, tc := range []struct {
		name  string
		token func(n int) string
		holds func(n int) []string
		pages int
	}{
		{"always another token, and another fragment", another, func(n int) []string { return []string{fragmentJSON(fmt.Sprint(n), 0)} }, kvs.MaxPages + 1},
		{"always another token, and the same fragment", another, func(int) []string { return []string{fragmentJSON("1", 0)} }, kvs.MaxBarren + 1},
		{"always another token, and nothing", another, nothing, kvs.MaxBarren},
		{"the same token", func(int) string { return "t" }, nothing, 2},
		{"in a circle", func(n int) string { return fmt.Sprint("t", n%3) }, nothing, 4},
		{"a token without bound", func(int) string { return strings.Repeat("t", 5000) }, nothing, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				s.answers["/listFragments"] = func(w http.ResponseWriter, _ request, n int) {
					_, _ = io.WriteString(w, page(tc.token(n), tc.holds(n)...))
				}
				_, err := list(t.Context(), newArchive(t, config(s), kvs.Options{}), 0)
				if !errors.Is(err, kvs.ErrAnswer) || !errors.Is(err, archive.ErrUnreachable) {
					t.Errorf("got %v, want ErrAnswer", err)
				}
				if n := s.count("/listFragments"); n != tc.pages {
					t.Errorf("pages: got %d, want %d", n, tc.pages)
				}
			})
		})
	}
}

func TestFragmentsThatCannotBe(t *testing.T) {
	good := fragmentJSON("1", 0)
	for _, bad := range []string{
		strings.Replace(good, `"1"`, `""`, 1),
		strings.Replace(good, `"1"`, `"12a"`, 1),
		strings.Replace(good, `"1"`, `"../1"`, 1),
		strings.Replace(good, `"1"`, `"`+strings.Repeat("1", 129)+`"`, 1),
		strings.Replace(good, `:1000`, `:-1`, 1),
		strings.Replace(good, `:1796`, `:-1`, 1),
		strings.Replace(good, `:1796`, `:9000000000000`, 1),
		strings.Replace(good, `"ServerTimestamp"`, `"Other"`, 1),
		strings.Replace(good, `"ProducerTimestamp":`, `"ProducerTimestamp":-`, 1),
		`{}`,
	} {
		s := newService()
		s.answers["/listFragments"] = func(w http.ResponseWriter, _ request, _ int) { _, _ = io.WriteString(w, page("", bad)) }
		if _, err := list(t.Context(), newArchive(t, config(s), kvs.Options{}), 0); !errors.Is(err, kvs.ErrAnswer) {
			t.Errorf("%s: got %v, want ErrAnswer", bad, err)
		}
	}
}

func TestFragmentsOfNothing(t *testing.T) {
	s := newService()
	a := newArchive(t, config(s), kvs.Options{})
	for f, err := range a.Fragments(t.Context(), archive.FragmentQuery{Stream: "door", Span: archive.NewSpan(start(), 0)}) {
		t.Errorf("got %v, %v, want none", f, err)
	}
	if len(s.calls) != 0 {
		t.Errorf("calls: got %d, want 0", len(s.calls))
	}
}

func TestSpanOfOneMillisecond(t *testing.T) {
	const ms = time.Millisecond
	for _, tc := range []struct {
		name       string
		stored     []time.Duration
		start, end time.Duration
		want       error
	}{
		{"alone", []time.Duration{0}, 0, ms, nil},
		{"one before", []time.Duration{-ms, 0}, 0, ms, nil},
		{"one after", []time.Duration{0, ms}, -ms, 0, nil},
		{"on both sides", []time.Duration{-ms, 0, ms}, 0, 0, archive.ErrInvalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newService()
			s.answers["/listFragments"] = func(w http.ResponseWriter, _ request, _ int) {
				var fragments []string
				for i, after := range tc.stored {
					fragments = append(fragments, fragmentJSON(fmt.Sprint(i), after))
				}
				_, _ = io.WriteString(w, page("", fragments...))
			}
			s.answers["/getClip"] = func(w http.ResponseWriter, _ request, _ int) { clipBody(w, "media") }
			a := newArchive(t, config(s), kvs.Options{})
			p, err := a.Payload(t.Context(), archive.PayloadQuery{Stream: "door", Span: archive.NewSpan(start(), ms)})
			if !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			if err != nil {
				return
			}
			if err := p.Body.Close(); err != nil {
				t.Error(err)
			}
			selector := s.last(t, "/getClip").body["ClipFragmentSelector"].(map[string]any)["TimestampRange"].(map[string]any)
			got := []float64{selector["StartTimestamp"].(float64), selector["EndTimestamp"].(float64)}
			want := []float64{float64(start().Add(tc.start).UnixMilli()) / 1e3, float64(start().Add(tc.end).UnixMilli()) / 1e3}
			if !slices.Equal(got, want) {
				t.Errorf("range: got %v, want %v", got, want)
			}
		})
	}
}

func TestFragmentsOfOneMillisecond(t *testing.T) {
	s := newService()
	s.answers["/listFragments"] = func(w http.ResponseWriter, _ request, _ int) {
		_, _ = io.WriteString(w, page("", fragmentJSON("1", 0), fragmentJSON("2", time.Millisecond)))
	}
	a := newArchive(t, config(s), kvs.Options{})
	var got []archive.FragmentID
	for f, err := range a.Fragments(t.Context(), archive.FragmentQuery{Stream: "door", Span: archive.NewSpan(start(), time.Millisecond)}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f.ID)
	}
	if !slices.Equal(got, []archive.FragmentID{"1"}) {
		t.Errorf("got %v, want the one in the span", got)
	}
}
