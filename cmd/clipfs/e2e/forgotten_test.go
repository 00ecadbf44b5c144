//go:build e2e

package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clipfs/cmd/internal/harness"
)

// manyNames is more than the kernel is to remember of a mount (package fs/inodes).
const manyNames = 9000

// TestKernelForgets: the kernel is asked to forget names once it knows many, and the oldest go. A working directory stays what it is.
func TestKernelForgets(t *testing.T) {
	if major, minor := kernelRelease(t); major < 6 || major == 6 && minor < 18 {
		harness.Skip(t, "Linux %d.%d cannot be asked to forget: that came with 6.18", major, minor)
	}
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--quota", "off")
	m := harness.StartMount(t, e, "--log-level", "debug")
	begin := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	name := func(i int) string { return begin.Add(time.Duration(i) * time.Second).Format("2006-01-02T15:04:05Z") }
	look := func(i int) {
		t.Helper()
		info, err := os.Stat(m.Join("testcard", name(i)))
		if err != nil || !info.IsDir() {
			t.Fatal(err)
		}
	}
	looks := func(i int) int { return strings.Count(m.Log(), fmt.Sprintf("name=lookup path=testcard/%s ", name(i))) }
	look(0)
	look(0)
	look(2)
	eventually(t, "the log has all look-ups", func() bool { return looks(2) == 1 })
	if n := looks(0); n != 1 {
		t.Fatalf("%d look-ups of a name that is valid for an hour, want 1", n)
	}
	stays := exec.Command("sh", "-c", "cat; exec /bin/pwd -P")
	stays.Dir = m.Join("testcard", name(1))
	var at bytes.Buffer
	stays.Stdout = &at
	end, err := stays.StdinPipe()
	if err == nil {
		err = stays.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range manyNames {
		look(i)
	}
	// It forgets in its own time. What it has forgotten it looks up again.
	eventually(t, "the oldest name is looked up again", func() bool {
		look(0)
		return looks(0) > 1
	})
	if err := end.Close(); err != nil {
		t.Fatal(err)
	}
	if err := stays.Wait(); err != nil || strings.TrimSpace(at.String()) != stays.Dir {
		t.Errorf("working directory %q, %v; want %q", at.String(), err, stays.Dir)
	}
	if n := looks(1); n != 1 {
		t.Errorf("%d look-ups of a working directory, want 1", n)
	}
}

// kernelRelease is the release of the kernel that runs.
func kernelRelease(t *testing.T) (major, minor int) {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor); err != nil {
		t.Fatal(err)
	}
	return major, minor
}
