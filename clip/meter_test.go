package clip_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/meter"
)

// minutes gives an archive of four hours, of which a minute is a payload of some 3 MB.
func minutes() *memory.Archive {
	m := memory.New()
	m.Record("cam", memory.Base(), 7200, 2*time.Second)
	for i := range m.Recorded["cam"] {
		m.Recorded["cam"][i].Size = heavy
	}
	return m
}

// minute looks up the minute so many after base.
func minute(t *testing.T, l *clip.Library, n int) *clip.Clip {
	t.Helper()
	return lookUp(t, l, "cam", archive.NewSpan(memory.Base().Add(time.Duration(n)*time.Minute), time.Minute))
}

// TestFetchLimit: what is in the cache can be read past the limit, everything else fails and says until when, the
// download that reached it too; when the period is over all can be read, by the handle that failed as well.
func TestFetchLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(20 * time.Minute) // the clock of a bubble begins with a day
		m := minutes()
		m.Slow = time.Millisecond
		var logged bytes.Buffer
		limit := meter.Limit{Bytes: heavyPart * 3 / 2, Per: meter.PerHour}
		l, _ := library(t, m, clip.Options{FetchLimit: limit, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
		first := minute(t, l, 0)
		want, err := readAll(t, first)
		if err != nil {
			t.Fatal(err)
		}
		second := minute(t, l, 1)
		h, err := second.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = h.Close() }()
		b := make([]byte, h.Size())
		if _, err := h.ReadAt(t.Context(), b, 0); !errors.Is(err, archive.ErrFetchLimit) {
			t.Fatalf("read beyond the limit: %v", err)
		}
		if err := second.Err(); !errors.Is(err, archive.ErrFetchLimit) || !strings.Contains(err.Error(), "more from 2000-01-01T01:00:00Z on") {
			t.Errorf("the clip's error is %v; want it to say when it ends", err)
		}
		calls, _, _ := m.Calls()
		if _, err := readAll(t, minute(t, l, 2)); !errors.Is(err, archive.ErrFetchLimit) {
			t.Errorf("another clip: %v", err)
		}
		if n, _, _ := m.Calls(); n != calls {
			t.Errorf("%d GetClip calls past the limit", n-calls)
		}
		if got, err := readAll(t, first); err != nil || !bytes.Equal(got, want) {
			t.Errorf("the clip in the cache: %d bytes, %v", len(got), err)
		}
		f := l.Fetched()
		if f.Hour != limit.Bytes || f.Day != f.Hour || m.Sent() != f.Hour || !f.Resumes.Equal(time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC)) {
			t.Errorf("fetched %+v of %s, and the archive sent %d", f, limit, m.Sent())
		}
		if n := strings.Count(logged.String(), "fetch limit reached"); n != 1 {
			t.Errorf("the limit is logged %d times, want once:\n%s", n, &logged)
		}
		time.Sleep(40 * time.Minute)
		if n, err := h.ReadAt(t.Context(), b, 0); n != len(b) || err != nil && !errors.Is(err, io.EOF) {
			t.Errorf("the same handle in the next hour: %d bytes, %v", n, err)
		}
		if !bytes.Equal(b, expected(m, "cam", archive.NewSpan(memory.Base().Add(time.Minute), time.Minute))) {
			t.Error("the clip is not what it should be")
		}
		if f := l.Fetched(); f.Hour != int64(len(b)) || f.Day != limit.Bytes+f.Hour || !f.Resumes.IsZero() {
			t.Errorf("fetched in the next hour: %+v", f)
		}
	})
}

// TestFetchLimitOfALongClip: its readers get the error, wherever it is reached, and nothing waits for ever.
func TestFetchLimitOfALongClip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := minutes()
		m.Slow = time.Millisecond
		o := lazy()
		o.FetchLimit = meter.Limit{Bytes: 10 * heavyPart}
		l, _ := library(t, m, o)
		h, err := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Hour)).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = h.Close() }()
		b := make([]byte, 128<<10)
		at := int64(0)
		for err == nil && at < h.Size() {
			var n int
			n, err = h.ReadAt(t.Context(), b, at)
			at += int64(n)
		}
		if !errors.Is(err, archive.ErrFetchLimit) {
			t.Errorf("read %d bytes of an hour, then %v; want the limit", at, err)
		}
		if _, err := lookUp(t, l, "cam", archive.NewSpan(memory.Base().Add(time.Hour), time.Hour)).Open(t.Context()); !errors.Is(err, archive.ErrFetchLimit) {
			t.Errorf("open of another hour: %v", err)
		}
	})
}

// TestFetchLimitAndManyDownloads: those that run at the same time go beyond it by no more than a read each.
func TestFetchLimitAndManyDownloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := minutes()
		m.Slow = time.Millisecond
		limit := int64(20*heavyPart + 12345)
		l, _ := library(t, m, clip.Options{FetchLimit: meter.Limit{Bytes: limit, Per: meter.PerMonth}})
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				if _, err := readAll(t, minute(t, l, i)); err != nil && !errors.Is(err, archive.ErrFetchLimit) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		const piece = 16 << 10 // as the archive sends
		if sent := m.Sent(); sent < limit || sent > limit+2*clip.DefaultConnections*piece {
			t.Errorf("%d bytes were sent, want %d and little more", sent, limit)
		}
		if f := l.Fetched(); f.Month != m.Sent() {
			t.Errorf("counted %d, sent %d", f.Month, m.Sent())
		}
	})
}

// TestMeterCountsRetriesAndWhatIsGivenUp: each byte that was sent, also again, also unread.
func TestMeterCountsRetriesAndWhatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := minutes()
		const cutAt, unread = 1 << 20, 777
		m.Body = func(n int, payload []byte) io.Reader {
			if n == 1 {
				return m.Counted(io.MultiReader(bytes.NewReader(payload[:cutAt]), failing{}))
			}
			return m.Counted(bytes.NewReader(payload))
		}
		m.Unread = unread
		l, _ := library(t, m, clip.Options{})
		got, err := readAll(t, minute(t, l, 0))
		if err != nil {
			t.Fatal(err)
		}
		// The first body was cut, the second was read to its end.
		if f, want := l.Fetched(), int64(cutAt+len(got)+unread); f.Day != want {
			t.Errorf("counted %d, want %d", f.Day, want)
		}
	})
}

// failing is a connection that is cut.
type failing struct{}

// Read implements io.Reader.
func (failing) Read([]byte) (int, error) { return 0, fmt.Errorf("cut: %w", archive.ErrUnreachable) }

// TestMeterOutlivesTheMount: what was fetched counts after a restart, of whatever limit, until its period is over; a file
// that is not understood is no reason to fail.
func TestMeterOutlivesTheMount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, dir := minutes(), filepath.Join(t.TempDir(), "new")
		l, _ := library(t, m, clip.Options{MeterDir: dir})
		if _, err := readAll(t, minute(t, l, 0)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		sent := m.Sent()
		for _, test := range []struct {
			limit meter.Limit
			after time.Duration
			ok    bool
		}{
			{meter.Limit{Bytes: sent, Per: meter.PerHour}, 0, false},
			{meter.Limit{Bytes: sent, Per: meter.PerDay}, 0, false},
			{meter.Limit{Bytes: sent, Per: meter.PerMonth}, time.Hour, false},
			{meter.Limit{Bytes: sent, Per: meter.PerDay}, 0, false},
			{meter.Limit{Bytes: 2*sent + 1<<20, Per: meter.PerHour}, 0, true},
		} {
			time.Sleep(test.after)
			l, _ := library(t, m, clip.Options{MeterDir: dir, FetchLimit: test.limit})
			if _, err := readAll(t, minute(t, l, 1)); (err == nil) != test.ok {
				t.Errorf("after a restart with %s: %v", test.limit, err)
			}
		}
		synctest.Wait() // the last of them has noted what it fetched
		file := filepath.Join(dir, "fetched.json")
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
		if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		var logged bytes.Buffer
		l, _ = library(t, m, clip.Options{MeterDir: dir, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
		if _, err := readAll(t, minute(t, l, 2)); err != nil || !strings.Contains(logged.String(), "counted from now on") {
			t.Errorf("with damaged counts: %v, %s", err, &logged)
		}
	})
}
