package still_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/download"
	"clipfs/clip/still"
	"clipfs/clip/timeline"
)

const fragmentLength = 2 * time.Second

// room is stills of an archive whose stream "cam" has recorded a minute, a gap of a minute, and another minute.
type room struct {
	*still.Stills
	archive *memory.Archive
	store   *cache.Cache
	options still.Options
}

// newArchive gives the archive. It is later than what it has recorded by an hour.
func newArchive() *memory.Archive {
	m := memory.New()
	m.Record("cam", memory.Base(), 30, fragmentLength)
	m.Record("cam", memory.Base().Add(2*time.Minute), 30, fragmentLength)
	return m
}

// newRoom gives stills that are kept in a directory.
func newRoom(t *testing.T, m *memory.Archive, dir string, settings still.Settings) *room {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	store, err := cache.Open(dir, cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	times := timeline.New(m, timeline.Options{})
	downloads := download.New(m, store, download.Options{
		Logger: log, Heads: store, ReadTimeout: time.Minute, StallTimeout: 10 * time.Second, Connections: 4, OnStale: times.Forget,
	})
	r := &room{archive: m, store: store, options: still.Options{
		Settings: settings, Logger: log, Gap: archive.DefaultGap, TTL: time.Minute, Footage: times, Images: downloads.Images, Store: store,
		Versions: downloads.Identities(),
	}}
	r.Stills = still.New(r.options)
	return r
}

// waiting gives the stills of the room, whose opens wait for so long at most.
func (r *room) waiting(most time.Duration) *still.Stills {
	o := r.options
	o.MaxOpenWait = most
	return still.New(o)
}

// find gives the still at an offset from the base.
func (r *room) find(t *testing.T, offset time.Duration) *still.Still {
	t.Helper()
	s, err := r.Find(t.Context(), "cam", memory.Base().Add(offset))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// read opens a still, reads it and closes it.
func read(ctx context.Context, s *still.Still) ([]byte, error) {
	h, err := s.Open(ctx)
	if err != nil {
		return nil, err
	}
	b := make([]byte, h.Size())
	if _, err := h.ReadAt(ctx, b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, h.Close())
	}
	return b, h.Close()
}

// picture is what the still at an offset from the base shows, if it is of its very instant.
func picture(m *memory.Archive, offset time.Duration, width int) []byte {
	at := memory.Base().Add(offset)
	running := m.Selected("cam", archive.ByProducer, archive.Span{Start: at.Add(archive.Grain - fragmentLength), End: at.Add(archive.Grain)})
	return memory.Picture(running[len(running)-1], at, width)
}

// TestStill: a look-up makes no call for images, the first open makes one, and no other does, not even in another run.
func TestStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, m, offset := t.TempDir(), newArchive(), 7*time.Second+530*time.Millisecond
		r := newRoom(t, m, dir, still.Settings{Width: 640})
		s := r.find(t, offset)
		if n, exact := s.Size(); exact || n < 100_000 || len(m.Asked) != 0 || s.Missing() != n {
			t.Fatalf("size %d, exact %t, %d missing, after %d calls; want an estimate and no call", n, exact, s.Missing(), len(m.Asked))
		}
		if first, ok := s.First(); !ok || !first.Equal(memory.Base().Add(6*time.Second)) || !s.At().Equal(memory.Base().Add(offset)) || s.Stream() != "cam" {
			t.Errorf("%s of %s, in the fragment of %s", s.At(), s.Stream(), first)
		}
		want := picture(m, offset, 640)
		for range 2 {
			got, err := read(t.Context(), s)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("got %q, %v, want %q", got, err, want)
			}
		}
		if err := r.store.Close(); err != nil {
			t.Fatal(err)
		}
		again := newRoom(t, m, dir, still.Settings{Width: 640}).find(t, offset)
		if n, exact := again.Size(); !exact || n != int64(len(want)) || again.Key() != s.Key() || again.Missing() != 0 {
			t.Errorf("in the next run: %d bytes, exact %t, %d missing, want %d", n, exact, again.Missing(), len(want))
		}
		if got, err := read(t.Context(), again); err != nil || !bytes.Equal(got, want) || len(m.Asked) != 1 {
			t.Errorf("in the next run: got %q, %v after %d calls", got, err, len(m.Asked))
		}
		if q := m.Asked[0]; q.Count != 1 || !q.Start.Equal(s.At()) || q.Width != 640 {
			t.Errorf("asked for %+v, want one image of the instant", q)
		}
	})
}

// TestStillsTogether: what is wanted at the same time comes with as few calls as can be, while a call is under way too.
func TestStillsTogether(t *testing.T) {
	for _, tc := range []struct {
		name string
		// offset is that of the i-th still, after is when it is opened.
		offset, after func(i int) time.Duration
		count, calls  int
	}{
		{"all at once", func(i int) time.Duration { return time.Duration(i) * 2 * time.Second }, func(int) time.Duration { return 0 }, 25, 1},
		{"while the first is fetched", func(i int) time.Duration { return time.Duration(i) * 2 * time.Second },
			func(i int) time.Duration { return time.Duration(min(i, 1)) * 100 * time.Millisecond }, 25, 2},
		{"one after the other, fast", func(i int) time.Duration { return time.Duration(i) * 2 * time.Second },
			func(i int) time.Duration { return time.Duration(i) * 15 * time.Millisecond }, 25, 2},
		{"of one instant", func(int) time.Duration { return time.Second }, func(int) time.Duration { return 0 }, 25, 1},
		{"in two minutes", func(i int) time.Duration { return time.Duration(i%2)*2*time.Minute + time.Duration(i/2)*10*time.Second },
			func(int) time.Duration { return 0 }, 12, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newArchive()
				m.Imaging = 500 * time.Millisecond
				r := newRoom(t, m, t.TempDir(), still.Settings{Width: 640})
				var reads sync.WaitGroup
				for i := range tc.count {
					s := r.find(t, tc.offset(i))
					reads.Go(func() {
						time.Sleep(tc.after(i))
						got, err := read(t.Context(), s)
						if want := picture(m, tc.offset(i), 640); err != nil || !bytes.Equal(got, want) {
							t.Errorf("%d: got %q, %v, want %q", i, got, err, want)
						}
					})
				}
				reads.Wait()
				if n := len(m.Asked); n != tc.calls {
					t.Errorf("%d calls, want %d: %+v", n, tc.calls, m.Asked)
				}
			})
		})
	}
}

// TestStillsOfASlowCall: what is wanted while a call takes long does not wait for its end.
func TestStillsOfASlowCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newArchive()
		m.Imaging = 30 * time.Second
		r := newRoom(t, m, t.TempDir(), still.Settings{})
		first, second := r.find(t, time.Second), r.find(t, 3*time.Second)
		var reads sync.WaitGroup
		reads.Go(func() { _, _ = read(t.Context(), first) }) // that of the other counts
		time.Sleep(time.Second)
		begun := time.Now()
		m.Change(func() { m.Imaging = time.Millisecond })
		if _, err := read(t.Context(), second); err != nil || time.Since(begun) > 2*time.Second {
			t.Errorf("it took %s: %v", time.Since(begun), err)
		}
		reads.Wait()
	})
}

// TestStillInAGap: where nothing was recorded no call for images is made, and what comes late is not hidden.
func TestStillInAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newArchive()
		r := newRoom(t, m, t.TempDir(), still.Settings{})
		at := memory.Base().Add(90 * time.Second)
		for _, at := range []time.Time{at, memory.Base().Add(-time.Second), time.Now().Add(time.Hour), {}} {
			if _, err := r.Find(t.Context(), "cam", at); !errors.Is(err, archive.ErrNoFootage) {
				t.Errorf("%s: got %v, want ErrNoFootage", at, err)
			}
		}
		if _, err := r.Find(t.Context(), "nobody", at); !errors.Is(err, archive.ErrNoStream) {
			t.Errorf("of no stream: got %v", err)
		}
		time.Sleep(2 * time.Minute) // a listing is believed for a minute
		m.Upload("cam", at.Add(-time.Second), 5, fragmentLength, time.Now())
		time.Sleep(2 * time.Minute)
		if got, err := read(t.Context(), r.find(t, 90*time.Second)); err != nil || !bytes.Equal(got, picture(m, 90*time.Second, 0)) || len(m.Asked) != 1 {
			t.Errorf("once it came: got %q, %v after %d calls", got, err, len(m.Asked))
		}
	})
}

func TestStillsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, newArchive(), t.TempDir(), still.Settings{Off: true})
		s := r.find(t, time.Second)
		if err := s.Err(); !errors.Is(err, archive.ErrDenied) {
			t.Errorf("before it is opened: %v, want an ErrDenied", err)
		}
		if _, err := s.Open(t.Context()); !errors.Is(err, archive.ErrDenied) || len(r.archive.Asked) != 0 {
			t.Errorf("got %v after %d calls, want an ErrDenied", err, len(r.archive.Asked))
		}
	})
}

// TestStillChanges: an image that is fetched again and differs is another version.
func TestStillChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newArchive()
		m.Image = func(n int, images []archive.Image) ([]archive.Image, error) {
			images[0].JPEG = append(images[0].JPEG, byte('0'+n/3))
			return images, nil
		}
		r := newRoom(t, m, t.TempDir(), still.Settings{})
		first := r.find(t, time.Second)
		before, err := read(t.Context(), first)
		if err != nil {
			t.Fatal(err)
		}
		key := cache.Key(first.Key()[:len(first.Key())-2])
		r.store.Drop(key)
		if got, err := read(t.Context(), first); err != nil || !bytes.Equal(got, before) {
			t.Errorf("the same again: got %q, %v, want %q", got, err, before)
		}
		r.store.Drop(key)
		if _, err := read(t.Context(), first); !errors.Is(err, archive.ErrChanged) {
			t.Errorf("another: got %v, want an ErrChanged", err)
		}
		next := r.find(t, time.Second)
		if got, err := read(t.Context(), next); err != nil || bytes.Equal(got, before) || next.Key() == first.Key() || len(m.Asked) != 3 {
			t.Errorf("the next version, %s after %s: got %q, %v after %d calls", next.Key(), first.Key(), got, err, len(m.Asked))
		}
	})
}

// TestStillGivenUp: a caller that leaves does not end the call for others, and the last one does.
func TestStillGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newArchive()
		m.Imaging = 20 * time.Second
		r := newRoom(t, m, t.TempDir(), still.Settings{})
		ctx, cancel := context.WithCancel(t.Context())
		var reads sync.WaitGroup
		for _, offset := range []time.Duration{time.Second, 3 * time.Second} {
			s := r.find(t, offset)
			reads.Go(func() {
				if _, err := read(ctx, s); !errors.Is(err, context.Canceled) || s.Err() != nil {
					t.Errorf("%s: got %v, and %v is kept", offset, err, s.Err())
				}
			})
		}
		stays := r.find(t, 3*time.Second)
		reads.Go(func() {
			if _, err := read(t.Context(), stays); err != nil {
				t.Errorf("one that stays: %v", err)
			}
		})
		time.Sleep(5 * time.Second)
		cancel()
		reads.Wait()
		if n := len(m.Asked); n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ended := make(chan struct{})
		m.Change(func() {
			m.Image = func(int, []archive.Image) ([]archive.Image, error) { close(ended); return nil, nil }
			m.Imaging = time.Hour
		})
		if _, err := read(ctx, r.find(t, 5*time.Second)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one that leaves: %v", err)
		}
		time.Sleep(15 * time.Second) // the cache lets a fill go on for 10 s
		synctest.Wait()
		select {
		case <-ended:
			t.Error("the call went on to its end")
		default:
		}
	})
}

// TestStillUnlisted: where fragments may not be listed the call tells whether there is a picture.
func TestStillUnlisted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newArchive()
		m.RefuseListing = func() error { return archive.ErrNotListable }
		r := newRoom(t, m, t.TempDir(), still.Settings{})
		s := r.find(t, 3*time.Second)
		for range 2 {
			if got, err := read(t.Context(), s); err != nil || !bytes.Equal(got, picture(m, 3*time.Second, 0)) || len(m.Asked) != 1 {
				t.Errorf("got %q, %v after %d calls", got, err, len(m.Asked))
			}
		}
		if _, err := read(t.Context(), r.find(t, 90*time.Second)); !errors.Is(err, archive.ErrNoFootage) {
			t.Errorf("in a gap: got %v", err)
		}
	})
}

// TestStillMaxOpenWait: an open that takes too long fails, and what it began goes on, so that the next one finds it.
func TestStillMaxOpenWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newArchive()
		m.Imaging = 30 * time.Second
		r := newRoom(t, m, t.TempDir(), still.Settings{})
		r.Stills = r.waiting(5 * time.Second)
		s := r.find(t, time.Second)
		begun := time.Now()
		if _, err := s.Open(t.Context()); !errors.Is(err, archive.ErrOpenWait) || time.Since(begun) != 5*time.Second {
			t.Errorf("got %v after %s, want ErrOpenWait after 5s", err, time.Since(begun))
		}
		time.Sleep(30 * time.Second)
		if got, err := read(t.Context(), s); err != nil || !bytes.Equal(got, picture(m, time.Second, 0)) || len(m.Asked) != 1 {
			t.Errorf("later: got %q, %v after %d calls", got, err, len(m.Asked))
		}
	})
}

// TestStillExpires: it goes when the stream lets go of its fragment.
func TestStillExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newArchive()
		m.Retention = time.Since(memory.Base()) + time.Hour
		r := newRoom(t, m, t.TempDir(), still.Settings{})
		s := r.find(t, time.Second)
		if _, err := read(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if s.Missing() != 0 {
			t.Error("it is not kept")
		}
		time.Sleep(time.Hour + 3*time.Minute)
		if s.Missing() == 0 {
			t.Error("it is kept for longer than its stream does")
		}
		if _, err := r.Find(t.Context(), "cam", s.At()); !errors.Is(err, archive.ErrNoFootage) {
			t.Errorf("got %v, want ErrNoFootage", err)
		}
	})
}
