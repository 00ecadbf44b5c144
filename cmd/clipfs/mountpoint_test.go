//go:build e2e

package main_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clipfs/cmd/clipfs/internal/mount"

	"clipfs/cmd/internal/harness"
)

func TestMountpointIsChecked(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"empty", "full/something", "cache/data", "parent/empty"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("parent", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		mountpoint, cache string
		want              string // the canonical mountpoint, or "" for an error
		says              string
	}{
		"empty":                    {"empty", "cache", "empty", ""},
		"cache is not there yet":   {"empty", "no/such/cache", "empty", ""},
		"through a link":           {"link/empty", "cache", "parent/empty", ""},
		"cache is a neighbour":     {"parent/empty", "parent/empty2", "parent/empty", ""},
		"missing":                  {"missing", "cache", "", "make the directory first"},
		"file":                     {"file", "cache", "", "not a directory"},
		"not empty":                {"full", "cache", "", "not empty"},
		"is the cache":             {"empty", "empty", "", "--cache-dir"},
		"holds the cache":          {"empty", "empty/cache", "", "--cache-dir"},
		"holds it through a link":  {"parent/empty", "link/empty/a/b", "", "--cache-dir"},
		"is in the cache":          {"cache/data", "cache", "", "in the cache directory"},
		"holds the cache, is full": {"full", "full/something", "", "--cache-dir"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := mount.CheckMountpoint(filepath.Join(dir, test.mountpoint), filepath.Join(dir, test.cache), slog.New(slog.DiscardHandler))
			if test.want != "" {
				if want := filepath.Join(dir, test.want); got != want || err != nil {
					t.Errorf("got %s, %v; want %s", got, err, want)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %s, %v; want an error that says %q", got, err, test.says)
			}
		})
	}
}

func TestMountWithoutCredentialsSaysWhatToSet(t *testing.T) {
	harness.NeedFUSE(t)
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "", "AWS_REGION": "eu-west-1",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	code, _, stderr := invoke(t, "mount", "--cache-dir", t.TempDir(), t.TempDir())
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	wantLine(t, stderr, "AWS_PROFILE", "AWS_ACCESS_KEY_ID")
}

func TestUmountRefusesWhatIsNotOurs(t *testing.T) {
	dir := t.TempDir()
	tests := map[string]struct{ path, says string }{
		"nothing mounted": {dir, "nothing is mounted"},
		"not there":       {filepath.Join(dir, "missing"), "no such file"},
		"another type":    {"/proc", "use umount"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := invoke(t, "umount", test.path)
			if code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			wantLine(t, stderr, "clipfs umount: ", test.path, test.says)
		})
	}
}
