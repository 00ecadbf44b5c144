package hls_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/hls"
	"clipfs/clip/mp4"
)

const door archive.StreamName = "door"

// published is an archive with a publisher over it, that has a cache of its own.
type published struct {
	*hls.Publisher
	archive *memory.Archive
	library *clip.Library
}

// publish publishes an archive.
func publish(t testing.TB, a *memory.Archive, o clip.Options, segment time.Duration) published {
	t.Helper()
	c, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	l := clip.NewLibrary(a, c, o)
	return published{hls.New(l, hls.Options{Segment: segment}), a, l}
}

// recorded is an archive of hours of fragments of two seconds.
func recorded(hours int) *memory.Archive {
	a := memory.New()
	a.Record(door, memory.Base(), hours*1800, 2*time.Second)
	return a
}

// clip gives the clip of a span so long after the beginning of the footage.
func (p published) clip(t *testing.T, after, length time.Duration) *clip.Clip {
	t.Helper()
	c, err := p.library.Clip(t.Context(), door, archive.NewSpan(memory.Base().Add(after), length))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// segment gives a segment of six seconds as it is looked up.
func (p published) segment(t *testing.T, after time.Duration) *hls.Segment {
	t.Helper()
	g, err := p.Segment(t.Context(), p.clip(t, after, 6*time.Second), after)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// open opens a segment as a face does: once for its size, and again.
func (p published) open(t *testing.T, after time.Duration) {
	t.Helper()
	g := p.segment(t, after)
	estimate, _ := g.Size()
	for range 2 {
		h, err := g.Open(t.Context())
		if err != nil {
			t.Fatalf("segment at %s: %v", after, err)
		}
		if size, exact := g.Size(); size != h.Size() || !exact || size > estimate {
			t.Errorf("segment at %s: %d bytes, exact %t, open %d, before %d", after, size, exact, h.Size(), estimate)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
	if again := p.segment(t, after); again.Version() != g.Version() {
		t.Errorf("segment at %s: version %s, then %s", after, g.Version(), again.Version())
	}
}

// calls is how many GetClip calls something makes.
func (p published) calls(do func()) int {
	before, _, _ := p.archive.Calls()
	do()
	after, _, _ := p.archive.Calls()
	return after - before
}

// whole waits until what is fetched is on disk.
func whole(t *testing.T, c *clip.Clip) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		missing, err := c.Missing(t.Context())
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%s: %d bytes are missing, %v", c.Span(), missing, err)
		}
		if missing == 0 {
			return
		}
	}
}

// readAll reads all of a clip.
func readAll(t *testing.T, c *clip.Clip) {
	t.Helper()
	h, err := c.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := h.ReadAt(t.Context(), make([]byte, h.Size()), 0); int64(n) != h.Size() {
		t.Fatalf("%s: %d bytes of %d, %v", c.Span(), n, h.Size(), err)
	}
	whole(t, c)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCallsOfPlaying: playing n seconds takes at most as many calls as there are parts in so long a time, and one, wherever it begins, and
// a seek takes one.
func TestCallsOfPlaying(t *testing.T) {
	for _, begin := range []time.Duration{0, 6 * time.Second, 30 * time.Second, 48 * time.Second, 54 * time.Second} {
		for _, n := range []int{1, 2, 9, 10, 11, 20, 21, 45} {
			p := publish(t, recorded(1), clip.Options{}, 0)
			seconds := n * 6
			got := p.calls(func() {
				for i := range n {
					p.open(t, begin+time.Duration(i)*6*time.Second)
				}
			})
			if most := (seconds+59)/60 + 1; got > most {
				t.Errorf("%d s from %s: %d calls, want at most %d", seconds, begin, got, most)
			}
		}
	}
	p := publish(t, recorded(1), clip.Options{}, 0)
	if got := p.calls(func() { p.open(t, 0); p.open(t, 6*time.Second) }); got != 1 {
		t.Errorf("the beginning of a playlist: %d calls", got)
	}
	p = publish(t, recorded(1), clip.Options{}, 0)
	for i, at := range []time.Duration{30 * time.Minute, 10 * time.Minute, 50 * time.Minute, 10*time.Minute + 30*time.Second} {
		if got := p.calls(func() { p.open(t, at) }); got != 1 {
			t.Errorf("seek %d to %s: %d calls", i, at, got)
		}
	}
	if sent := p.archive.Sent(); sent > 4*4*4000 {
		t.Errorf("%d bytes were sent for four segments", sent)
	}
}

// TestGapsAreNoSeeks: who plays over a gap goes on, as the positions in the playlist do.
func TestGapsAreNoSeeks(t *testing.T) {
	a := memory.New()
	a.Record(door, memory.Base(), 30, 2*time.Second)
	a.Record(door, memory.Base().Add(2*time.Minute), 30, 2*time.Second)
	p := publish(t, a, clip.Options{}, 0)
	got := p.calls(func() {
		for i := range 20 {
			at := time.Duration(i) * 6 * time.Second
			on := at
			if i >= 10 {
				on += time.Minute
			}
			c := p.clip(t, on, 6*time.Second)
			g, err := p.Segment(t.Context(), c, at)
			if err != nil {
				t.Fatal(err)
			}
			h, err := g.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_ = h.Close()
		}
	})
	if got > 3 {
		t.Errorf("%d calls for two minutes", got)
	}
}

// TestSharing: what is on disk of a clip is not fetched again for a segment, and what was played not for a clip, but for the first part.
// In the bubble's time no call fails because a slow machine takes long for a day.
func TestSharing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(100 * time.Hour) // after the footage
		for name, length := range map[string]time.Duration{"an hour": time.Hour, "a day": 24 * time.Hour, "a minute": time.Minute} {
			p := publish(t, recorded(25), clip.Options{}, 0)
			readAll(t, p.clip(t, 0, length))
			got := p.calls(func() {
				for _, at := range []time.Duration{30 * time.Second, 0, 54 * time.Second, min(length-6*time.Second, 40*time.Minute)} {
					p.open(t, at)
				}
			})
			if got != 0 {
				t.Errorf("of %s that is on disk: %d calls", name, got)
			}
		}
		p := publish(t, recorded(1), clip.Options{}, 0)
		for i := range 600 {
			p.open(t, time.Duration(i)*6*time.Second)
		}
		whole(t, p.clip(t, 59*time.Minute, time.Minute))
		before := p.archive.Sent()
		if got := p.calls(func() { readAll(t, p.clip(t, 0, time.Hour)) }); got > 1 {
			t.Errorf("an hour that was played: %d calls", got)
		}
		if again := p.archive.Sent() - before; again > before/20 {
			t.Errorf("an hour that was played: %d bytes more than %d", again, before)
		}
	})
}

// TestFetchesOn: from the third segment in a row on the source is fetched to its end though nothing reads it, and not before.
func TestFetchesOn(t *testing.T) {
	p := publish(t, recorded(1), clip.Options{}, 0)
	p.archive.Slow = time.Millisecond
	rest := p.clip(t, 0, time.Minute)
	for i := range 2 {
		p.open(t, time.Duration(i)*6*time.Second)
	}
	if missing, err := rest.Missing(t.Context()); err != nil || missing == 0 {
		t.Errorf("after two segments: %d bytes are missing, %v", missing, err)
	}
	p.open(t, 12*time.Second)
	whole(t, rest)
}

// TestOpenErrors: what cannot be had is told as clips tell it, and what becomes possible is had.
func TestOpenErrors(t *testing.T) {
	p := publish(t, recorded(1), clip.Options{}, 0)
	p.archive.Change(func() { p.archive.RefusePayload = func(int) error { return archive.ErrDenied } })
	g := p.segment(t, 0)
	if _, err := g.Open(t.Context()); !errors.Is(err, archive.ErrDenied) || !errors.Is(g.Err(), archive.ErrDenied) {
		t.Errorf("refused: %v, noted %v", err, g.Err())
	}
	p.archive.Change(func() { p.archive.RefusePayload = nil })
	p.open(t, 0)
	if g.Err() != nil {
		t.Errorf("still noted: %v", g.Err())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	late := p.segment(t, 30*time.Minute)
	if _, err := late.Open(ctx); !errors.Is(err, context.Canceled) || late.Err() != nil {
		t.Errorf("canceled: %v, noted %v", err, late.Err())
	}
}

// TestSourceThatFails: where the call for a whole part fails for good, segments of it that can be had are had by themselves.
func TestSourceThatFails(t *testing.T) {
	a := recorded(1)
	a.Answer = func(fragments []archive.Fragment) ([]archive.Fragment, error) {
		if len(fragments) > 3 {
			return nil, archive.ErrUnservable
		}
		return fragments, nil
	}
	p := publish(t, a, clip.Options{}, 0)
	for i := range 4 {
		at := time.Duration(i) * 6 * time.Second
		g := p.segment(t, at)
		h, err := g.Open(t.Context())
		if errors.Is(err, archive.ErrChanged) { // as a face does, it is looked up again
			g = p.segment(t, at)
			h, err = g.Open(t.Context())
		}
		if err != nil {
			t.Fatalf("segment at %s: %v", at, err)
		}
		_ = h.Close()
	}
}

// asUnits makes each picture of a payload a NAL unit.
func asUnits(t *testing.T, payload []byte) {
	t.Helper()
	for box, err := range mp4.Children(payload) {
		if err != nil {
			t.Fatal(err)
		}
		if box.Type != mp4.TypeMoov {
			continue
		}
		movie, err := mp4.ParseMovie(box.Raw)
		if err != nil {
			t.Fatal(err)
		}
		for s, err := range movie.Video().Samples() {
			if err != nil {
				t.Fatal(err)
			}
			binary.BigEndian.PutUint32(payload[s.Position:], s.Size-4)
		}
	}
}

// TestSpoiled: where what came has no frames where its head says, a read says that the segment has changed, and what another call brings is read then. If that
// is no better the read fails.
func TestSpoiled(t *testing.T) {
	for _, calls := range []int{1, 2} {
		a := recorded(1)
		a.Body = func(n int, payload []byte) io.Reader {
			if n <= calls {
				clear(payload[bytes.Index(payload, []byte("mdat"))+4:])
			} else {
				asUnits(t, payload)
			}
			return bytes.NewReader(payload)
		}
		p := publish(t, a, clip.Options{}, 0)
		read := func() error {
			g := p.segment(t, 0)
			h, err := g.Open(t.Context())
			if err != nil {
				return err
			}
			defer func() { _ = h.Close() }()
			whole(t, p.clip(t, 0, time.Minute))
			_, err = h.ReadAt(t.Context(), make([]byte, h.Size()), 0)
			return err
		}
		for i, want := range []error{archive.ErrChanged, nil} {
			err := read()
			if i == calls && err != nil || i < calls && err == nil || i == 0 && !errors.Is(err, want) {
				t.Errorf("%d calls bring nothing good: read %d: %v", calls, i, err)
			}
		}
	}
}

// TestUnlisted: segments of a stream whose fragments may not be listed are had by their names; there is no playlist of it.
func TestUnlisted(t *testing.T) {
	a := recorded(1)
	a.RefuseListing = func() error { return archive.ErrNotListable }
	p := publish(t, a, clip.Options{}, 0)
	if got := p.calls(func() { p.open(t, 0) }); got != 1 {
		t.Errorf("%d calls for a segment", got)
	}
	if _, err := p.Playlist(t.Context(), p.clip(t, 0, time.Minute), "../"); !errors.Is(err, archive.ErrNotListable) {
		t.Errorf("playlist: %v", err)
	}
}

// TestEstimates: before its head is known a segment is told to be as large as it comes out to be at least, and not much larger than that, whatever its rate.
func TestEstimates(t *testing.T) {
	for _, size := range []int64{12, 100, 1000, 30_000, 1_000_000} {
		a := recorded(1)
		for i := range a.Recorded[door] {
			a.Recorded[door][i].Size = size
		}
		for _, listed := range []bool{true, false} {
			if !listed {
				a.RefuseListing = func() error { return archive.ErrNotListable }
			}
			p := publish(t, a, clip.Options{}, 0)
			g := p.segment(t, 0)
			estimate, _ := g.Size()
			h, err := g.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if estimate < h.Size() || listed && estimate > 2*h.Size()+16<<10+3*32*size {
				t.Errorf("fragments of %d bytes, listed %t: %d bytes, and before %d", size, listed, h.Size(), estimate)
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// uris gives those of a playlist.
func uris(text string) []string { return regexp.MustCompile(`(?m)^[^#].*$`).FindAllString(text, -1) }

// text gives that of a clip's playlist.
func (p published) text(t *testing.T, c *clip.Clip, prefix string) (text string, notes []string) {
	t.Helper()
	list, err := p.Playlist(t.Context(), c, prefix)
	if err != nil {
		t.Fatal(err)
	}
	b, err := list.Text(t.Context())
	if err != nil || int64(len(b)) != list.Size {
		t.Fatalf("%d bytes, %v; %d announced", len(b), err, list.Size)
	}
	return string(b), list.Notes
}

// TestPlaylist: a playlist follows from the listing alone, and names each second once, from 0 on.
func TestPlaylist(t *testing.T) {
	a := recorded(2)
	a.Record(door, memory.Base().Add(2*time.Hour+30*time.Second), 10, 2*time.Second)
	p := publish(t, a, clip.Options{}, 0)
	text, notes := p.text(t, p.clip(t, 0, 3*time.Hour), "../../")
	all := uris(text)
	if got, _, _ := a.Calls(); got != 0 || len(notes) != 0 {
		t.Errorf("%d GetClip calls, notes %q", got, notes)
	}
	if len(all) != 1200+4 || all[0] != "../../19991231T200000Z/6s.ts" || all[1] != "../../19991231T200006Z/6s.pts6000.ts" {
		t.Errorf("%d segments, first %q", len(all), all[:2])
	}
	if got, want := all[1200], "../../19991231T220030Z/6s.pts7200000.ts"; got != want {
		t.Errorf("behind the gap: %q, want %q", got, want)
	}
	if strings.Count(text, "#EXT-X-DISCONTINUITY\n") != 1 || !strings.HasSuffix(text, "#EXT-X-ENDLIST\n") {
		t.Errorf("ends %q", text[len(text)-200:])
	}
	long, _ := publish(t, a, clip.Options{}, 20*time.Second).text(t, p.clip(t, 0, time.Hour), "../")
	if got := uris(long); len(got) != 180 || got[1] != "../19991231T200020Z/20s.pts20000.ts" {
		t.Errorf("segments of 20 s: %d, %q", len(got), got[1])
	}
}

// TestPlaylistOfChanges: a playlist is marked where what was read has other parameters than what was read before it; what is known to be of another codec
// is left out, and it says so.
func TestPlaylistOfChanges(t *testing.T) {
	for _, test := range []struct {
		name, from, to string
		segments       int
		note           string
	}{
		{"nothing", "avc1", "avc1", 600, ""},
		{"other parameters", "\x67\x42\x00\x1e", "\x67\x42\x00\x1f", 600, ""},
		{"another codec", "avc1", "hvc1", 590, "H.265 is left out"},
	} {
		a := recorded(1)
		change := 10 * time.Minute
		changes(a, memory.Base().Add(change), test.from, test.to)
		p := publish(t, a, clip.Options{}, 0)
		for _, at := range []time.Duration{change - time.Minute, change} { // whose heads tell how their minutes are coded
			g, err := p.Segment(t.Context(), p.clip(t, at, 6*time.Second), 0)
			if err != nil {
				t.Fatal(err)
			}
			h, err := g.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_ = h.Close()
		}
		text, notes := p.text(t, p.clip(t, 0, time.Hour), "../")
		marks := strings.Count(text, "#EXT-X-DISCONTINUITY\n")
		if got := len(uris(text)); got != test.segments || (marks > 0) != (test.from != test.to) {
			t.Errorf("%s: %d segments, %d marks", test.name, got, marks)
		}
		if got := strings.Join(notes, "; "); !strings.Contains(got, test.note) || test.note == "" && got != "" {
			t.Errorf("%s: notes %q", test.name, got)
		}
	}
}

// TestPlaylistOfManySegments: a playlist that would be too long has longer segments, and says so.
func TestPlaylistOfManySegments(t *testing.T) {
	a := memory.New()
	begin := memory.Base().Truncate(24 * time.Hour)
	a.Record(door, begin, 86_400, time.Second)
	p := publish(t, a, clip.Options{}, 2*time.Second)
	day, err := p.library.Clip(t.Context(), door, archive.NewSpan(begin, 24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	text, notes := p.text(t, day, "../")
	if len(text) > 2_000_000 || len(notes) != 1 || !strings.Contains(notes[0], "segments are 3s long and not 2s") {
		t.Errorf("%d bytes, notes %q", len(text), notes)
	}
}

// TestBorders: no segment lies across the end of a day, where clocks say that it ends.
func TestBorders(t *testing.T) {
	a := memory.New()
	midnight := memory.Base().Add(4 * time.Hour)
	a.Record(door, midnight.Add(-time.Minute-time.Second), 60, 2*time.Second)
	p := publish(t, a, clip.Options{}, 0)
	text, _ := p.text(t, p.clip(t, 3*time.Hour, 2*time.Hour), "../")
	if !strings.Contains(text, fmt.Sprintf("/%sZ/", midnight.Add(time.Second).Format("20060102T150405"))) {
		t.Errorf("no segment begins with the first fragment of the day:\n%s", text)
	}
}
