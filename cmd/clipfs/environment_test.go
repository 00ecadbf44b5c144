package main_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/clipfs/internal/config"

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
	if err := config.Settle(s.cmd, environ); err != nil {
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
	if err := config.Settle(s.cmd, environ); err != nil {
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
