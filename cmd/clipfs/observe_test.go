package main_test

import (
	"net"
	"testing"

	"clipfs/cmd/internal/harness"
)

// TestObserveFlags: what is no address, price or format is wrong usage.
func TestObserveFlags(t *testing.T) {
	for _, args := range [][]string{
		{"--metrics", "9464"}, {"--metrics", "host:port"}, {"--metrics", "127.0.0.1:70000"}, {"--metrics", "http://127.0.0.1:9464"},
		{"--price", "-1"}, {"--price", "cheap"}, {"--price", "NaN"}, {"--log-format", "xml"},
	} {
		code, _, stderr := invoke(t, append(append([]string{"mount"}, args...), t.TempDir())...)
		if code != 2 {
			t.Errorf("%q: exit code %d: %s", args, code, stderr)
		}
		wantLine(t, stderr, args[0])
	}
}

// TestTakenPort: a port that is taken is said before anything is mounted.
func TestTakenPort(t *testing.T) {
	harness.NeedFUSE(t) // mount asks first whether it may mount
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }() // nobody was accepted
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "x")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	address := taken.Addr().String()
	code, _, stderr := invoke(t, "mount", "--endpoint-url", "http://127.0.0.1:9", "--cache-dir", t.TempDir(), "--metrics", address, t.TempDir())
	if code != 1 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	wantLine(t, stderr, address, "in use")
}
