package fs_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"clipfs/fs"
)

func TestCanonical(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	real := filepath.Join(dir, "real", "mount")
	if err := os.MkdirAll(real, 0o755); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"absolute": real, "relative": "real/mount", "twice": "relative", "parent": "real", "loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"real/mount", "real/../real/mount/", "absolute", "relative", "twice", "parent/mount"} {
		if got, err := fs.Canonical(filepath.Join(dir, name)); got != real || err != nil {
			t.Errorf("Canonical(%s) = %s, %v; want %s", name, got, err, real)
		}
	}
	if got, err := fs.Canonical("/proc"); got != "/proc" || err != nil {
		t.Errorf("Canonical(/proc) = %s, %v", got, err)
	}
	if _, err := fs.Canonical(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Canonical of what is not there: %v, want %v", err, os.ErrNotExist)
	}
	if got, err := fs.Canonical(filepath.Join(dir, "loop")); err == nil {
		t.Errorf("Canonical of a loop = %s, want an error", got)
	}
}
