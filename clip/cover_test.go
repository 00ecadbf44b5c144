package clip_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// coverOf looks a cover clip up that has to be there.
func coverOf(t *testing.T, l *clip.Library, name archive.StreamName, span archive.Span) *clip.Clip {
	t.Helper()
	c, err := l.Cover(t.Context(), name, span)
	if err != nil {
		t.Fatal(err)
	}
	if c.Span() != span {
		t.Errorf("span %s, want the one asked for, %s", c.Span(), span)
	}
	return c
}

// TestCoverHasWhatWasRunning: a cover clip begins with the fragment that shows the asked instant, if there is one.
func TestCoverHasWhatWasRunning(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	type piece struct{ start, length time.Duration }
	// Lengths leave out the last frame, of 40 ms as a rule.
	even := []piece{{0, 9960 * ms}, {10 * s, 9960 * ms}, {20 * s, 9960 * ms}, {30 * s, 9960 * ms}}
	gap := []piece{{0, 1960 * ms}, {2 * s, 1960 * ms}, {4 * s, 1960 * ms}, {20 * s, 1960 * ms}, {22 * s, 1960 * ms}}
	overlap := []piece{{0, 19960 * ms}, {5 * s, 2960 * ms}, {20 * s, 9960 * ms}, {30 * s, 9960 * ms}, {40 * s, 9960 * ms}}
	for _, test := range []struct {
		name           string
		pieces         []piece
		start, length  time.Duration
		first          time.Duration // where the cover clip begins
		count, without int           // fragments of the cover clip and of the plain one
	}{
		{"in the middle", even, 15 * s, 10 * s, 10 * s, 2, 1},
		{"a millisecond after a start", even, 10*s + ms, 10 * s, 10 * s, 2, 1},
		{"a millisecond before a start", even, 20*s - ms, 10 * s, 10 * s, 2, 1},
		{"at a start", even, 10 * s, 10 * s, 10 * s, 1, 1},
		{"nothing starts in it", even, 12 * s, 5 * s, 10 * s, 1, 0},
		{"in the last frame, and nothing starts in it", even, 19980 * ms, 5 * ms, 10 * s, 1, 0},
		{"before all footage", even, -5 * s, 10 * s, 0, 1, 1},
		{"in the last fragment", even, 35 * s, 10 * s, 30 * s, 1, 0},
		{"after all footage", even, 40 * s, 10 * s, 0, 0, 0},
		{"in a gap", gap, 10 * s, 11 * s, 20 * s, 1, 1},
		{"as a gap begins", gap, 6 * s, 20 * s, 20 * s, 2, 2},
		{"just before a gap", gap, 6*s - ms, 20 * s, 4 * s, 3, 2},
		{"only a gap", gap, 10 * s, 5 * s, 0, 0, 0},
		// What ended before the instant is in between, so a call brings it too.
		{"overlap", overlap, 10 * s, 15 * s, 0, 3, 1},
		{"overlap, two run", overlap, 6 * s, 5 * s, 5 * s, 1, 0},
		// The next starts later than the end that is worked out, but there is no gap: the last picture stands.
		{"a long last frame", []piece{{0, 1960 * ms}, {2 * s, 1960 * ms}, {4700 * ms, 1960 * ms}, {6700 * ms, 1960 * ms}}, 4500 * ms, s, 2 * s, 2, 1},
		{"a long last frame, nothing starts", []piece{{0, 1960 * ms}, {2 * s, 1960 * ms}, {4700 * ms, 1960 * ms}, {6700 * ms, 1960 * ms}}, 4500 * ms, 100 * ms, 2 * s, 1, 0},
		{"as long as they get", []piece{{0, 20 * s}, {39 * s, 20 * s}, {78 * s, 20 * s}}, 38 * s, 2 * s, 0, 2, 1},
		{"one frame each", []piece{{0, 0}, {5 * s, 0}, {10 * s, 0}, {15 * s, 0}}, 12 * s, s, 10 * s, 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := memory.New()
			for i, p := range test.pieces {
				m.Record("cam", memory.Base().Add(p.start), 1, 2*s)
				m.Recorded["cam"][i].Length = p.length
			}
			l, _ := library(t, m, clip.Options{})
			span := archive.NewSpan(memory.Base().Add(test.start), test.length)
			if plain, err := l.Clip(t.Context(), "cam", span); test.without == 0 && !errors.Is(err, archive.ErrNoFootage) ||
				test.without > 0 && (err != nil || plain.Fragments() != test.without) {
				t.Errorf("plain clip: %v, %v; want %d fragments", plain, err, test.without)
			}
			if test.count == 0 {
				if c, err := l.Cover(t.Context(), "cam", span); !errors.Is(err, archive.ErrNoFootage) {
					t.Errorf("got %v, %v; want ErrNoFootage", c, err)
				}
				return
			}
			c := coverOf(t, l, "cam", span)
			if got, want := c.First(), memory.Base().Add(test.first); !got.Equal(want) || c.Fragments() != test.count {
				t.Errorf("begins at %s with %d fragments, want %s and %d", got, c.Fragments(), want, test.count)
			}
		})
	}
}

// TestCoverReads: the file of a cover clip is the payload from the fragment that was running on, and where nothing was
// running, or a fragment starts at the very instant, it is the plain clip itself.
func TestCoverReads(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 60, 10*time.Second)
	l, _ := library(t, m, clip.Options{})
	span := archive.NewSpan(memory.Base().Add(75*time.Second), time.Minute)
	got, err := readAll(t, coverOf(t, l, "cam", span))
	want := expected(m, "cam", archive.Span{Start: memory.Base().Add(70 * time.Second), End: span.End})
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %d bytes, %v; want %d from the fragment before on", len(got), err, len(want))
	}
	even := archive.NewSpan(memory.Base().Add(time.Minute), time.Minute)
	if plain, cover := lookUp(t, l, "cam", even), coverOf(t, l, "cam", even); plain.Key() != cover.Key() {
		t.Errorf("a start where a fragment starts: keys %s and %s, want one", plain.Key(), cover.Key())
	}
}

// TestCoverOfManyParts: a cover clip of many parts shares with the plain one all but the part that it adds to.
func TestCoverOfManyParts(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 300, 2*time.Second)
	m.Record("cam", memory.Base().Add(11*time.Minute), 60, 2*time.Second) // after a gap
	l, _ := library(t, m, clip.Options{})
	span := archive.NewSpan(memory.Base().Add(61*time.Second), 15*time.Minute)
	mustBe(t, m, lookUp(t, l, "cam", span))
	before, _, _ := m.Calls()
	file, err := readAll(t, coverOf(t, l, "cam", span))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := frames(t, file)
	want, _ := recorded(m.Selected("cam", archive.ByProducer, archive.Span{Start: memory.Base().Add(time.Minute), End: span.End}))
	if !slices.Equal(got, want) {
		t.Errorf("%d samples differ from the %d from the fragment before on", len(got), len(want))
	}
	if after, _, _ := m.Calls(); before < 5 || after != before+1 {
		t.Errorf("the plain clip cost %d GetClip calls, the cover clip %d more; want one", before, after-before)
	}
}

// TestCoverOverAnHour: the fragment that was running may be one of the hour before, which is listed with the rest.
func TestCoverOverAnHour(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base().Add(-5*time.Second), 60, 10*time.Second)
	l, _ := library(t, m, clip.Options{})
	c := coverOf(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute))
	if want := memory.Base().Add(-5 * time.Second); !c.First().Equal(want) || c.Fragments() != 7 {
		t.Errorf("begins at %s with %d fragments, want %s and 7", c.First(), c.Fragments(), want)
	}
	if _, lists, _ := m.Calls(); lists != 1 {
		t.Errorf("cost %d listings, want one over both hours", lists)
	}
	later, _ := library(t, m, clip.Options{})
	coverOf(t, later, "cam", archive.NewSpan(memory.Base().Add(2*time.Minute), time.Minute))
	if _, lists, _ := m.Calls(); lists != 2 {
		t.Errorf("later in the hour it cost %d listings, want one", lists-1)
	}
}

// TestCoverOfADay: the asked span may be 24 h long, the clip a little longer; no longer span may be asked for.
func TestCoverOfADay(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 25*3600/20, 20*time.Second)
	l, _ := library(t, m, clip.Options{})
	span := archive.NewSpan(memory.Base().Add(10*time.Second), archive.MaxSpan)
	if got := coverOf(t, l, "cam", span).Fragments(); got != 24*180+1 {
		t.Errorf("%d fragments, want those of 24 h and one", got)
	}
	for _, bad := range []archive.Span{archive.NewSpan(span.Start, archive.MaxSpan+time.Millisecond), archive.NewSpan(span.Start, 0)} {
		if _, err := l.Cover(t.Context(), "cam", bad); !errors.Is(err, archive.ErrName) {
			t.Errorf("%s: got %v, want ErrName", bad, err)
		}
	}
}

// TestCoverOfOneServerTime: of fragments that came in at one time no call can ask for the one alone.
func TestCoverOfOneServerTime(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 3, 10*time.Second)
	m.Record("cam", memory.Base().Add(2*time.Second), 1, 10*time.Second)
	for i := range m.Recorded["cam"] {
		m.Recorded["cam"][i].Server = m.Recorded["cam"][i].Producer
	}
	m.Recorded["cam"][3].Server = m.Recorded["cam"][0].Server
	l, _ := library(t, m, clip.Options{Selector: archive.ByServer})
	c := coverOf(t, l, "cam", archive.NewSpan(memory.Base().Add(5*time.Second), 10*time.Second))
	if got := c.Fragments(); got != 3 {
		t.Errorf("%d fragments, want both of the first time and one", got)
	}
	if _, err := readAll(t, c); err != nil {
		t.Error(err)
	}
}

// TestCoverAtTheBorders: of what retention has taken, and of what is to come, nothing is covered.
func TestCoverAtTheBorders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(100 * time.Hour)
		m := memory.New()
		m.Retention = 2 * time.Hour
		now := time.Now()
		oldest := now.Add(5*time.Second - m.Retention) // what may be asked for
		m.Record("cam", oldest.Add(-13*time.Second), 700, 10*time.Second)
		l, c := library(t, m, clip.Options{})
		defer func() { _ = c.Close() }()
		for start, want := range map[time.Duration]time.Duration{
			-time.Minute: 7 * time.Second, -time.Second: 7 * time.Second,
			time.Second:     7 * time.Second, // the one that was running began before the border
			8 * time.Second: 7 * time.Second, 18 * time.Second: 17 * time.Second,
		} {
			got := coverOf(t, l, "cam", archive.NewSpan(oldest.Add(start), 2*time.Minute))
			if !got.First().Equal(oldest.Add(want)) {
				t.Errorf("a start %s from the border of retention: begins at %s from it, want %s", start, got.First().Sub(oldest), want)
			}
		}
		if _, err := l.Cover(t.Context(), "cam", archive.NewSpan(now.Add(20*time.Hour), time.Minute)); !errors.Is(err, archive.ErrNoFootage) {
			t.Errorf("in the future: %v", err)
		}
		if _, err := l.Cover(t.Context(), "none", archive.NewSpan(now, time.Minute)); !errors.Is(err, archive.ErrNoStream) {
			t.Errorf("no stream: %v", err)
		}
	})
}

// TestLastCover: what was running when the last so many seconds began is in the clip of them.
func TestLastCover(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 30, 10*time.Second)
	l, _ := library(t, m, clip.Options{})
	plain, err := l.Last(t.Context(), "cam", 25*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	cover, err := l.LastCover(t.Context(), "cam", 25*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if plain.Span() != cover.Span() || plain.Fragments() != 2 || cover.Fragments() != 3 || !cover.First().Equal(memory.Base().Add(270*time.Second)) {
		t.Errorf("plain %s, %d fragments; cover %s, %d fragments from %s", plain.Span(), plain.Fragments(), cover.Span(), cover.Fragments(), cover.First())
	}
	m.Recorded["empty"] = nil
	if _, err := l.LastCover(t.Context(), "empty", time.Minute); !errors.Is(err, archive.ErrNoFootage) {
		t.Errorf("without footage: %v", err)
	}
}

// TestCoverSidecar: the footage of a cover clip begins before its span does.
func TestCoverSidecar(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 30, 10*time.Second)
	l, _ := library(t, m, clip.Options{})
	text := sidecarOf(t, coverOf(t, l, "cam", archive.NewSpan(memory.Base().Add(27500*time.Millisecond), time.Minute)))
	var got struct {
		Start, First string
		Offset       float64 `json:"offset_seconds"`
		Gaps         []any
		Totals       struct{ Fragments int }
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Start != "1999-12-31T20:00:27.500Z" || got.First != "1999-12-31T20:00:20.000Z" || got.Offset != -7.5 || len(got.Gaps) != 0 || got.Totals.Fragments != 7 {
		t.Errorf("got %s", text)
	}
}

// TestCoverUnlisted: where fragments may not be listed a cover clip is the plain one, and costs no more.
func TestCoverUnlisted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory.New()
		m.Record("cam", memory.Base(), 30, 10*time.Second)
		var asked atomic.Int64
		m.RefuseListing = func() error { asked.Add(1); return archive.ErrNotListable }
		l, c := library(t, m, clip.Options{})
		defer func() { _ = c.Close() }()
		span := archive.NewSpan(memory.Base().Add(125*time.Second), time.Minute)
		cover := coverOf(t, l, "cam", span)
		if got := asked.Load(); got != 1 {
			t.Errorf("%d ListFragments calls, want 1", got)
		}
		if plain := lookUp(t, l, "cam", span); plain.Key() != cover.Key() {
			t.Errorf("keys %s and %s, want one", plain.Key(), cover.Key())
		}
		want := memory.Movie(m.Selected("cam", archive.ByProducer, span), false, span.Start)
		if got, err := readAll(t, cover); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %d bytes, %v; want the %d of the plain clip", len(got), err, len(want))
		}
	})
}

// TestPlainClipsTileBesideCovers: whatever cover clips add, plain neighbours have each fragment once.
func TestPlainClipsTileBesideCovers(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 200, 7*time.Second)
	l, _ := library(t, m, clip.Options{})
	sum := 0
	for i := range 10 {
		span := archive.NewSpan(memory.Base().Add(time.Duration(i)*time.Minute), time.Minute)
		plain, cover := lookUp(t, l, "cam", span).Fragments(), coverOf(t, l, "cam", span).Fragments()
		sum += plain
		want := plain
		if i*60%7 != 0 { // no fragment starts there
			want++
		}
		if cover != want {
			t.Errorf("minute %d: %d fragments, its cover clip %d; want %d", i, plain, cover, want)
		}
	}
	if want := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 10*time.Minute)).Fragments(); sum != want {
		t.Errorf("ten minutes one by one: %d fragments, together %d", sum, want)
	}
}
