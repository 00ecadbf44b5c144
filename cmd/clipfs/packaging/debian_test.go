//go:build e2e

package packaging_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

const (
	// packageTimeout bounds a run of .ci/package, which compiles everything anew the first time.
	packageTimeout = 8 * time.Minute
	// insideTimeout bounds the test inside.
	insideTimeout = 4 * time.Minute
)

// build runs .ci/package of a tree and gives the bytes of what it made.
func build(t *testing.T, tree, version string) (path string, deb []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), packageTimeout)
	defer cancel()
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(tree, ".ci", "package"), filepath.Join(t.TempDir(), "dist"))
	// Without what git knows: a copy of the tree is in no repository.
	cmd.Env = append(os.Environ(), "VERSION="+version, "SOURCE_DATE_EPOCH=1700000000", "GOFLAGS=-buildvcs=false")
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf(".ci/package: %v\n%s", err, said.String())
	}
	path = strings.TrimSpace(out.String())
	deb, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, deb
}

// TestDebianPackage: built twice, in two folders, it has the same bytes and names neither folder; installed, it mounts from
// fstab; removed, it leaves nothing behind.
func TestDebianPackage(t *testing.T) {
	if os.Getenv(insideVariable) != "" { // started again below
		install(t)
		return
	}
	harness.NeedFUSE(t)
	harness.Need(t, "dpkg", "dpkg-deb", "mount", "umount", "systemd-analyze", "man", "gzip", "setpriv")
	if os.Geteuid() != 0 {
		harness.Skip(t, "only root can install packages")
	}
	tree, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	path, deb := build(t, tree, "1.2.3")
	t.Run("reproducible", func(t *testing.T) {
		elsewhere := filepath.Join(t.TempDir(), "a", "copy")
		if err := os.MkdirAll(elsewhere, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{".ci", "cache", "clip", "cmd", "fs", "go.mod", "go.sum", "README.md"} {
			harness.Run(t, "cp", "-a", filepath.Join(tree, part), elsewhere)
		}
		_, again := build(t, elsewhere, "1.2.3")
		if !bytes.Equal(deb, again) {
			t.Error("a copy of the tree in another folder makes other bytes")
		}
		program := unpack(t, path)
		for _, folder := range []string{tree, elsewhere, os.Getenv("HOME") + "/go/"} {
			if bytes.Contains(program, []byte(folder)) {
				t.Errorf("the program has the path %s in it", folder)
			}
		}
	})
	t.Run("installed", func(t *testing.T) {
		e := harness.StartEmulator(t, "--stream", "door=testcard", "--stream", "yard=testcard", "--stream", "attic=testcard")
		ctx, cancel := context.WithTimeout(t.Context(), insideTimeout)
		defer cancel()
		cmd := exec.CommandContext(ctx, "/proc/self/exe", "-test.run=^TestDebianPackage$", "-test.v", "-test.timeout="+insideTimeout.String())
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + t.TempDir(), "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive",
			insideVariable + "=1", endpointVariable + "=" + e.Endpoint, debVariable + "=" + path}
		// Nothing that it mounts or installs is seen outside.
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
		cmd.WaitDelay = 10 * time.Second
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("--- PASS: TestDebianPackage")) {
			t.Errorf("inside: %v\n%s", err, out)
		}
	})
}

// unpack gives the program in a package.
func unpack(t *testing.T, deb string) []byte {
	t.Helper()
	dir := t.TempDir()
	harness.Run(t, "dpkg-deb", "-x", deb, dir)
	program, err := os.ReadFile(filepath.Join(dir, "usr", "bin", "clipfs"))
	if err != nil {
		t.Fatal(err)
	}
	return program
}
