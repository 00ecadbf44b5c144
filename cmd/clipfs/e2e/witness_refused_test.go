//go:build e2e

package e2e_test

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// TestWitnessListRefused: an answer with 401 or 403 that does not say that listing is not allowed is an error: it never makes
// a clip of many parts the one call that the service cuts at 200 fragments.
func TestWitnessListRefused(t *testing.T) {
	t.Parallel()
	start := testStart()
	shapes := []string{"signature", "expired", "html", "empty", "untyped"}
	var streams []harness.WitnessStream
	for _, shape := range shapes {
		s := harness.WitnessStream{Name: shape, File: witnessSource(t, "h264"), Start: start.UnixMilli(), List: shape}
		once := s
		once.Name, once.ListCalls = shape+"-once", 1
		streams = append(streams, s, once)
	}
	w := startWitness(t, streams...)
	m := harness.StartMount(t, w.Emulator, "--read-timeout", "9s")
	for _, s := range streams {
		t.Run(s.Name, func(t *testing.T) {
			path := m.Join(s.Name, nameOf(start.Add(-time.Second)), "5m.mp4")
			began := time.Now()
			content, err := os.ReadFile(path)
			if s.ListCalls == 0 && err == nil {
				t.Fatalf("%d bytes of what may not be listed", len(content))
			}
			if s.ListCalls == 0 && !errors.Is(err, syscall.EACCES) && !errors.Is(err, syscall.EIO) {
				t.Errorf("%v, want EACCES or EIO: %s", err, xattrIfAny(path, "user.clipfs.error"))
			}
			if took := time.Since(began); took > faultSlack {
				t.Errorf("took %v", took)
			}
			if s.ListCalls == 0 {
				if n := callsOf(t, w.Emulator, s.Name)["GetClip"]; n > 0 {
					t.Errorf("%d calls of GetClip", n)
				}
				return
			}
			mustHaveAll(t, w, s.Name, path)
		})
	}
}

// TestWitnessNotFound: a 404 that does not say what was not found is an error soon, with what the server said.
func TestWitnessNotFound(t *testing.T) {
	t.Parallel()
	start := testStart()
	w := startWitness(t, harness.WitnessStream{Name: "door", File: witnessSource(t, "h264"), Start: start.UnixMilli(), List: "untyped-404"})
	m := harness.StartMount(t, w.Emulator, "--read-timeout", "9s")
	path := m.Join("door", nameOf(start), "1m.mp4")
	_, err := os.ReadFile(path)
	if !errors.Is(err, syscall.EIO) && !errors.Is(err, syscall.ENOENT) {
		t.Errorf("%v, want EIO or ENOENT", err)
	}
	if n := callsOf(t, w.Emulator, "door")["ListFragments"]; n > 12 {
		t.Errorf("%d calls of ListFragments", n)
	}
	const said = "no such thing at this door"
	if !strings.Contains(xattrIfAny(path, "user.clipfs.error"), said) && !m.Logs(said) {
		t.Error("what the server said is told nowhere")
	}
}
