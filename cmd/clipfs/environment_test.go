package main_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	main "clipfs/cmd/clipfs"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// sample is a command with a flag of each kind that matters to the environment.
type sample struct {
	cmd   *cobra.Command
	dir   string
	age   time.Duration
	lines []string
	said  bytes.Buffer
}

// newSample gives one that was called with args.
func newSample(t *testing.T, args ...string) *sample {
	t.Helper()
	s := &sample{}
	root := &cobra.Command{Use: "clipfs"}
	s.cmd = &cobra.Command{Use: "sample", RunE: func(*cobra.Command, []string) error { return nil }}
	s.cmd.Flags().StringVar(&s.dir, "cache-dir", "default", "")
	s.cmd.Flags().DurationVar(&s.age, "age", time.Second, "")
	s.cmd.Flags().StringArrayVar(&s.lines, "stream", nil, "")
	other := &cobra.Command{Use: "other", RunE: s.cmd.RunE}
	other.Flags().Bool("only-there", false, "")
	root.AddCommand(s.cmd, other)
	root.SetErr(&s.said)
	if err := s.cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFlagsFromEnvironment(t *testing.T) {
	s := newSample(t, "--age", "3s")
	environ := []string{"CLIPFS_CACHE_DIR=/var/cache", "CLIPFS_AGE=5s", "CLIPFS_STREAM=a=1,loop\n b=2 \n\n", "PATH=/bin"}
	if err := main.FromEnvironment(s.cmd, environ); err != nil {
		t.Fatal(err)
	}
	if s.dir != "/var/cache" {
		t.Errorf("--cache-dir = %q, want that of the environment", s.dir)
	}
	if s.age != 3*time.Second {
		t.Errorf("--age = %s, want that of the flag", s.age)
	}
	if diff := cmp.Diff([]string{"a=1,loop", "b=2"}, s.lines); diff != "" {
		t.Errorf("--stream (-want +got):\n%s", diff)
	}
	if s.said.Len() > 0 {
		t.Errorf("warned: %s", &s.said)
	}
}

func TestBadEnvironmentIsWrongUsage(t *testing.T) {
	t.Setenv("CLIPFS_METADATA_TTL", "soon")
	code, _, stderr := invoke(t, "mount", "/nowhere")
	if code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
	wantLine(t, stderr, "CLIPFS_METADATA_TTL", "soon")
}

func TestUnknownEnvironmentWarns(t *testing.T) {
	s := newSample(t)
	environ := []string{"CLIPFS_PORT_80_TCP=tcp://10.0.0.1", "CLIPFS_ONLY_THERE=true", "CLIPFS_REQUIRE_ALL=1", "CLIPFSX=1"}
	if err := main.FromEnvironment(s.cmd, environ); err != nil {
		t.Fatal(err)
	}
	said := s.said.String()
	if !strings.Contains(said, "CLIPFS_PORT_80_TCP") {
		t.Errorf("does not warn of CLIPFS_PORT_80_TCP: %q", said)
	}
	if strings.Count(said, "\n") != 1 {
		t.Errorf("warns of what is known or not ours: %q", said)
	}
}

func TestValues(t *testing.T) {
	tests := []struct {
		kind, text, want string
		bytes            int64
	}{
		{kind: "size", text: "10GiB", want: "10GiB", bytes: 10 << 30},
		{kind: "size", text: "10g", want: "10GiB", bytes: 10 << 30},
		{kind: "size", text: "500MB", want: "500MB", bytes: 500_000_000},
		{kind: "size", text: "123456789", want: "123456789", bytes: 123_456_789},
		{kind: "size", text: "1.5GiB", want: "1.5GiB", bytes: 3 << 29},
		{kind: "size", text: "4096", want: "4KiB", bytes: 4096},
		{kind: "zone", text: "Europe/Berlin", want: "Europe/Berlin"},
		{kind: "zone", text: "UTC", want: "UTC"},
		{kind: "names", text: "basic", want: "basic"},
		{kind: "names", text: "extended", want: "extended"},
		{kind: "selector", text: "server", want: "server"},
		{kind: "selector", text: "producer", want: "producer"},
		{kind: "level", text: "debug", want: "debug"},
		{kind: "level", text: "warn", want: "warn"},
		{kind: "level", text: "error", want: "error"},
		{kind: "level", text: "info", want: "info"},
		{kind: "positive", text: "90s", want: "1m30s"},
		{kind: "age", text: "7d", want: "7d"},
		{kind: "age", text: "36h", want: "1d12h0m0s"},
		{kind: "age", text: "1d12h", want: "1d12h0m0s"},
		{kind: "share", text: "5%", want: "5%"},
		{kind: "share", text: "0.5%", want: "0.5%"},
		{kind: "share", text: "20GiB", want: "20GiB"},
		{kind: "share", text: "0", want: "0B"},
	}
	for _, test := range tests {
		v := main.Values()[test.kind]
		if err := v.Set(test.text); err != nil {
			t.Errorf("%s %q: %v", test.kind, test.text, err)
			continue
		}
		if got := v.String(); got != test.want {
			t.Errorf("%s %q = %s, want %s", test.kind, test.text, got, test.want)
		}
		if got := main.Bytes(v); test.bytes > 0 && got != test.bytes {
			t.Errorf("%s %q = %d bytes, want %d", test.kind, test.text, got, test.bytes)
		}
	}
	for kind, v := range main.Values() {
		for _, text := range []string{"", "-1", "0", "Nowhere/At/All", "1e", "10 parsecs"} {
			if kind == "zone" && text == "" {
				continue // is UTC
			}
			if kind == "share" && text == "0" {
				continue // nothing is left free
			}
			if err := v.Set(text); err == nil {
				t.Errorf("%s takes %q", kind, text)
			}
		}
	}
}
