//go:build e2e

package e2e_test

import (
	"errors"
	"testing"

	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// xattrIfAny gives an extended attribute, empty where there is none.
func xattrIfAny(path, name string) string {
	value := make([]byte, 4096)
	n, err := unix.Getxattr(path, name, value)
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Getxattr(path, name, value)
	}
	if err != nil {
		return ""
	}
	return string(value[:n])
}

// allOf gives what a stream of the witness has, with its gaps kept.
func allOf(truth harness.WitnessTruth) expected {
	var numbers []string
	for _, f := range truth.Fragments {
		numbers = append(numbers, f.Number)
	}
	return expectedOf(truth, numbers, "")
}

// mustHaveAll checks that a clip has every frame of a stream.
func mustHaveAll(t *testing.T, w *harness.Witness, stream, path string) {
	t.Helper()
	tracks, complaints, err := tryProbe(t, path)
	if err != nil {
		t.Errorf("%s: %v %s %s", stream, err, complaints, xattrIfAny(path, "user.clipfs.error"))
		return
	}
	for _, problem := range allOf(w.Truth(t, stream)).compare(tracks) {
		t.Errorf("%s: %s", stream, problem)
	}
}
