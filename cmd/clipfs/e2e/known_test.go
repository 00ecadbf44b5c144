//go:build e2e

package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// wantSaid checks the exit code of a command and what it said.
func wantSaid(t *testing.T, said string, code, wantCode int, want ...string) {
	t.Helper()
	if code != wantCode {
		t.Errorf("exit code %d, want %d: %s", code, wantCode, said)
	}
	for _, w := range want {
		if !strings.Contains(said, w) {
			t.Errorf("got %q, want it to say %q", said, w)
		}
	}
}

// TestCommandsKnowTheMount: doctor, cache and warm take endpoint, region, cache directory and settings from the mount they are
// asked about, say so, and do not choose between two.
func TestCommandsKnowTheMount(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "door=testcard")
	m := harness.StartMountWith(t, e, []string{"AWS_REGION=eu-test-1"}, t.TempDir(), "--price", "0.5", "--stream", "door")
	other := harness.StartMount(t, e)
	at := time.Now().UTC().Add(-2 * time.Hour).Truncate(time.Minute)
	if _, err := os.ReadFile(m.Join("door", at.Format("2006-01-02T15:04"), "10s.mp4")); err != nil {
		t.Fatal(err)
	}
	one, both := []*harness.Mount{m}, []*harness.Mount{m, other}

	t.Run("cache", func(t *testing.T) {
		out, errs, code := alone(t, "", one, nil, "cache", "ls")
		wantSaid(t, out, code, 0, "door", "media")
		wantSaid(t, errs, code, 0, "cache-dir from the mount on "+m.Path, m.Cache)
		out, errs, code = alone(t, "", both, nil, "cache", "ls", other.Path)
		wantSaid(t, out, code, 0, "0 entries")
		wantSaid(t, errs, code, 0, "the mount on "+other.Path)
		_, errs, code = alone(t, "", both, nil, "cache", "ls")
		wantSaid(t, errs, code, 1, m.Path+" and "+other.Path+" both fit")
		_, errs, code = alone(t, "", both, nil, "cache", "verify", m.Join("door"))
		wantSaid(t, errs, code, 0, "the mount on "+m.Path)
		out, errs, code = alone(t, "", both, []string{"CLIPFS_CACHE_DIR=" + other.Cache}, "cache", "ls")
		wantSaid(t, out, code, 0, "0 entries")
		wantSaid(t, errs+"-", code, 0)
		_, errs, code = alone(t, "", nil, nil, "cache", "ls", t.TempDir())
		wantSaid(t, errs, code, 1, "nothing is known of a mount")
	})
	t.Run("doctor", func(t *testing.T) {
		out, errs, code := alone(t, "", both, nil, "doctor", m.Path)
		wantSaid(t, out+errs, code, 0, "✓ settings ", "endpoint-url", "stream", "AWS_REGION from the mount on "+m.Path, "✓ region            eu-test-1",
			"✓ endpoint          "+e.Endpoint, "✓ cache directory   "+m.Cache, "read through the mount that runs on "+m.Path)
		_, errs, code = alone(t, "", both, nil, "doctor")
		wantSaid(t, errs, code, 1, m.Path+" and "+other.Path+" both fit")
		out, errs, code = alone(t, "", one, []string{"AWS_REGION=us-test-2"}, "doctor")
		wantSaid(t, out+errs, code, 0, "✓ region            us-test-2", "mounted, read and unmounted")
	})
	t.Run("warm", func(t *testing.T) {
		out, errs, code := alone(t, "", both, nil, "warm", "--dry-run", m.Join("door", at.Format("2006-01-02T15:04"), "1m.mp4"))
		wantSaid(t, out, code, 0, "at 0.5 a GB")
		wantSaid(t, errs, code, 0, "price from the mount on "+m.Path)
	})
	t.Run("silent", func(t *testing.T) {
		other.Signal(t, syscall.SIGSTOP)
		defer other.Signal(t, syscall.SIGCONT)
		_, errs, code := alone(t, "", both, nil, "cache", "ls", other.Path)
		wantSaid(t, errs, code, 1, other.Path+" does not tell its settings", "no answer")
	})
	status, err := os.ReadFile(m.Join(".clipfs", "status.json"))
	if err != nil || !strings.Contains(string(status), `"region": "eu-test-1"`) || strings.Contains(string(status), "test-secret") {
		t.Errorf("status: %s, %v; want the region and no secret", status, err)
	}
}

// TestCommandsKnowTheUnit: where no mount runs, the settings are those of the unit that would start it.
func TestCommandsKnowTheUnit(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "door=testcard")
	cache, mountpoint := t.TempDir(), "/mnt/of a test"
	unit := "# of a test\nAWS_REGION=eu-test-1\nCLIPFS_ENDPOINT_URL=\"" + e.Endpoint + "\"\nCLIPFS_CONFIG=" + filepath.Join(t.TempDir(), "clipfs.yaml") + "\n"
	if err := os.WriteFile(strings.TrimSpace(unit[strings.Index(unit, "CONFIG=")+len("CONFIG="):]), []byte("cache-dir: "+cache+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	etc := unitsOf(t, map[string]string{`mnt-of\x20a\x20test`: unit})
	out, errs, code := alone(t, etc, nil, nil, "doctor")
	wantSaid(t, out+errs, code, 0, `AWS_REGION from /etc/clipfs/mnt-of\x20a\x20test.env`, "✓ region            eu-test-1", "✓ endpoint          "+e.Endpoint,
		"✓ cache directory   "+cache)
	_, errs, code = alone(t, etc, nil, nil, "cache", "ls", mountpoint)
	wantSaid(t, errs, code, 0, cache, "cache-dir from /etc/clipfs/mnt-of")
	m := harness.StartMount(t, e)
	_, errs, code = alone(t, etc, []*harness.Mount{m}, nil, "cache", "ls") // what runs goes before what could
	wantSaid(t, errs, code, 0, m.Cache)
	etc = unitsOf(t, map[string]string{"mnt-a": "", "mnt-b": "AWS_REGION=eu-test-1\n"})
	_, errs, code = alone(t, etc, nil, nil, "cache", "ls")
	wantSaid(t, errs, code, 1, "/mnt/a and /mnt/b both fit")
	_, errs, code = alone(t, etc, nil, nil, "cache", "ls", "/mnt/a")
	wantSaid(t, errs, code, 0, "/var/cache/clipfs/mnt-a/clipfs: cache-dir from /etc/clipfs/mnt-a.env")
}
