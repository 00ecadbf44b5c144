package clip_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// fetched gives the lines about clips that were fetched.
func (l *lines) fetched(t *testing.T) (all []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		if fields["msg"] == "clip fetched" {
			all = append(all, fields)
		}
	}
	return all
}

// TestOneLineAClip: who opened a clip of many parts first, and how much was fetched for it, is one line when it is closed
// and its last download has ended. What is in the cache already is none.
func TestOneLineAClip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(20 * time.Minute) // the clock of a bubble begins with a day
		m := memory.New()
		m.Record("cam", memory.Base(), 300, 2*time.Second)
		var log lines
		l, _ := library(t, m, clip.Options{Logger: slog.New(slog.NewJSONHandler(&log, nil)), Eager: -1, ReadAhead: -1})
		span := archive.NewSpan(memory.Base(), 10*time.Minute)
		ctx := archive.WithOperation(t.Context(), archive.Operation{ID: 5, PID: 6, UID: 7, Command: "mpv"})
		c := lookUp(t, l, "cam", span)
		h, err := c.Open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		other, err := c.Open(archive.WithOperation(t.Context(), archive.Operation{ID: 8, PID: 9, Command: "cp"}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.ReadAt(ctx, make([]byte, h.Size()), 0); err != nil {
			t.Fatal(err)
		}
		if got := l.Stats(); got.Handles != 2 || got.Cached+got.Waited != h.Size() || got.Fetched != m.Sent() {
			t.Errorf("%+v; %d were read and %d sent", got, h.Size(), m.Sent())
		}
		time.Sleep(time.Minute) // what was parked is given up
		if got := log.fetched(t); len(got) != 0 {
			t.Errorf("told while it is open: %v", got)
		}
		for _, h := range []*clip.Handle{h, other} {
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		got := log.fetched(t)
		if len(got) != 1 {
			t.Fatalf("%d lines, want 1: %v", len(got), got)
		}
		for key, want := range map[string]any{
			"stream": "cam", "span": span.String(), "pid": 6.0, "uid": 7.0, "command": "mpv", "asked": 5.0, "bytes": float64(m.Sent()),
		} {
			if got[0][key] != want {
				t.Errorf("%s is %v, want %v", key, got[0][key], want)
			}
		}
		calls, _, _ := m.Calls()
		if got[0]["calls"] != float64(calls) || calls < 10 {
			t.Errorf("%v calls in the line, %d were made", got[0]["calls"], calls)
		}
		if _, err := readAll(t, lookUp(t, l, "cam", span)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := log.fetched(t); len(got) != 1 {
			t.Errorf("a clip that was cached: %v", got[1:])
		}
		if got := l.Stats(); got.Handles != 0 || got.Downloads != 0 || got.Payloads+got.Failed != int64(calls) {
			t.Errorf("%+v after %d calls", got, calls)
		}
	})
}

// TestFailedFetchesAreToldToo: what came of a download that failed is paid, and who had it is told, though nobody got a
// handle.
func TestFailedFetchesAreToldToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(20 * time.Minute) // the clock of a bubble begins with a day
		m := minutes()
		m.RefusePayload = func(int) error { return archive.ErrMedia }
		var log lines
		l, _ := library(t, m, clip.Options{Logger: slog.New(slog.NewJSONHandler(&log, nil))})
		ctx := archive.WithOperation(t.Context(), archive.Operation{ID: 1, PID: 2, Command: "ffmpeg"})
		if _, err := minute(t, l, 0).Open(ctx); err == nil {
			t.Fatal("opened")
		}
		synctest.Wait()
		got := log.fetched(t)
		if len(got) != 1 || got[0]["command"] != "ffmpeg" || got[0]["bytes"] != 0.0 {
			t.Errorf("lines %v", got)
		}
		if s := l.Stats(); s.Failed != 1 || s.Payloads != 0 || s.Handles != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestOperationOf: a context without an operation has none, and one that was not numbered neither.
func TestOperationOf(t *testing.T) {
	for _, ctx := range []archive.Operation{{}, {PID: 3}} {
		if op, ok := archive.OperationOf(archive.WithOperation(t.Context(), ctx)); ok {
			t.Errorf("got %+v", op)
		}
	}
	if op, ok := archive.OperationOf(t.Context()); ok {
		t.Errorf("got %+v", op)
	}
}
