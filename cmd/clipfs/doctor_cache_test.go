//go:build e2e

package main_test

import (
	"os"
	"path/filepath"
	"testing"

	"clipfs/cmd/clipfs/internal/doctor"

	"clipfs/cache"
	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// tmpfs mounts a small filesystem of its own, for as long as the test lasts. It is no FUSE: nothing of it can hang.
func tmpfs(t *testing.T, options string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		harness.Skip(t, "only root can mount a tmpfs")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestDoctorCache(t *testing.T) {
	patient(t)
	endpoint := nobodyListens(t)
	examineCache := func(t *testing.T, dir string) doctorReport {
		t.Helper()
		return examine(t, doctor.Host{UID: os.Geteuid()}, "--endpoint-url", endpoint, "--cache-dir", dir, "--cache-min-free", "0")
	}
	t.Run("well", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		c, err := cache.Open(dir, cache.Options{})
		if err != nil {
			t.Fatal(err)
		}
		r := examineCache(t, dir)
		r.want("ok", "cache lock", "in use by process")
		r.want("ok", "cache directory", dir, "0700")
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		examineCache(t, dir).want("ok", "cache lock", "free")
	})
	t.Run("another owner", func(t *testing.T) {
		if os.Geteuid() != 0 {
			harness.Skip(t, "only root can give a directory away")
		}
		dir := t.TempDir()
		if err := os.Chown(dir, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		examineCache(t, dir).want("failed", "cache directory", dir, "uid 65534", "chown")
	})
	t.Run("open to others", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		examineCache(t, dir).want("failed", "cache directory", "0777", "chmod 700")
	})
	t.Run("a file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		examineCache(t, file).want("failed", "cache directory", "no directory")
	})
	t.Run("read-only", func(t *testing.T) {
		dir := tmpfs(t, "size=200m,mode=0700")
		if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		r := examineCache(t, dir)
		r.want("failed", "cache directory", "read-only", "for writing")
		r.want("ok", "cache filesystem", "tmpfs", "memory")
	})
	t.Run("full", func(t *testing.T) {
		dir := tmpfs(t, "size=1m,mode=0700")
		if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 1<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		r := examineCache(t, dir)
		r.want("failed", "cache space", "0B free of 1MiB", "no room for a clip", "make space")
		r.want("failed", "cache directory", "no space", "make space")
	})
	t.Run("on a clipfs mount", func(t *testing.T) {
		m := harness.StartMount(t, testcard(t))
		examineCache(t, m.Join("cache")).want("failed", "cache filesystem", "clipfs mount", "--cache-dir")
	})
}
