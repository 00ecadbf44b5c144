package clip_test

import (
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

const (
	// heavy is the size of a fragment where it matters what is fetched; a part has 30 of them, a minute.
	heavy     = 100_000
	heavyPart = 30 * heavy
	// onItsWay is what a download that is parked after its head may have brought of its media: what was being written
	// when its last holder left.
	onItsWay = 64 << 10
)

// heavyFilm opens an hour of which a part is 3 MB.
func heavyFilm(t *testing.T, o clip.Options) (*memory.Archive, *clip.Library, *clip.Handle) {
	t.Helper()
	return film(t, o, heavy)
}

// film opens an hour of fragments of a size.
func film(t *testing.T, o clip.Options, size int64) (*memory.Archive, *clip.Library, *clip.Handle) {
	t.Helper()
	m := memory.New()
	m.Record("cam", memory.Base(), 1800, 2*time.Second)
	for i := range m.Recorded["cam"] {
		m.Recorded["cam"][i].Size = size
	}
	m.Slow = time.Millisecond
	l, _ := library(t, m, o)
	h, err := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Hour)).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m, l, h
}

// read reads some bytes of a handle in steps as the kernel's.
func read(t *testing.T, h *clip.Handle, from, n int64) {
	t.Helper()
	const step = 128 << 10
	b := make([]byte, step)
	for at := from; at < from+n; at += step {
		if _, err := h.ReadAt(t.Context(), b[:min(step, from+n-at, h.Size()-at)], at); err != nil {
			t.Fatalf("read at %d: %v", at, err)
		}
	}
}

// TestOpenFetchesHeadsOnly: what is too large to be fetched whole is not, and what was begun ends with the handle.
func TestOpenFetchesHeadsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, h := heavyFilm(t, lazy())
		if got, most := m.Sent(), int64(60*(onItsWay+8<<10)); got > most {
			t.Errorf("opening read %d bytes, want at most %d", got, most)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Millisecond) // what was just being read
		before := m.Sent()
		time.Sleep(time.Minute)
		if after := m.Sent(); after != before {
			t.Errorf("%d bytes read after the handle was closed", after-before)
		}
	})
}

// TestReadAhead: nothing is fetched ahead of a look at the beginning; for who reads on, one part, and no more for as long
// as he finds all there; then as much as he has read and more, never more than the window; a seek begins anew.
func TestReadAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := lazy()
		o.ReadAhead = 5 * heavyPart
		m, _, h := heavyFilm(t, o)
		defer func() { _ = h.Close() }()
		time.Sleep(time.Minute) // what the heads began is given up
		head := h.Size() - 60*heavyPart
		// fetched reads a range and gives how many parts were fetched for it.
		fetched := func(from, n int64) int64 {
			t.Helper()
			before := m.Sent()
			read(t, h, head+from, n)
			time.Sleep(time.Minute)
			return (m.Sent() - before + heavyPart/2) / heavyPart
		}
		for _, step := range []struct {
			what    string
			from, n int64
			want    int64
		}{
			{"a look at the beginning", 0, 256 << 10, 1},
			{"more of it", 256 << 10, 256 << 10, 1},
			{"the rest of the part", 512 << 10, heavyPart - 512<<10, 0},
			{"into the second part", heavyPart, 1000, 1},
			{"the rest of it", heavyPart + 1000, heavyPart - 1000, 0},
			{"two parts more, each a while after the other", 2 * heavyPart, heavyPart, 1},
			{"two parts more, each a while after the other", 3 * heavyPart, heavyPart, 1},
			{"two at once: no more than five ahead of the second", 4 * heavyPart, 2 * heavyPart, 6},
			{"a seek", 40 * heavyPart, 1000, 1},
			{"on from there", 40*heavyPart + 1000, 600 << 10, 1},
		} {
			if got := fetched(step.from, step.n); got != step.want {
				t.Errorf("%s: %d parts fetched, want %d", step.what, got, step.want)
			}
		}
	})
}

// TestEager: what is small enough is fetched whole a while after any of it is read, and not twice. Opening it, and a look
// at it, fetch no more than they need.
func TestEager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, h := heavyFilm(t, clip.Options{Eager: 60 * heavyPart, ReadAhead: -1})
		defer func() { _ = h.Close() }()
		time.Sleep(time.Minute)
		heads := int64(60 * (onItsWay + 8<<10))
		if got := m.Sent(); got > heads {
			t.Errorf("opening read %d bytes, want at most %d", got, heads)
		}
		read(t, h, h.Size()-1000, 1000)
		time.Sleep(500 * time.Millisecond)
		if got, most := m.Sent(), heads+heavyPart; got > most {
			t.Errorf("a look at the end read %d bytes, want at most %d", got, most)
		}
		time.Sleep(time.Minute)
		if !h.Complete() {
			t.Error("not complete")
		}
		if calls, _, _ := m.Calls(); calls != 60+60 { // what was parked is given up after a while
			t.Errorf("%d GetClip calls, want 120", calls)
		}
	})
}

// TestEagerReader: who reads on of what is small enough has all of it fetched at once, with the calls that brought the heads.
func TestEagerReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, h := heavyFilm(t, clip.Options{Eager: 60 * heavyPart, ReadAhead: -1})
		defer func() { _ = h.Close() }()
		read(t, h, h.Size()-60*heavyPart, 600<<10)
		time.Sleep(900 * time.Millisecond)
		if !h.Complete() {
			t.Error("not complete")
		}
		if calls, _, _ := m.Calls(); calls != 60 {
			t.Errorf("%d GetClip calls, want 60", calls)
		}
		if got, most := m.Sent(), h.Size()+60*8<<10; got > most {
			t.Errorf("%d bytes read, want at most %d", got, most)
		}
	})
}
