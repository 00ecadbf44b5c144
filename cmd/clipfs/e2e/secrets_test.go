//go:build e2e

package e2e_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// The credentials of this test, made so that they are found wherever they get to.
const (
	canaryID     = "AKIDCANARYCANARY"
	canarySecret = "canary/Secret+Access/Key0123456789"
	canaryToken  = "canaryTokenCanaryToken//canaryTokenCanaryToken0123456789=="
)

// leaks are what must not be in anything that is written.
func leaks() []*regexp.Regexp {
	var all []*regexp.Regexp
	for _, text := range []string{canarySecret, canaryToken, canaryToken[:20], "canary%2FSecret"} {
		all = append(all, regexp.MustCompile(regexp.QuoteMeta(text)))
	}
	return append(all, regexp.MustCompile(`AWS4-HMAC-SHA256`), regexp.MustCompile(`(?i)signature=[0-9a-f]`), regexp.MustCompile(`(?i)x-amz-security-token`))
}

// written gives everything that a mount writes, by where: its log, the emulator's, all files of its cache, the extended
// attributes and sidecars of a clip and of what it lies in, its own files, its metrics.
func written(t *testing.T, m *harness.Mount, e *harness.Emulator, clips ...string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{"log of the mount": []byte(m.Log()), "log of the emulator": []byte(e.Log())}
	walk := func(dir string) {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			all[path], err = os.ReadFile(path)
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", dir, err)
		}
	}
	walk(m.Cache)
	for _, clip := range clips {
		for _, path := range []string{clip, filepath.Dir(clip), filepath.Dir(filepath.Dir(clip))} {
			for _, name := range attributes(t, path) {
				value := make([]byte, 4096)
				if n, err := unix.Getxattr(path, name, value); err == nil {
					all[name+" of "+path] = value[:n]
				}
			}
		}
		beside := clip[:len(clip)-len(".mp4")] + ".json"
		if text, err := os.ReadFile(beside); err == nil {
			all[beside] = text
		}
	}
	if _, err := os.Stat(m.Join(".clipfs")); err == nil {
		walk(m.Join(".clipfs"))
	}
	return all
}

// attributes gives the names of the extended attributes of a file.
func attributes(t *testing.T, path string) []string {
	t.Helper()
	list := make([]byte, 4096)
	n, err := unix.Listxattr(path, list)
	if err != nil {
		return nil // of what is not there
	}
	var names []string
	for _, name := range bytes.Split(bytes.Trim(list[:n], "\x00"), []byte{0}) {
		names = append(names, string(name))
	}
	return names
}

// TestNoSecretIsWritten: of a run at level debug in which calls succeed and are refused, nothing that is written anywhere
// has a secret key, a session token or a signed header in it.
func TestNoSecretIsWritten(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--credentials", canaryID+":"+canarySecret, "--log-level", "debug")
	env := func(secret string) []string {
		return []string{"AWS_ACCESS_KEY_ID=" + canaryID, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_SESSION_TOKEN=" + canaryToken}
	}
	good := harness.StartMountWith(t, e, env(canarySecret), t.TempDir(), "--metrics", "127.0.0.1:0", "--log-format", "json")
	at := time.Now().UTC().Add(-time.Hour).Truncate(time.Minute)
	clip, long := good.Join("testcard", nameOf(at), "1m.mp4"), good.Join("testcard", nameOf(at), "10m.mp4")
	for _, path := range []string{clip, long, filepath.Join(filepath.Dir(clip), "1m.json")} {
		if _, err := os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.ReadDir(good.Path); err != nil {
		t.Fatal(err)
	}
	everything := written(t, good, e, clip, long)
	_, metrics := scrape(t, good)
	everything["metrics"] = []byte(metrics)
	everything["cache ls"] = harness.Run(t, harness.Binary(t), "cache", "ls", "--json", "--cache-dir", good.Cache)
	if len(everything) < 15 || everything[good.Join(".clipfs", "status.json")] == nil {
		t.Errorf("only %d things were written", len(everything))
	}
	for _, secret := range []string{canarySecret, canarySecret + "x"} {
		doctor := exec.CommandContext(t.Context(), harness.Binary(t), "doctor", "--json", "--endpoint-url", e.Endpoint, "--cache-dir", t.TempDir())
		doctor.Env = append(os.Environ(), append(env(secret), "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true", "XDG_CACHE_HOME="+t.TempDir())...)
		out, err := doctor.CombinedOutput() // which may fail, but says why
		if everything["doctor with "+secret] = out; len(out) < 100 {
			t.Errorf("the doctor says %q, %v", out, err)
		}
	}
	// The same with a secret that is not the right one, so that everything is refused, and said why.
	bad := harness.StartMountWith(t, e, env(canarySecret+"x"), t.TempDir())
	if _, err := os.ReadFile(bad.Join("testcard", nameOf(at), "1m.mp4")); !errors.Is(err, syscall.EACCES) {
		t.Errorf("with a wrong secret: got %v, want EACCES", err)
	}
	if !bad.Logs("SignatureDoesNotMatch") && !bad.Logs("InvalidSignatureException") {
		t.Error("the log does not say that the signature is wrong")
	}
	for where, text := range written(t, bad, e) {
		everything["refused: "+where] = text
	}
	for where, text := range everything {
		for _, leak := range leaks() {
			if at := leak.FindIndex(text); at != nil {
				t.Errorf("%s has %s: %q", where, leak, text[max(at[0]-80, 0):min(at[1]+80, len(text))])
			}
		}
	}
}
