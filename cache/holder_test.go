package cache_test

import (
	"os"
	"path/filepath"
	"testing"

	"clipfs/cache"
)

// TestHolder: who has a cache open is told, without a lock being taken for it, and not when nobody has any more.
func TestHolder(t *testing.T) {
	dir := t.TempDir()
	if pid, held, err := cache.Holder(filepath.Join(dir, "missing")); held || err != nil {
		t.Errorf("no directory: held by %d %t, %v", pid, held, err)
	}
	c, err := cache.Open(dir, cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if pid, held, err := cache.Holder(dir); !held || pid != os.Getpid() || err != nil {
		t.Errorf("open: held by %d %t, %v; want this process, %d", pid, held, err, os.Getpid())
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if pid, held, err := cache.Holder(dir); held || err != nil {
		t.Errorf("closed: held by %d %t, %v; want nobody", pid, held, err)
	}
	if again, err := cache.Open(dir, cache.Options{}); err != nil {
		t.Errorf("open after Holder: %v", err)
	} else if err := again.Close(); err != nil {
		t.Error(err)
	}
}
