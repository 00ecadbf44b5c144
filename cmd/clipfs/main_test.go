package main_test

import (
	"bytes"
	"encoding/json"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"clipfs/cmd/internal/build"

	main "clipfs/cmd/clipfs"
	"clipfs/cmd/clipfs/internal/self"
	"clipfs/cmd/internal/harness"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == probing { // a prober runs its own program
		if err := self.Answer(os.Args[2], os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.TempDir() == "/dev/shm" { // as .ci/test has it: a mount on a volume that is not shared has one more line to say
		_ = os.Unsetenv("TMPDIR")
	}
	os.Exit(harness.Main(m))
}

// probing is the argument with which the tests' own program is the process that asks a mount.
const probing = "probe-a-mount"

// invoke runs the program in this process, for what does not mount.
func invoke(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	// Some of the environment is only there for the tests, and the program would warn of it.
	for _, entry := range os.Environ() {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "CLIPFS_TEST_") {
			t.Setenv(name, value) // so that it is there again after the test
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	var out, errs bytes.Buffer
	code = main.Run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// wantLine checks that stderr is one line that has all of the words.
func wantLine(t *testing.T, stderr string, words ...string) {
	t.Helper()
	if strings.Count(stderr, "\n") != 1 || !strings.HasSuffix(stderr, "\n") {
		t.Errorf("stderr is not one line: %q", stderr)
	}
	for _, word := range words {
		if !strings.Contains(stderr, word) {
			t.Errorf("stderr does not say %q: %s", word, stderr)
		}
	}
}

func TestWrongUsage(t *testing.T) {
	tests := map[string]struct {
		args []string
		says []string
	}{
		"no command":          {nil, []string{"clipfs: name a command"}},
		"unknown command":     {[]string{"explode"}, []string{"clipfs: ", `"explode"`}},
		"unknown flag":        {[]string{"mount", "--explode", "/mnt"}, []string{"clipfs mount: ", "--explode"}},
		"unmount":             {[]string{"unmount", "/mnt"}, []string{`"unmount"`, "did you mean umount?"}},
		"mnt":                 {[]string{"monut", "/mnt"}, []string{"did you mean mount?"}},
		"nearly a flag":       {[]string{"mount", "--cache-siz", "1GiB", "/mnt"}, []string{"did you mean --cache-size?"}},
		"region":              {[]string{"mount", "--region", "eu-west-1", "/mnt"}, []string{"--region", "AWS_REGION"}},
		"profile":             {[]string{"doctor", "--profile=site"}, []string{"--profile", "AWS_PROFILE"}},
		"path of a stream":    {[]string{"path", "cam"}, []string{"clipfs path: "}},
		"path of a garage":    {[]string{"path", "--mount", "none", "cam", "garage"}, []string{`"garage"`, "yesterday 10:00"}},
		"path of no length":   {[]string{"path", "--mount", "none", "cam", "yesterday", "10"}, []string{"LENGTH", `"10"`, "10m"}},
		"path of no stream":   {[]string{"path", "--mount", "none", "front door", "yesterday"}, []string{`"front door"`}},
		"path of last last":   {[]string{"path", "--mount", "none", "cam", "last 5m", "5m"}, []string{"LENGTH"}},
		"path of a skip":      {[]string{"path", "--mount", "none", "--timezone", "Europe/Berlin", "cam", "2026-03-29 02:30"}, []string{"does not occur in Europe/Berlin"}},
		"no mountpoint":       {[]string{"mount"}, []string{"clipfs mount: ", "clipfs mount --help"}},
		"two mountpoints":     {[]string{"mount", "/a", "/b"}, []string{"clipfs mount: "}},
		"bad size":            {[]string{"mount", "--cache-size", "much", "/mnt"}, []string{"--cache-size", "10GiB"}},
		"no size":             {[]string{"mount", "--cache-size", "0", "/mnt"}, []string{"--cache-size"}},
		"bad share":           {[]string{"mount", "--cache-min-free", "100%", "/mnt"}, []string{"--cache-min-free", "20GiB"}},
		"bad age":             {[]string{"mount", "--cache-max-age", "week", "/mnt"}, []string{"--cache-max-age", "7d"}},
		"cache of nothing":    {[]string{"cache"}, []string{"clipfs cache: ", "verify"}},
		"cache of a thing":    {[]string{"cache", "thing"}, []string{"clipfs cache: ", `"thing"`}},
		"cache ls of two":     {[]string{"cache", "ls", "thing", "thing"}, []string{"clipfs cache ls: "}},
		"clear of no age":     {[]string{"cache", "clear", "--older", "0"}, []string{"clipfs cache clear: ", "7d"}},
		"bad zone":            {[]string{"mount", "--timezone", "Mars/Olympus", "/mnt"}, []string{"--timezone", "Europe/Berlin"}},
		"bad names":           {[]string{"mount", "--names", "short", "/mnt"}, []string{"--names", "extended or basic"}},
		"bad timestamps":      {[]string{"mount", "--timestamps", "both", "/mnt"}, []string{"--timestamps", "producer or server"}},
		"bad ttl":             {[]string{"mount", "--metadata-ttl", "-1s", "/mnt"}, []string{"--metadata-ttl", "60s"}},
		"bad level":           {[]string{"mount", "--log-level", "loud", "/mnt"}, []string{"--log-level", "debug"}},
		"list of a form":      {[]string{"mount", "--list", "hours,rung", "/nowhere"}, []string{"clipfs mount: ", "--list", `"rung"`}},
		"list of two":         {[]string{"mount", "--list", "hours,days", "/nowhere"}, []string{"clipfs mount: ", "hours and days"}},
		"umount of nothing":   {[]string{"umount"}, []string{"clipfs umount: "}},
		"version of what":     {[]string{"version", "2"}, []string{"clipfs version: "}},
		"demo of two":         {[]string{"demo", "a", "b"}, []string{"clipfs demo: "}},
		"emulator of a thing": {[]string{"emulator", "thing"}, []string{"clipfs emulator: "}},
		"put of nothing":      {[]string{"emulator", "put", "--stream", "a"}, []string{"clipfs emulator put: "}},
		"put into nothing":    {[]string{"emulator", "put", "a.mkv"}, []string{"clipfs emulator put: ", "--stream"}},
		"put at no time":      {[]string{"emulator", "put", "a.mkv", "--stream", "a", "--start", "noon"}, []string{"clipfs emulator put: ", "--start", "2024-"}},
		"put at a speed":      {[]string{"emulator", "put", "a.mkv", "--stream", "a", "--rate", "2x"}, []string{"clipfs emulator put: ", "1x or max"}},
		"endless put":         {[]string{"emulator", "put", "a.mkv", "--stream", "a", "--rate", "max", "--loop"}, []string{"clipfs emulator put: ", "--loop"}},
		"pipe again":          {[]string{"emulator", "put", "-", "--stream", "a", "--loop"}, []string{"clipfs emulator put: ", "pipe"}},
		"trust in nothing":    {[]string{"emulator", "--tls-ca", "/nowhere/ca.pem"}, []string{"clipfs emulator: ", "need --tls"}},
		"half a certificate":  {[]string{"emulator", "--tls", "--tls-key", "key.pem"}, []string{"clipfs emulator: ", "belong together"}},
		"region of nobody":    {[]string{"emulator", "--region", "us-east-1"}, []string{"clipfs emulator: ", "--credentials"}},
		"account of letters":  {[]string{"emulator", "--account", "me"}, []string{"clipfs emulator: ", "12 digits"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := invoke(t, test.args...)
			if code != 2 {
				t.Errorf("exit code %d, want 2", code)
			}
			if stdout != "" {
				t.Errorf("stdout has %q, want nothing", stdout)
			}
			wantLine(t, stderr, test.says...)
		})
	}
}

func TestHelpIsNoError(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"help", "mount"}, {"mount", "--help"}, {"demo", "-h"}} {
		code, stdout, stderr := invoke(t, args...)
		if code != 0 || !strings.Contains(stdout, "Usage:") || stderr != "" {
			t.Errorf("clipfs %q: exit code %d, stdout %q, stderr %q; want help on stdout", args, code, stdout, stderr)
		}
	}
	if _, stdout, _ := invoke(t, "--help"); strings.Contains(stdout, "demo-check") {
		t.Error("help shows the command that only the demo runs")
	}
}

func TestVersion(t *testing.T) {
	code, stdout, _ := invoke(t, "version")
	if code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	for _, word := range []string{"clipfs  ", "commit  ", "go      go1.", "go-fuse v2."} {
		if !strings.Contains(stdout, word) {
			t.Errorf("version does not say %q: %s", word, stdout)
		}
	}
	if code, flag, stderr := invoke(t, "--version"); code != 0 || flag != stdout || stderr != "" {
		t.Errorf("--version: exit code %d, %q, %q; want what the command says: %q", code, flag, stderr, stdout)
	}
	code, stdout, _ = invoke(t, "version", "--json")
	var v struct {
		Version, Commit, Go string
		GoFUSE              string `json:"go_fuse"`
	}
	if err := json.Unmarshal([]byte(stdout), &v); err != nil || code != 0 || strings.Count(stdout, "\n") != 1 ||
		v.Version == "" || v.Commit == "" || !strings.HasPrefix(v.Go, "go1.") || !strings.HasPrefix(v.GoFUSE, "v2.") {
		t.Errorf("version --json: exit code %d, %v, %s", code, err, stdout)
	}
	got := build.Of(&debug.BuildInfo{
		Main:     debug.Module{Version: "v1.2.3"},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}},
		Deps:     []*debug.Module{{Path: "github.com/hanwen/go-fuse/v2", Version: "v2.9.9"}},
	}).String()
	for _, word := range []string{"clipfs  v1.2.3\n", "commit  abc (modified)\n", "go-fuse v2.9.9\n"} {
		if !strings.Contains(got, word) {
			t.Errorf("description does not say %q: %s", word, got)
		}
	}
}
