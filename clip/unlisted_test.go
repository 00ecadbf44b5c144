package clip_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// unlisted is an archive that says that fragments may not be listed, and cuts payloads as the service does. It counts how often
// it is asked to list.
func unlisted(m *memory.Archive) *atomic.Int64 {
	var asked atomic.Int64
	m.RefuseListing = func() error {
		asked.Add(1)
		return fmt.Errorf("kinesisvideo:ListFragments on stream cam: %w", archive.ErrNotListable)
	}
	m.Answer = func(fragments []archive.Fragment) ([]archive.Fragment, error) {
		return fragments[:min(200, len(fragments))], nil
	}
	return &asked
}

// TestUnlistedDay: a day is whole with GetClip alone, at a call a minute: minutes with footage, minutes that recording begins or
// pauses in, and empty hours. Opening it again costs no call.
func TestUnlistedDay(t *testing.T) {
	m := memory.New()
	m.Retention = 100 * 365 * 24 * time.Hour
	start := memory.Base().Add(-20 * time.Hour)
	m.Record("cam", start.Add(13*time.Second), 400, 3*time.Second)
	m.Record("cam", start.Add(3*time.Hour+59*time.Minute+58*time.Second), 1, 2*time.Second)
	m.Record("cam", start.Add(5*time.Hour), 4000, 1900*time.Millisecond)
	m.Record("cam", start.Add(11*time.Hour+30*time.Second), 3, 10*time.Second)
	m.Record("cam", start.Add(23*time.Hour+59*time.Minute+30*time.Second), 60, time.Second)
	asked := unlisted(m)
	dir := t.TempDir()
	heads, err := cache.Open(filepath.Join(dir, "heads"), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = heads.Close() })
	span := archive.NewSpan(start, 24*time.Hour)
	for round, want := range []int{24 * 60, 0} {
		media, err := cache.Open(filepath.Join(dir, fmt.Sprint(round)), cache.Options{})
		if err != nil {
			t.Fatal(err)
		}
		logger, log := infoLog()
		o := lazy()
		o.Heads, o.Logger = heads, logger
		l := clip.NewLibrary(m, media, o)
		before, _, _ := m.Calls()
		film := lookUp(t, l, "cam", span)
		if now, _, _ := m.Calls(); now != before {
			t.Errorf("round %d: the look-up made %d GetClip calls", round, now-before)
		}
		h, err := film.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if now, _, _ := m.Calls(); now-before != want {
			t.Errorf("round %d: opening made %d GetClip calls, want %d", round, now-before, want)
		}
		_ = h.Close()
		mustBe(t, m, film)
		if told := strings.Contains(log.String(), "up to 1440 GetClip calls"); !told || !strings.Contains(film.Note(), "up to 1440 GetClip calls") {
			t.Errorf("round %d: what it costs is not told: note %q, log\n%s", round, film.Note(), log)
		}
		if got := strings.Count(log.String(), "level=WARN"); got != 1 {
			t.Errorf("round %d: %d warnings, want that nothing may be listed alone\n%s", round, got, log)
		}
		if err := media.Close(); err != nil {
			t.Error(err)
		}
	}
	// A span of a day is listed in up to eight calls at once, and any of them may be the first to be refused.
	if got := asked.Load(); got > 2*8 {
		t.Errorf("listing was tried %d times by two libraries", got)
	}
}

// TestUnlistedTenMinutes: what was 200 fragments of 300 is all of them.
func TestUnlistedTenMinutes(t *testing.T) {
	for _, gaps := range []clip.GapPolicy{clip.CloseGaps, clip.KeepGaps} {
		m := memory.New()
		m.Record("cam", memory.Base(), 300, 2*time.Second)
		unlisted(m)
		o := lazy()
		o.Gaps = gaps
		l, _ := library(t, m, o)
		film := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 10*time.Minute))
		mustBe(t, m, film)
		file, err := readAll(t, film)
		if err != nil {
			t.Fatal(err)
		}
		_, got := frames(t, file)
		if _, want := recorded(m.Recorded["cam"]); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("gaps %s: fragments that begin with each minute are not at their times: %v", gaps, got)
		}
		// A clip within shares the minutes.
		before, _, _ := m.Calls()
		mustBe(t, m, lookUp(t, l, "cam", archive.NewSpan(memory.Base().Add(2*time.Minute), 3*time.Minute)))
		if now, _, _ := m.Calls(); now != before {
			t.Errorf("a clip within made %d GetClip calls more", now-before)
		}
	}
}

// TestUnlistedCut: what may have been cut is asked for in halves, so often as it takes, down to a second.
func TestUnlistedCut(t *testing.T) {
	for _, test := range []struct {
		spacing  time.Duration
		minutes  int
		calls    int
		moovLast bool
		want     error
	}{
		{time.Second / 4, 2, 2 * 3, false, nil},                // 240 a minute: two halves
		{time.Second / 4, 1, 3, false, nil},                    // a clip of one call as a rule
		{time.Second / 4, 1, 3, true, nil},                     //
		{time.Second * 3 / 10, 1, 3, false, nil},               // 200 exactly may be more
		{time.Minute / 199, 1, 1, false, nil},                  // and 199 not
		{time.Second / 10, 2, 2 * 7, false, nil},               // 600 a minute: four quarters of 150
		{10 * time.Millisecond, 1, 63, false, nil},             // 6000 a minute: 32 of 187 or 188
		{4 * time.Millisecond, 1, 7, false, archive.ErrTooBig}, // 234 in the first 0.9375 s
	} {
		m := memory.New()
		m.MoovLast = test.moovLast
		length := time.Duration(test.minutes) * time.Minute
		for i := range int(length / test.spacing) {
			at := memory.Base().Add((time.Duration(i) * test.spacing).Truncate(archive.Grain))
			m.Record("cam", at, 1, test.spacing.Truncate(2*archive.Grain))
		}
		unlisted(m)
		l, _ := library(t, m, lazy())
		film := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), length))
		h, err := film.Open(t.Context())
		if !errors.Is(err, test.want) {
			t.Errorf("a fragment each %s: got %v, want %v", test.spacing, err, test.want)
		}
		if now, _, _ := m.Calls(); now != test.calls {
			t.Errorf("a fragment each %s: %d GetClip calls, want %d", test.spacing, now, test.calls)
		}
		if err != nil {
			if text := film.Err().Error(); !strings.Contains(text, "may have been cut") || !strings.Contains(text, "200 key frames") || !strings.Contains(text, "ListFragments") {
				t.Errorf("a user is told %q", text)
			}
			continue
		}
		_ = h.Close()
		mustBe(t, m, film)
	}
}

// TestUnlistedLargePayload: the same of one of more than 90 MB. In the bubble's time no call is made again because a slow machine
// takes long for one.
func TestUnlistedLargePayload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory.New()
		m.Record("cam", memory.Base(), 10, 6*time.Second)
		for i := range m.Recorded["cam"] {
			m.Recorded["cam"][i].Size = 9_100_000
		}
		unlisted(m)
		l, c := library(t, m, lazy())
		file, err := readAll(t, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute)))
		if err != nil {
			t.Fatal(err)
		}
		marks, _ := frames(t, file)
		for i, f := range m.Recorded["cam"] {
			if len(marks) != 20 || marks[2*i] != uint64(f.Producer.UnixMilli()) {
				t.Fatalf("fragment %d is not in its place among %d samples", i, len(marks))
			}
		}
		if now, _, _ := m.Calls(); now != 3 {
			t.Errorf("%d GetClip calls, want the one of 91 MB and two of 45 MB", now)
		}
		_ = c.Close() // within the bubble
	})
}

// TestUnlistedCodecChange: a minute in which the codec changes is asked for in halves too.
func TestUnlistedCodecChange(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 60, 2*time.Second)
	unlisted(m)
	change := memory.Base().Add(44 * time.Second)
	m.Answer = func(fragments []archive.Fragment) ([]archive.Fragment, error) {
		if fragments[0].Producer.Before(change) && !fragments[len(fragments)-1].Producer.Before(change) {
			return nil, archive.ErrCodecChange
		}
		return fragments, nil
	}
	l, _ := library(t, m, lazy())
	mustBe(t, m, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute)))
}

// TestUnlistedPositions: where recording goes on, each picture is within a fragment of its time, and no error adds up; pauses
// are kept apart from what a minute's border cuts.
func TestUnlistedPositions(t *testing.T) {
	const spacing = 7 * time.Second
	for _, lead := range []time.Duration{0, 3 * time.Second, 6 * time.Second} {
		m := memory.New()
		m.Record("cam", memory.Base().Add(lead), 300, spacing)
		m.Record("cam", memory.Base().Add(time.Hour), 60, spacing)
		unlisted(m)
		o := lazy()
		o.Gaps = clip.KeepGaps
		l, _ := library(t, m, o)
		film := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 2*time.Hour))
		mustBe(t, m, film)
		file, err := readAll(t, film)
		if err != nil {
			t.Fatal(err)
		}
		_, got := frames(t, file)
		_, want := recorded(m.Selected("cam", archive.ByProducer, film.Span()))
		for i := range want {
			if off := want[i] + lead - got[i]; off < 0 || off > spacing {
				t.Errorf("lead %s: frame %d at %s, was recorded at %s", lead, i, got[i], want[i]+lead)
				break
			}
		}
	}
}

// TestUnlistedGapsAreClosed: what lies between is taken out as in any clip.
func TestUnlistedGapsAreClosed(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 60, 2*time.Second)
	m.Record("cam", memory.Base().Add(10*time.Minute), 60, 2*time.Second)
	unlisted(m)
	l, _ := library(t, m, lazy())
	file, err := readAll(t, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 15*time.Minute)))
	if err != nil {
		t.Fatal(err)
	}
	_, got := frames(t, file)
	for i := range got {
		if want := time.Duration(i) * time.Second; got[i] != want {
			t.Fatalf("frame %d at %s, want %s", i, got[i], want)
		}
	}
}

// TestUnlistedEdge: what is recorded now is asked for again, and an empty minute at the live edge is not believed for long.
func TestUnlistedEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(10*time.Minute + 30*time.Second)
		m := memory.New()
		now := time.Now()
		m.Record("cam", now.Add(-5*time.Minute), 150, 2*time.Second) // up to now
		unlisted(m)
		l, c := library(t, m, lazy())
		span := archive.NewSpan(now.Add(-3*time.Minute), 30*time.Minute)
		first := lookUp(t, l, "cam", span)
		mustBe(t, m, first)
		if again := lookUp(t, l, "cam", span); again.Key() != first.Key() {
			t.Error("another version at once")
		}
		m.Record("cam", now.Add(4*time.Minute), 30, 2*time.Second)
		time.Sleep(6 * time.Minute)
		later := lookUp(t, l, "cam", span)
		if later.Key() == first.Key() {
			t.Error("the same version after 6 minutes")
		}
		before, _, _ := m.Calls()
		mustBe(t, m, later)
		// Of the minutes before now, two were settled and known.
		if calls, _, _ := m.Calls(); calls-before > 8 {
			t.Errorf("%d GetClip calls for 7 minutes that were not known", calls-before)
		}
		// A minute that was empty, and over, is believed to be so for as long again.
		m.Record("cam", now.Add(2*time.Minute), 10, 2*time.Second)
		time.Sleep(time.Hour)
		mustBe(t, m, lookUp(t, l, "cam", archive.NewSpan(span.Start, 7*time.Minute)))
		_ = c.Close() // within the bubble
	})
}

// TestUnlistedNoFootage: a clip that no call brings anything of has none, which opening tells.
func TestUnlistedNoFootage(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 30, 2*time.Second)
	unlisted(m)
	l, _ := library(t, m, clip.Options{})
	for _, length := range []time.Duration{time.Minute, 10 * time.Minute} {
		for _, again := range []string{"", "again "} {
			if _, err := readAll(t, lookUp(t, l, "cam", archive.NewSpan(memory.Base().Add(-time.Hour), length))); !errors.Is(err, archive.ErrNoFootage) {
				t.Errorf("%s%s: got %v, want ErrNoFootage", again, length, err)
			}
		}
	}
	if calls, _, _ := m.Calls(); calls != 10 {
		t.Errorf("%d GetClip calls, want one for each of ten minutes", calls)
	}
}

// TestUnlistedMoovLast: where heads come last, opening is bounded, to what is under way when the first payload tells so.
func TestUnlistedMoovLast(t *testing.T) {
	m := memory.New()
	m.MoovLast = true
	m.Record("cam", memory.Base().Add(5*time.Minute), 600, 2*time.Second)
	unlisted(m)
	o := lazy()
	o.MaxOpenFetch = 500_000
	l, _ := library(t, m, o)
	if _, err := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Hour)).Open(t.Context()); !errors.Is(err, archive.ErrTooBig) {
		t.Errorf("got %v, want ErrTooBig", err)
	}
	// Beyond that at most what is under way when a payload first tells where its head stands, eight calls, or one call after that.
	minute := int64(len(expected(m, "cam", archive.NewSpan(memory.Base().Add(5*time.Minute), time.Minute))))
	if got, most := m.Sent(), o.MaxOpenFetch+8*minute; got > most {
		t.Errorf("%d bytes were fetched, of %d at most", got, most)
	}
}

// TestUnlistedKeys: a stream that was made again under its name, and another policy for gaps, are other clips.
func TestUnlistedKeys(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 300, 2*time.Second)
	unlisted(m)
	key := func(span time.Duration, o clip.Options) string {
		l, _ := library(t, m, o)
		return lookUp(t, l, "cam", archive.NewSpan(memory.Base(), span)).Key()
	}
	long, short := key(10*time.Minute, clip.Options{}), key(time.Minute, clip.Options{})
	if key(10*time.Minute, clip.Options{Gaps: clip.KeepGaps}) == long || key(10*time.Minute, clip.Options{}) != long {
		t.Error("the key of a joined clip does not know what becomes of gaps, or changes")
	}
	m.Change(func() { m.ARN = "another" })
	if key(10*time.Minute, clip.Options{}) == long || key(time.Minute, clip.Options{}) == short {
		t.Error("another ARN, the same key")
	}
	m.Change(func() { m.ARN, m.Created = "", memory.Base() })
	if key(10*time.Minute, clip.Options{}) == long || key(time.Minute, clip.Options{}) == short {
		t.Error("created at another time, the same key")
	}
}

// TestDenialIsLookedAtAgain: it is believed for a while, whatever asks for a listing, and forgotten when listing works.
func TestDenialIsLookedAtAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory.New()
		m.Record("cam", memory.Base(), 300, 2*time.Second)
		asked := unlisted(m)
		l, c := library(t, m, clip.Options{})
		span := archive.NewSpan(memory.Base(), 10*time.Minute)
		for _, ask := range []func() error{
			func() error { _, err := l.Latest(t.Context(), "cam"); return err },
			func() error { _, err := l.Last(t.Context(), "cam", time.Minute); return err },
			func() error { _, err := l.Days(t.Context(), "cam"); return err },
			func() error { _, err := lookUp(t, l, "cam", span).Recording(context.Background()); return err },
		} {
			if err := ask(); !errors.Is(err, archive.ErrNotListable) || !errors.Is(err, archive.ErrDenied) {
				t.Errorf("got %v, want ErrNotListable", err)
			}
		}
		if got := asked.Load(); got != 1 {
			t.Errorf("listing was tried %d times, want once", got)
		}
		m.Change(func() { m.RefuseListing = nil })
		if got := lookUp(t, l, "cam", span).Fragments(); got != 0 {
			t.Errorf("%d fragments while the denial is believed", got)
		}
		time.Sleep(time.Minute + time.Second)
		mustBe(t, m, lookUp(t, l, "cam", span))
		if got := lookUp(t, l, "cam", span).Fragments(); got != 300 || l.Denied("cam") != nil {
			t.Errorf("%d fragments once it is permitted, denied: %v", got, l.Denied("cam"))
		}
		_ = c.Close() // within the bubble
	})
}

// TestOtherRefusalsAreErrors: no other error makes a clip of what calls bring without a listing.
func TestOtherRefusalsAreErrors(t *testing.T) {
	for _, refusal := range []error{archive.ErrDenied, archive.ErrCredentials, archive.ErrRefused, archive.ErrUnreachable, archive.ErrThrottled} {
		m := memory.New()
		m.Record("cam", memory.Base(), 300, 2*time.Second)
		m.RefuseListing = func() error { return refusal }
		l, _ := library(t, m, clip.Options{})
		span := archive.NewSpan(memory.Base(), 10*time.Minute)
		if c, err := l.Clip(t.Context(), "cam", span); !errors.Is(err, refusal) {
			t.Errorf("%v: got %v, %v", refusal, c, err)
		}
		if c, err := l.Cover(t.Context(), "cam", span); !errors.Is(err, refusal) {
			t.Errorf("cover, %v: got %v, %v", refusal, c, err)
		}
		m.Change(func() { m.RefuseListing = nil })
		mustBe(t, m, lookUp(t, l, "cam", span))
	}
}

// TestUnlistedMinuteIsItsPayload: a clip of one call is what it brings, across the border of a minute too.
func TestUnlistedMinuteIsItsPayload(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 300, 2*time.Second)
	unlisted(m)
	l, _ := library(t, m, lazy())
	span := archive.NewSpan(memory.Base().Add(150*time.Second), time.Minute)
	got, err := readAll(t, lookUp(t, l, "cam", span))
	if err != nil || !bytes.Equal(got, expected(m, "cam", span)) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if calls, _, _ := m.Calls(); calls != 1 {
		t.Errorf("%d GetClip calls", calls)
	}
	// No call can ask for a millisecond alone.
	mustBe(t, m, lookUp(t, l, "cam", archive.Span{Start: memory.Base().Add(time.Minute - archive.Grain), End: memory.Base().Add(3*time.Minute + archive.Grain)}))
	if calls, _, _ := m.Calls(); calls != 3 {
		t.Errorf("%d GetClip calls, want two more for two minutes and a millisecond at both ends", calls)
	}
}
