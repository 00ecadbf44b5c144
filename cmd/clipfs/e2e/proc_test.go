//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"clipfs/cmd/internal/harness"
)

// resident gives how much memory a mount's process has, in bytes, and the most that it ever had.
func resident(t *testing.T, m *harness.Mount) (now, most int64) {
	t.Helper()
	return residentOf(t, m.PID())
}

// residentOf gives how much memory a process has, in bytes, and the most that it ever had.
func residentOf(t *testing.T, pid int) (now, most int64) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	field := func(name string) int64 {
		_, rest, ok := strings.Cut(string(text), name+":")
		words := strings.Fields(rest)
		if !ok || len(words) < 1 {
			t.Fatalf("no %s in %s", name, text)
		}
		kb, err := strconv.ParseInt(words[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return kb << 10
	}
	return field("VmRSS"), field("VmHWM")
}

// descriptors counts the open files of a mount's process.
func descriptors(t *testing.T, m *harness.Mount) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", m.PID()))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
