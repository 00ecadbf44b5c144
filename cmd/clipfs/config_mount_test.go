//go:build e2e

package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"clipfs/cmd/internal/harness"
)

// TestMountTakesItsSettings: a mount does what its file says, where neither a flag nor the environment says otherwise.
func TestMountTakesItsSettings(t *testing.T) {
	e := testcard(t, "--stream", "yard=testcard", "--stream", "attic=testcard")
	path := filepath.Join(t.TempDir(), "clipfs.yaml")
	// The harness gives --cache-dir and --log-level as flags.
	if err := os.WriteFile(path, []byte("names: basic\nstream: [door, yard]\ncache-dir: /nowhere/at/all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	names := func(dir string) (all []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			all = append(all, entry.Name())
		}
		return all
	}
	m := harness.StartMount(t, e, "--config", path)
	if got := names(m.Path); len(got) != 2 || got[0] != "door" || got[1] != "yard" {
		t.Errorf("streams %q, want those of the file", got)
	}
	if got := names(m.Join("door")); len(got) == 0 || !regexp.MustCompile(`^2\d{7}$`).MatchString(got[0]) {
		t.Errorf("days %q, want them in the basic form", got)
	}
	other := harness.StartMountWith(t, e, []string{"CLIPFS_CONFIG=" + path, "CLIPFS_STREAM=attic"}, t.TempDir())
	if got := names(other.Path); len(got) != 1 || got[0] != "attic" {
		t.Errorf("streams %q, want that of the environment", got)
	}
}
