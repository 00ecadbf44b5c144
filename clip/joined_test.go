package clip_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/mp4"
)

// frames gives the first bytes of every sample of a movie, which tell what was recorded when, and when each is decoded.
func frames(t *testing.T, file []byte) (marks []uint64, at []time.Duration) {
	t.Helper()
	s := mp4.NewScanner(bytes.NewReader(file))
	var movie *mp4.Movie
	for movie == nil {
		box, err := s.Next()
		if err != nil {
			t.Fatalf("no moov in %d bytes: %v", len(file), err)
		}
		if box.Type != mp4.TypeMoov {
			continue
		}
		moov, err := mp4.ReadMoov(box)
		if err != nil {
			t.Fatal(err)
		}
		if movie, err = mp4.ParseMovie(moov); err != nil {
			t.Fatal(err)
		}
	}
	video := movie.Video()
	for sample, err := range video.Samples() {
		if err != nil {
			t.Fatal(err)
		}
		marks = append(marks, binary.BigEndian.Uint64(file[sample.Position:]))
		at = append(at, time.Duration(sample.DTS)*time.Second/time.Duration(video.Timescale))
	}
	return marks, at
}

// recorded gives what frames should give for fragments as memory makes them: marks, and times that keep the clock.
func recorded(fragments []archive.Fragment) (marks []uint64, at []time.Duration) {
	for _, f := range fragments {
		start := f.Producer.Sub(fragments[0].Producer)
		marks = append(marks, uint64(f.Producer.UnixMilli()), uint64(f.Producer.UnixMilli())+uint64(f.Size)/2)
		at = append(at, start, start+(f.Length+40*time.Millisecond)/2)
	}
	return marks, at
}

// mustBe reads all of a clip and compares its frames with the fragments of a span.
func mustBe(t *testing.T, m *memory.Archive, c *clip.Clip) {
	t.Helper()
	file, err := readAll(t, c)
	if err != nil {
		t.Fatal(err)
	}
	marks, _ := frames(t, file)
	want, _ := recorded(m.Selected(c.Stream(), archive.ByProducer, c.Span()))
	if !slices.Equal(marks, want) {
		t.Errorf("%s: %d samples differ from the %d recorded", c.Span(), len(marks), len(want))
	}
	if size, exact := c.Size(); !exact || size != int64(len(file)) {
		t.Errorf("%s: size %d exact %t, read %d", c.Span(), size, exact, len(file))
	}
}

func TestManyParts(t *testing.T) {
	for name, test := range map[string]struct {
		record func(m *memory.Archive)
		calls  int
	}{
		"201 fragments":           {func(m *memory.Archive) { m.Record("cam", memory.Base(), 201, time.Second) }, 4},
		"more than a call a cell": {func(m *memory.Archive) { m.Record("cam", memory.Base(), 500, 200*time.Millisecond) }, 3},
		"gap": {func(m *memory.Archive) {
			m.Record("cam", memory.Base(), 5, 2*time.Second)
			m.Record("cam", memory.Base().Add(30*time.Second), 5, 2*time.Second)
		}, 2},
		"gap and grid": {func(m *memory.Archive) {
			m.Record("cam", memory.Base(), 50, 2*time.Second)
			m.Record("cam", memory.Base().Add(5*time.Minute+30*time.Second), 50, 2*time.Second)
		}, 5},
	} {
		for _, moovLast := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				m := memory.New()
				m.MoovLast = moovLast
				test.record(m)
				l, _ := library(t, m, clip.Options{})
				c := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 10*time.Minute))
				if _, exact := c.Size(); exact {
					t.Error("exact size before the first open")
				}
				mustBe(t, m, c)
				mustBe(t, m, c)
				if payloads, _, _ := m.Calls(); payloads != test.calls {
					t.Errorf("%d GetClip calls, want %d", payloads, test.calls)
				}
			})
		}
	}
}

// TestGapPolicies: closed, what follows a gap is moved up to what precedes it; kept, it stays at its time of day. The
// sidecar tells which position is which time.
func TestGapPolicies(t *testing.T) {
	for _, policy := range []clip.GapPolicy{clip.CloseGaps, clip.KeepGaps} {
		m := memory.New()
		m.Record("cam", memory.Base(), 5, 2*time.Second)
		m.Record("cam", memory.Base().Add(30*time.Second), 5, 2*time.Second)
		l, _ := library(t, m, clip.Options{Gaps: policy})
		c := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 10*time.Minute))
		before := sidecarOf(t, c)
		file, err := readAll(t, c)
		if err != nil {
			t.Fatal(err)
		}
		_, got := frames(t, file)
		_, want := recorded(m.Recorded["cam"])
		if policy == clip.CloseGaps {
			for i := 10; i < len(want); i++ {
				want[i] -= 20 * time.Second
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", policy, got, want)
		}
		point := `"position_seconds": 10,
    "time": "1999-12-31T20:00:30.000Z"`
		if strings.Contains(string(before), point) != (policy == clip.CloseGaps) {
			t.Errorf("%s: want the point after the gap only where it is closed:\n%s", policy, before)
		}
	}
}

// TestSidecarIsTheListings: neither an open nor another mount changes a byte of what stands beside a clip of the past.
func TestSidecarIsTheListings(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 5, 2*time.Second)
	m.Record("cam", memory.Base().Add(30*time.Second), 400, 2*time.Second)
	l, _ := library(t, m, clip.Options{})
	other, _ := library(t, m, clip.Options{})
	for _, length := range []time.Duration{5 * time.Second, 10 * time.Minute} {
		c := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), length))
		before := sidecarOf(t, c)
		if _, err := readAll(t, c); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(before), string(sidecarOf(t, c))); diff != "" {
			t.Errorf("%s, before the open -, after it +:\n%s", length, diff)
		}
		again := lookUp(t, other, "cam", archive.NewSpan(memory.Base(), length))
		if diff := cmp.Diff(string(before), string(sidecarOf(t, again))); diff != "" {
			t.Errorf("%s, first mount -, second +:\n%s", length, diff)
		}
	}
}

// TestOverlappingClipsShareParts: what one clip has fetched no other fetches again, and neighbours tile.
func TestOverlappingClipsShareParts(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 1200, 2*time.Second)
	l, _ := library(t, m, clip.Options{})
	mustBe(t, m, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 20*time.Minute)))
	if payloads, _, _ := m.Calls(); payloads != 20 {
		t.Fatalf("%d GetClip calls for 20 minutes, want 20", payloads)
	}
	mustBe(t, m, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 10*time.Minute)))
	mustBe(t, m, lookUp(t, l, "cam", archive.NewSpan(memory.Base().Add(5*time.Minute), 10*time.Minute)))
	if payloads, _, _ := m.Calls(); payloads != 20 {
		t.Errorf("%d GetClip calls with clips within, want still 20", payloads)
	}
	mustBe(t, m, lookUp(t, l, "cam", archive.NewSpan(memory.Base().Add(30*time.Second), 10*time.Minute)))
	if payloads, _, _ := m.Calls(); payloads != 22 {
		t.Errorf("%d GetClip calls with one that begins and ends in mid-minute, want two more", payloads)
	}
}

// TestCodecChange: where the codec changes within a part, it is halved until no call crosses the change, and that is
// remembered from mount to mount.
func TestCodecChange(t *testing.T) {
	dir := t.TempDir()
	m := memory.New()
	m.Record("cam", memory.Base(), 60, 2*time.Second)
	change := memory.Base().Add(44 * time.Second)
	m.Answer = func(fragments []archive.Fragment) ([]archive.Fragment, error) {
		if fragments[0].Producer.Before(change) && !fragments[len(fragments)-1].Producer.Before(change) {
			return nil, archive.ErrCodecChange
		}
		return fragments, nil
	}
	// 30 fragments, the change before the 22nd: the whole fails, 15 are fine, the other 15 fail, 7 and 8 are fine.
	for round, want := range []int{5, 3} {
		before, _, _ := m.Calls()
		func() {
			c, err := cache.Open(filepath.Join(dir, "media", string(rune('a'+round))), cache.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			h, err := cache.Open(filepath.Join(dir, "heads"), cache.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = h.Close() }()
			l := clip.NewLibrary(m, c, clip.Options{Heads: h})
			mustBe(t, m, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute)))
		}()
		if after, _, _ := m.Calls(); after-before != want {
			t.Errorf("round %d: %d GetClip calls, want %d", round, after-before, want)
		}
	}
}

// TestServiceCutsEarlier: a service that cuts sooner than it says gets asked for less, and nothing is lost.
func TestServiceCutsEarlier(t *testing.T) {
	for _, most := range []int{1, 7, 29} {
		m := memory.New()
		m.Record("cam", memory.Base(), 100, 2*time.Second)
		m.Answer = func(fragments []archive.Fragment) ([]archive.Fragment, error) {
			return fragments[:min(most, len(fragments))], nil
		}
		l, _ := library(t, m, clip.Options{})
		mustBe(t, m, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute)))   // one call, as planned
		mustBe(t, m, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 3*time.Minute))) // one too
	}
}

// lazy has no reading ahead.
func lazy() clip.Options { return clip.Options{Eager: -1, ReadAhead: -1} }

// TestOnlyWhatIsReadIsFetched: opening takes every head; after that a part is fetched when it is read, and never twice.
func TestOnlyWhatIsReadIsFetched(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 600, 2*time.Second)
	l, c := library(t, m, lazy())
	film := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 20*time.Minute))
	h, err := film.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	opened, _, _ := m.Calls()
	if opened != 20 {
		t.Errorf("opening made %d GetClip calls, want 20", opened)
	}
	for c.GiveUpParked() { // as when others need the connections
	}
	b := make([]byte, 1000)
	for _, at := range []int64{h.Size() / 2, h.Size()/2 + 1000, 10, h.Size() - 1000} {
		if _, err := h.ReadAt(t.Context(), b, at); err != nil {
			t.Fatalf("at %d: %v", at, err)
		}
	}
	if after, _, _ := m.Calls(); after < opened || after > opened+2 {
		t.Errorf("reading at two places of the media made %d GetClip calls, want at most 2", after-opened)
	}
}

// TestHeadsOutliveMedia: a clip whose media was evicted opens without a call.
func TestHeadsOutliveMedia(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 300, 2*time.Second)
	dir := t.TempDir()
	heads, err := cache.Open(filepath.Join(dir, "heads"), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = heads.Close() })
	span := archive.NewSpan(memory.Base(), 10*time.Minute)
	for round, want := range []int{10, 0} {
		c, err := cache.Open(filepath.Join(dir, string(rune('a'+round))), cache.Options{})
		if err != nil {
			t.Fatal(err)
		}
		o := lazy()
		o.Heads = heads
		l := clip.NewLibrary(m, c, o)
		before, _, _ := m.Calls()
		film := lookUp(t, l, "cam", span)
		h, err := film.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		after, _, _ := m.Calls()
		if after-before != want {
			t.Errorf("round %d: opening made %d GetClip calls, want %d", round, after-before, want)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		mustBe(t, m, film)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestPartThatChanged: media that no longer fits the head it was laid out by is never served; the next look-up gives the
// clip as it is now. A payload that is made anew with the same samples is served.
func TestPartThatChanged(t *testing.T) {
	for _, restart := range []bool{false, true} {
		m := memory.New()
		m.Record("cam", memory.Base(), 300, 2*time.Second)
		dir := t.TempDir()
		open := func(name string, most int64) *cache.Cache {
			c, err := cache.Open(filepath.Join(dir, name), cache.Options{MaxBytes: most, MemoryBytes: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			return c
		}
		o := lazy()
		o.Heads, o.Connections = open("heads", 0), 1
		media := open("media", 500_000) // four parts of ten
		l := clip.NewLibrary(m, media, o)
		span := archive.NewSpan(memory.Base(), 10*time.Minute)
		film := lookUp(t, l, "cam", span)
		h, err := film.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		m.Change(func() {
			for i := range m.Recorded["cam"] {
				m.Recorded["cam"][i].Length -= 100 * time.Millisecond // the service now says otherwise
			}
		})
		if restart {
			if err := h.Close(); err != nil {
				t.Error(err)
			}
			l = clip.NewLibrary(m, open("media2", 0), o)
			film = lookUp(t, l, "cam", span)
			if h, err = film.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		b := make([]byte, 1000)
		for at := int64(0); err == nil && at < h.Size()-1000; at += 100_000 { // some parts are still in the cache
			_, err = h.ReadAt(t.Context(), b, at)
		}
		if !errors.Is(err, archive.ErrChanged) {
			t.Fatalf("restart %t: got %v, want ErrChanged", restart, err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		var now *clip.Clip
		for range 12 { // each part that has changed is met once at most
			now = lookUp(t, l, "cam", span)
			if now.Key() == film.Key() {
				t.Fatalf("restart %t: same version", restart)
			}
			if _, err = readAll(t, now); err == nil {
				break
			}
			if !errors.Is(err, archive.ErrChanged) {
				t.Fatal(err)
			}
		}
		mustBe(t, m, now)
	}
}

// TestMoovLast: where heads come last, opening costs the media, so that no more than MaxOpenFetch is opened.
func TestMoovLast(t *testing.T) {
	m := memory.New()
	m.MoovLast = true
	m.Record("cam", memory.Base(), 600, 2*time.Second)
	span := archive.NewSpan(memory.Base(), 20*time.Minute)
	o := lazy()
	o.MaxOpenFetch = 600*4000 - 1
	l, _ := library(t, m, o)
	c := lookUp(t, l, "cam", span)
	if _, err := c.Open(t.Context()); !errors.Is(err, archive.ErrTooBig) || !strings.Contains(err.Error(), "2400000 bytes") {
		t.Errorf("got %v, want ErrTooBig with what it would take", err)
	}
	if payloads, _, _ := m.Calls(); payloads != 1 {
		t.Errorf("%d GetClip calls, want the one that tells", payloads)
	}
	o.MaxOpenFetch++
	l, _ = library(t, m, o)
	mustBe(t, m, lookUp(t, l, "cam", span))
}

// TestBrokenPart: a part whose body breaks off is fetched again, in the middle of a clip as in one of its own.
func TestBrokenPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory.New()
		m.Record("cam", memory.Base(), 300, 2*time.Second)
		m.Body = func(n int, payload []byte) io.Reader {
			if n%2 == 1 {
				return io.MultiReader(bytes.NewReader(payload[:len(payload)*2/3]), brokenReader{})
			}
			return bytes.NewReader(payload)
		}
		l, _ := library(t, m, clip.Options{})
		mustBe(t, m, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 10*time.Minute)))
	})
}

// brokenReader is a connection that was cut.
type brokenReader struct{}

// Read implements io.Reader.
func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestManyReadersOfOneHandle: who reads one handle in many places at once gets the right bytes everywhere, and nobody has
// to begin anew because of the others.
func TestManyReadersOfOneHandle(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 600, 2*time.Second)
	l, _ := library(t, m, lazy())
	c := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 20*time.Minute))
	want, err := readAll(t, c)
	if err != nil {
		t.Fatal(err)
	}
	m = memory.New()
	m.Record("cam", memory.Base(), 600, 2*time.Second)
	l, _ = library(t, m, lazy())
	h, err := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 20*time.Minute)).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	for seed := range uint64(12) {
		readers.Go(func() {
			random := rand.New(rand.NewPCG(seed, 1))
			for range 40 {
				off := random.Int64N(h.Size())
				b := make([]byte, min(1+random.Int64N(300_000), h.Size()-off))
				if _, err := h.ReadAt(t.Context(), b, off); err != nil || !bytes.Equal(b, want[off:off+int64(len(b))]) {
					t.Errorf("%d bytes at %d: %v", len(b), off, err)
					return
				}
			}
		})
	}
	readers.Wait()
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if _, err := h.ReadAt(t.Context(), make([]byte, 1), h.Size()-1); err == nil {
		t.Error("read after Close")
	}
	if payloads, _, _ := m.Calls(); payloads > 40 {
		t.Errorf("%d GetClip calls for 20 parts", payloads)
	}
}
