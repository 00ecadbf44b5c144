package packaging_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clipfs/cmd/internal/harness"
)

// TestCommit tells the commit from what a .git directory has, without git.
func TestCommit(t *testing.T) {
	const here, other = "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222"
	tests := map[string]struct {
		files map[string]string
		want  string
	}{
		"a branch":           {map[string]string{"HEAD": "ref: refs/heads/a/b\n", "refs/heads/a/b": here + "\n", "packed-refs": other + " refs/heads/a/b\n"}, here},
		"a packed branch":    {map[string]string{"HEAD": "ref: refs/heads/b\n", "packed-refs": "# pack-refs with: peeled\n" + other + " refs/heads/a/b\n" + here + " refs/heads/b\n^" + other + "\n"}, here},
		"a commit":           {map[string]string{"HEAD": here + "\n"}, here},
		"nothing checked in": {map[string]string{"HEAD": "ref: refs/heads/b\n"}, ""},
		"no repository":      {nil, ""},
	}
	for name, test := range tests {
		dir := t.TempDir()
		for file, text := range test.files {
			path := filepath.Join(dir, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		script, err := filepath.Abs("commit")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(string(harness.Run(t, "sh", script, dir))); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
