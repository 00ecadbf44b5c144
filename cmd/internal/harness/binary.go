package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binaryVariable carries the path of the built command from Main to the tests, and to Main where it is built already (.ci/test).
const binaryVariable = "E2E_CLIPFS"

// Main runs the tests and gives their exit code. Tests of the tags e2e and containers find the command built.
func Main(m *testing.M) int {
	if !buildsCommand || os.Getenv(binaryVariable) != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "clipfs-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, "clipfs")
	build := exec.Command("go", append(append([]string{"build", "-ldflags=-w", "-o", binary}, raceFlags()...), "clipfs/cmd/clipfs")...) //nolint:noctx // a build takes as long as it takes
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build clipfs: %v\n%s", err, out)
		return 1
	}
	if err := os.Setenv(binaryVariable, binary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Binary is the path of the built command.
func Binary(t testing.TB) string {
	t.Helper()
	path := os.Getenv(binaryVariable)
	if path == "" {
		t.Fatal("TestMain does not call harness.Main, or the tests have none of its tags")
	}
	return path
}

// Need skips a test for which a program is missing, or fails it where nothing may be skipped.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			Skip(t, "%s is not installed", p)
		}
	}
}

// NeedFUSE skips a test that mounts where that cannot be done, or fails it where nothing may be skipped.
func NeedFUSE(t testing.TB) {
	t.Helper()
	device, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		Skip(t, "no FUSE device: %v", err)
	}
	_ = device.Close()
	Need(t, "fusermount3")
}

// Skip skips a test, or fails it where CLIPFS_REQUIRE_ALL says that nothing may be skipped.
func Skip(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CLIPFS_REQUIRE_ALL") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
