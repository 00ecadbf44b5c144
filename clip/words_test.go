package clip_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// logBuffer takes what is logged.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String gives all of it.
func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// infoLog gives a logger of what users see by default.
func infoLog() (*slog.Logger, *logBuffer) {
	b := &logBuffer{}
	return slog.New(slog.NewTextHandler(b, nil)), b
}

// TestErrorsNameWhatUsersKnow: whatever fails, what a user is told names the stream and the span, not the keys of the cache.
func TestErrorsNameWhatUsersKnow(t *testing.T) {
	bookkeeping := regexp.MustCompile(`[a-z]-[0-9a-f]{8}|cache entry`)
	for _, length := range []time.Duration{time.Minute, 10 * time.Minute} {
		for name, test := range map[string]struct {
			set  func(m *memory.Archive)
			want error
		}{
			"denied":  {func(m *memory.Archive) { m.RefusePayload = func(int) error { return archive.ErrDenied } }, archive.ErrDenied},
			"refused": {func(m *memory.Archive) { m.RefusePayload = func(int) error { return archive.ErrRefused } }, archive.ErrRefused},
			"silent":  {func(m *memory.Archive) { m.Body = func(_ int, p []byte) io.Reader { return silentAt(p, 0) } }, archive.ErrUnreachable},
			"garbage": {func(m *memory.Archive) {
				m.Body = func(int, []byte) io.Reader { return strings.NewReader("garbage, and nothing but garbage") }
			}, archive.ErrMedia},
			"other bytes in a retry": {func(m *memory.Archive) {
				m.Body = func(n int, p []byte) io.Reader {
					p[20_000] ^= byte(n)
					return brokenAt(p, 30_000+n)
				}
			}, archive.ErrChanged},
		} {
			synctest.Test(t, func(t *testing.T) {
				m := memory.New()
				m.Record("cam", memory.Base(), 300, 2*time.Second)
				test.set(m)
				logger, log := infoLog()
				l, c := library(t, m, clip.Options{Logger: logger, ReadTimeout: 20 * time.Second})
				film := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), length))
				if _, err := readAll(t, film); !errors.Is(err, test.want) {
					t.Errorf("%s, %s: got %v, want %v", name, length, err, test.want)
				}
				text := film.Err().Error()
				if bookkeeping.MatchString(text) || !strings.Contains(text, "cam 1999-12-31T20:00:00Z/") {
					t.Errorf("%s, %s: a user is told %q", name, length, text)
				}
				if found := bookkeeping.FindString(log.String()); found != "" {
					t.Errorf("%s, %s: %q is logged:\n%s", name, length, found, log)
				}
				_ = c.Close() // within the bubble
			})
		}
	}
}
