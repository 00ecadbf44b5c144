package clip_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

func TestClipIsThePayloadWithTheTimesOfTheFootage(t *testing.T) {
	for _, test := range []struct {
		name              string
		moovLast, lengths bool
	}{{"moov first", false, false}, {"moov first with length", false, true}, {"moov last", true, false}, {"moov last with length", true, true}} {
		t.Run(test.name, func(t *testing.T) {
			m := memory.New()
			m.MoovLast, m.Lengths = test.moovLast, test.lengths
			m.Record("cam", memory.Base(), 300, 2*time.Second)
			l, _ := library(t, m, clip.Options{})
			span := archive.NewSpan(memory.Base().Add(time.Minute), time.Minute)
			c := lookUp(t, l, "cam", span)
			if got, want := c.Fragments(), 30; got != want {
				t.Errorf("fragments: got %d, want %d", got, want)
			}
			estimate, exact := c.Size()
			want := expected(m, "cam", span)
			if exact || estimate < int64(len(want)) {
				t.Errorf("size before the first open: got %d exact %t, want an estimate of at least %d", estimate, exact, len(want))
			}
			if payloads, _, _ := m.Calls(); payloads != 0 {
				t.Errorf("look-up made %d GetClip calls", payloads)
			}
			got, err := readAll(t, c)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("got %d bytes, %v; want the %d of the payload", len(got), err, len(want))
			}
			if n, exact := c.Size(); !exact || n != int64(len(want)) {
				t.Errorf("size after: got %d exact %t, want %d", n, exact, len(want))
			}
			again := lookUp(t, l, "cam", span)
			if n, exact := again.Size(); !exact || n != int64(len(want)) || again.Key() != c.Key() {
				t.Errorf("looked up again: size %d exact %t key %s, want %d and %s", n, exact, again.Key(), len(want), c.Key())
			}
			if payloads, lists, _ := m.Calls(); payloads != 1 || lists != 1 {
				t.Errorf("calls: got %d GetClip and %d ListFragments, want 1 and 1", payloads, lists)
			}
		})
	}
}

func TestClipKeyIsThatOfItsFragments(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 60, 10*time.Second)
	l, _ := library(t, m, clip.Options{MetadataTTL: time.Nanosecond})
	whole := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute))
	// No fragment starts in the 5 s by which this one is longer.
	same := lookUp(t, l, "cam", archive.NewSpan(memory.Base().Add(-5*time.Second), 65*time.Second))
	if whole.Key() != same.Key() {
		t.Errorf("same fragments, keys %s and %s", whole.Key(), same.Key())
	}
	if other := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 70*time.Second)); other.Key() == whole.Key() {
		t.Errorf("other fragments, same key %s", other.Key())
	}
	// Footage that comes late into the middle is not hidden by the clip that was there before.
	m.Upload("cam", memory.Base().Add(5*time.Second), 1, time.Second, time.Now())
	time.Sleep(time.Millisecond) // so that the next look is after it
	if late := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute)); late.Key() == whole.Key() || late.Fragments() != 7 {
		t.Errorf("late footage: key %s, %d fragments; want another key than %s, and 7", late.Key(), late.Fragments(), whole.Key())
	}
}

func TestNeighboursTile(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 200, 7*time.Second)
	l, _ := library(t, m, clip.Options{})
	var n int
	for i := range 10 {
		n += lookUp(t, l, "cam", archive.NewSpan(memory.Base().Add(time.Duration(i)*time.Minute), time.Minute)).Fragments()
	}
	if want := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 10*time.Minute)).Fragments(); n != want {
		t.Errorf("ten minutes one by one: %d fragments, together %d", n, want)
	}
}

func TestLookUpErrors(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 10, 2*time.Second)
	l, _ := library(t, m, clip.Options{})
	future := time.Now().Add(time.Hour)
	for _, test := range []struct {
		name   string
		stream archive.StreamName
		span   archive.Span
		want   error
	}{
		{"no stream", "other", archive.NewSpan(memory.Base(), time.Minute), archive.ErrNoStream},
		{"no footage", "cam", archive.NewSpan(memory.Base().Add(-time.Hour), time.Minute), archive.ErrNoFootage},
		{"future", "cam", archive.NewSpan(future, time.Minute), archive.ErrNoFootage},
		{"before retention", "cam", archive.NewSpan(memory.Base().AddDate(-50, 0, 0), time.Minute), archive.ErrNoFootage},
		{"over 24 h", "cam", archive.NewSpan(memory.Base(), 24*time.Hour+time.Millisecond), archive.ErrName},
		{"empty", "cam", archive.NewSpan(memory.Base(), 0), archive.ErrName},
	} {
		if _, err := l.Clip(t.Context(), test.stream, test.span); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
	m.Change(func() { m.Retention = 0 })
	m.Record("unkept", memory.Base(), 1, time.Second)
	if _, err := l.Clip(t.Context(), "unkept", archive.NewSpan(memory.Base(), time.Minute)); !errors.Is(err, archive.ErrNoRetention) {
		t.Errorf("no retention: got %v", err)
	}
	if payloads, _, _ := m.Calls(); payloads != 0 {
		t.Errorf("%d GetClip calls", payloads)
	}
}

// TestMostThatOneCallCarries: 200 fragments are one call, and the file is what it brings.
func TestMostThatOneCallCarries(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 200, time.Second)
	l, _ := library(t, m, clip.Options{})
	span := archive.NewSpan(memory.Base(), 10*time.Minute)
	if got, err := readAll(t, lookUp(t, l, "cam", span)); err != nil || !bytes.Equal(got, expected(m, "cam", span)) {
		t.Errorf("200 fragments: %v", err)
	}
	if payloads, _, _ := m.Calls(); payloads != 1 {
		t.Errorf("%d GetClip calls", payloads)
	}
}

func TestManyReadersCostOneCall(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 100, 2*time.Second)
	l, _ := library(t, m, clip.Options{})
	span := archive.NewSpan(memory.Base(), time.Minute)
	want := expected(m, "cam", span)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			if got, err := readAll(t, lookUp(t, l, "cam", span)); err != nil || !bytes.Equal(got, want) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
		})
	}
	wg.Wait()
	if payloads, lists, _ := m.Calls(); payloads != 1 || lists != 1 || m.Describes != 1 {
		t.Errorf("got %d GetClip, %d ListFragments, %d DescribeStream; want 1 each", payloads, lists, m.Describes)
	}
}

// brokenAt gives a body that fails after n bytes.
func brokenAt(payload []byte, n int) io.Reader {
	return io.MultiReader(bytes.NewReader(payload[:n]), errorReader{io.ErrUnexpectedEOF})
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// silentAt gives a body that says nothing more after n bytes.
func silentAt(payload []byte, n int) io.Reader { return &silence{bytes.NewReader(payload[:n])} }

type silence struct{ *bytes.Reader }

func (s *silence) Wait(ctx context.Context) error {
	if s.Len() > 0 {
		return nil
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func TestCutBodyIsAskedForAgain(t *testing.T) {
	for name, fault := range map[string]func(payload []byte, n int) io.Reader{"closed": brokenAt, "stalled": silentAt} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := memory.New()
				m.Record("cam", memory.Base(), 100, 2*time.Second)
				m.Body = func(n int, payload []byte) io.Reader {
					switch n {
					case 1:
						return fault(payload, 20) // in the head
					case 2:
						return fault(payload, 50_000)
					case 3:
						return fault(payload, 30_000) // in what was served
					}
					return bytes.NewReader(payload)
				}
				l, c := library(t, m, clip.Options{})
				span := archive.NewSpan(memory.Base(), time.Minute)
				begun := time.Now()
				got, err := readAll(t, lookUp(t, l, "cam", span))
				if err != nil || !bytes.Equal(got, expected(m, "cam", span)) {
					t.Errorf("got %d bytes, %v", len(got), err)
				}
				if payloads, _, _ := m.Calls(); payloads != 4 {
					t.Errorf("got %d GetClip calls, want 4", payloads)
				}
				if took := time.Since(begun); took > time.Minute {
					t.Errorf("took %s", took)
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestChangedInRetry: what was served before the cut and what comes after it are of one file, or the reader is told.
func TestChangedInRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory.New()
		m.Record("cam", memory.Base(), 100, 2*time.Second)
		m.Body = func(n int, payload []byte) io.Reader {
			if n == 1 {
				return brokenAt(payload, 50_000)
			}
			payload[40_000] ^= 1
			return bytes.NewReader(payload)
		}
		l, c := library(t, m, clip.Options{})
		if _, err := readAll(t, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute))); !errors.Is(err, archive.ErrChanged) {
			t.Errorf("got %v, want ErrChanged", err)
		}
		if payloads, _, _ := m.Calls(); payloads != 2 {
			t.Errorf("got %d GetClip calls, want 2", payloads)
		}
		_ = c.Close() // within the bubble
	})
}

// TestChangedAfterEviction: a payload that comes back different from before is a new version; the old one is stale.
func TestChangedAfterEviction(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 100, 2*time.Second)
	m.Record("cam", memory.Base().Add(time.Hour), 100, 2*time.Second)
	changed := false
	m.Body = func(_ int, payload []byte) io.Reader {
		if changed {
			return bytes.NewReader(memory.Movie(m.Selected("cam", archive.ByProducer, archive.NewSpan(memory.Base().Add(20*time.Second), time.Minute)), true, time.Now()))
		}
		return bytes.NewReader(payload)
	}
	dir := t.TempDir()
	c, err := cache.Open(dir, cache.Options{MaxBytes: 200_000})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	l := clip.NewLibrary(m, c, clip.Options{})
	span := archive.NewSpan(memory.Base(), time.Minute)
	old := lookUp(t, l, "cam", span)
	if _, err := readAll(t, old); err != nil {
		t.Fatal(err)
	}
	if _, err := readAll(t, lookUp(t, l, "cam", archive.NewSpan(memory.Base().Add(time.Hour), time.Minute))); err != nil {
		t.Fatal(err)
	}
	changed = true
	if _, err := readAll(t, old); !errors.Is(err, archive.ErrChanged) {
		t.Fatalf("got %v, want ErrChanged", err)
	}
	fresh := lookUp(t, l, "cam", span)
	if fresh.Key() == old.Key() {
		t.Fatalf("same key %s", old.Key())
	}
	if _, err := readAll(t, fresh); err != nil {
		t.Errorf("new version: %v", err)
	}
	if _, err := readAll(t, old); !errors.Is(err, archive.ErrChanged) {
		t.Errorf("old version: got %v, want ErrChanged", err)
	}
}

// TestPayloadCutByTheService: fewer fragments than are listed, now, are noticed and not served.
func TestPayloadCutByTheService(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 100, 2*time.Second)
	span := archive.NewSpan(memory.Base(), time.Minute)
	l, _ := library(t, m, clip.Options{})
	c := lookUp(t, l, "cam", span)
	m.Change(func() { m.Recorded["cam"] = m.Recorded["cam"][1:] }) // it leaves retention
	if _, err := readAll(t, c); !errors.Is(err, archive.ErrChanged) {
		t.Errorf("got %v, want ErrChanged", err)
	}
	if now := lookUp(t, l, "cam", span); now.Fragments() != 29 {
		t.Errorf("looked up again: %d fragments, want 29", now.Fragments())
	}
	if _, lists, _ := m.Calls(); lists != 3 {
		t.Errorf("got %d ListFragments calls, want a second one after the surprise, and one that makes sure of the hole", lists)
	}
}

// TestBytesBehindTheEnd: what comes after the size that was announced is dropped.
func TestBytesBehindTheEnd(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 10, 2*time.Second)
	m.Body = func(_ int, payload []byte) io.Reader {
		return io.MultiReader(bytes.NewReader(payload), bytes.NewReader([]byte("garbage")))
	}
	l, _ := library(t, m, clip.Options{})
	span := archive.NewSpan(memory.Base(), time.Minute)
	got, err := readAll(t, lookUp(t, l, "cam", span))
	if err != nil || !bytes.Equal(got, expected(m, "cam", span)) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// TestSilenceEnds: a service that never answers, or always breaks, costs a reader ReadTimeout and no more.
func TestSilenceEnds(t *testing.T) {
	for name, set := range map[string]func(m *memory.Archive){
		"refused": func(m *memory.Archive) { m.RefusePayload = func(int) error { return archive.ErrUnreachable } },
		"silent":  func(m *memory.Archive) { m.Body = func(_ int, p []byte) io.Reader { return silentAt(p, 0) } },
		"broken":  func(m *memory.Archive) { m.Body = func(_ int, p []byte) io.Reader { return brokenAt(p, 1000) } },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := memory.New()
				m.Record("cam", memory.Base(), 10, 2*time.Second)
				set(m)
				l, c := library(t, m, clip.Options{ReadTimeout: 30 * time.Second})
				looked := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute))
				begun := time.Now()
				if _, err := readAll(t, looked); !errors.Is(err, archive.ErrUnreachable) {
					t.Errorf("got %v, want ErrUnreachable", err)
				}
				if took := time.Since(begun); took > 41*time.Second {
					t.Errorf("took %s", took)
				}
				if !errors.Is(looked.Err(), archive.ErrUnreachable) {
					t.Errorf("Err: got %v", looked.Err())
				}
				m.Change(func() { m.RefusePayload, m.Body = nil, nil })
				if _, err := readAll(t, looked); err != nil || looked.Err() != nil {
					t.Errorf("after the fault: %v, Err %v", err, looked.Err())
				}
				_ = c.Close() // within the bubble
			})
		})
	}
}

// TestReadRecovers: an open handle reads on after a download failed and the archive is back.
func TestReadRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory.New()
		m.Record("cam", memory.Base(), 100, 2*time.Second)
		m.Body = func(_ int, p []byte) io.Reader { return silentAt(p, 50_000) }
		l, c := library(t, m, clip.Options{ReadTimeout: 20 * time.Second})
		span := archive.NewSpan(memory.Base(), time.Minute)
		h, err := lookUp(t, l, "cam", span).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := expected(m, "cam", span)
		tail := make([]byte, 10_000)
		if _, err := h.ReadAt(t.Context(), tail, 100_000); !errors.Is(err, archive.ErrUnreachable) {
			t.Errorf("got %v, want ErrUnreachable", err)
		}
		m.Change(func() { m.Body = nil })
		if _, err := h.ReadAt(t.Context(), tail, 100_000); err != nil || !bytes.Equal(tail, want[100_000:110_000]) {
			t.Errorf("after the fault: %v, or wrong bytes", err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		_ = c.Close() // within the bubble
	})
}

// TestCallerLeaves: one caller's end does not end what others wait for, and nobody waits for the archive to leave.
func TestCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory.New()
		m.Record("cam", memory.Base(), 100, 2*time.Second)
		m.Body = func(n int, p []byte) io.Reader {
			if n == 1 {
				return silentAt(p, 50_000)
			}
			return bytes.NewReader(p)
		}
		l, c := library(t, m, clip.Options{})
		h, err := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute)).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		if _, err := h.ReadAt(ctx, make([]byte, 100), 100_000); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's end", err)
		}
		if took := time.Since(begun); took != time.Second {
			t.Errorf("left after %s", took)
		}
		if _, err := h.ReadAt(t.Context(), make([]byte, 100), 100_000); err != nil {
			t.Errorf("the other reader: %v", err)
		}
		_ = h.Close()
		_ = c.Close() // within the bubble
	})
}

func TestFragmentsMayNotBeListed(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 100, 2*time.Second)
	m.RefuseListing = func() error { return archive.ErrNotListable }
	l, _ := library(t, m, clip.Options{})
	span := archive.NewSpan(memory.Base(), time.Minute)
	c := lookUp(t, l, "cam", span)
	got, err := readAll(t, c)
	if err != nil || !bytes.Equal(got, expected(m, "cam", span)) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if c.Expires().After(time.Now().Add(time.Minute)) {
		t.Errorf("holds until %s", c.Expires())
	}
	empty := lookUp(t, l, "cam", archive.NewSpan(memory.Base().Add(-time.Hour), time.Minute))
	if _, err := readAll(t, empty); !errors.Is(err, archive.ErrNoFootage) {
		t.Errorf("no footage: got %v", err)
	}
}
