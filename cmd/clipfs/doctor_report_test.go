//go:build e2e

package main_test

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clipfs/cmd/clipfs/internal/doctor"

	main "clipfs/cmd/clipfs"
	"clipfs/cmd/internal/harness"
	"clipfs/fs/mountinfo"
)

const (
	doctorKey, doctorSecret = "AKIDEXAMPLEKEY5678", "a-secret-that-nobody-sees"
	doctorToken             = "a-session-token-that-nobody-sees"
)

// doctorFinding is one line of the doctor's.
type doctorFinding struct{ Check, Status, Found, Advice string }

// doctorReport is what the doctor says in JSON.
type doctorReport struct {
	OK       bool
	Findings []doctorFinding
	Clips    int64 `json:"getclip_calls"`
	Bytes    int64 `json:"getclip_bytes"`
	Images   int64 `json:"getimages_images"`

	t *testing.T
}

// patient gives the doctor an environment of its own: credentials of the test's, a home and a place for temporary files
// that are empty before and after.
func patient(t *testing.T) {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "CLIPFS_") && name != "CLIPFS_REQUIRE_ALL" {
			t.Setenv(name, "") // so that it is there again after the test
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	home, tmp := t.TempDir(), t.TempDir()
	for name, value := range map[string]string{
		"HOME": home, "XDG_CACHE_HOME": filepath.Join(home, "cache"), "TMPDIR": tmp, "AWS_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": doctorKey, "AWS_SECRET_ACCESS_KEY": doctorSecret, "AWS_SESSION_TOKEN": doctorToken,
		"AWS_CONFIG_FILE": filepath.Join(home, "config"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(home, "credentials"),
		"AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	t.Cleanup(func() {
		for _, dir := range []string{tmp, home} {
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("left behind in %s: %v, %v", dir, left, err)
			}
		}
		all, err := mountinfo.List()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if strings.HasPrefix(m.Mountpoint, tmp) {
				t.Errorf("%s is still mounted", m.Mountpoint)
			}
		}
	})
}

// examine runs the doctor, on this machine where nothing else is said, and checks what holds of every run: it ends in
// time, says in one line what is wrong, has advice for each cross, and shows no secret.
func examine(t *testing.T, on doctor.Host, args ...string) doctorReport {
	t.Helper()
	on.Self = harness.Binary(t)
	var stdout, stderr bytes.Buffer
	code := main.RunDoctor(t.Context(), on, append([]string{"--json"}, args...), &stdout, &stderr)
	r := doctorReport{t: t}
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatalf("%v: %s%s", err, &stdout, &stderr)
	}
	failures := 0
	for _, f := range r.Findings {
		if (f.Advice != "") != (f.Status == "failed") || f.Found == "" {
			t.Errorf("%+v: want advice for a cross, and for nothing else", f)
		}
		if f.Status == "failed" {
			failures++
		}
	}
	if r.OK != (failures == 0) || (code == 0) != r.OK || code > 1 {
		t.Errorf("exit code %d, ok %t, %d failures", code, r.OK, failures)
	}
	if !r.OK {
		wantLine(t, stderr.String(), "clipfs doctor: ", "failed")
	}
	for _, secret := range []string{doctorKey, doctorSecret, doctorToken} {
		if strings.Contains(stdout.String()+stderr.String(), secret) {
			t.Errorf("shows %s:\n%s", secret, &stdout)
		}
	}
	if t.Failed() {
		t.Log(stdout.String(), stderr.String())
	}
	return r
}

// want checks the status of checks and words of what was found or advised.
func (r doctorReport) want(status, check string, words ...string) {
	r.t.Helper()
	at := slices.IndexFunc(r.Findings, func(f doctorFinding) bool { return f.Check == check })
	if at < 0 {
		r.t.Errorf("no check %q in %v", check, r.Findings)
		return
	}
	f := r.Findings[at]
	if f.Status != status {
		r.t.Errorf("%s: %s, want %s: %+v", check, f.Status, status, f)
	}
	for _, word := range words {
		if !strings.Contains(f.Found+" → "+f.Advice, word) {
			r.t.Errorf("%s does not say %q: %+v", check, word, f)
		}
	}
}

// wantOnly checks that these checks have failed and no others, and that those were not tried.
func (r doctorReport) wantOnly(failed, skipped []string) {
	r.t.Helper()
	got := map[string][]string{}
	for _, f := range r.Findings {
		got[f.Status] = append(got[f.Status], f.Check)
	}
	for status, want := range map[string][]string{"failed": failed, "skipped": skipped} {
		if !slices.Equal(got[status], want) {
			r.t.Errorf("%s: %q, want %q", status, got[status], want)
		}
	}
}

// nobodyListens gives the URL of an endpoint that cannot be reached.
func nobodyListens(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}
