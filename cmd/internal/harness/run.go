package harness

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"clipfs/cmd/internal/child"
)

const runLimit = 2 * time.Minute

// Run runs a program to its end and gives its stdout; it has to exit with 0.
func Run(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	out, stderr, err := TryRun(t, name, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, stderr)
	}
	return out
}

// TryRun runs a program to its end, in a directory that is on no mount, with the environment of the other children.
func TryRun(t testing.TB, name string, args ...string) (stdout, stderr []byte, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), runLimit)
	defer cancel()
	return child.Run(ctx, name, args...)
}

// FFmpeg makes a media file, on one thread as the machines that test have few, and gives its path.
func FFmpeg(t testing.TB, name string, args ...string) string {
	t.Helper()
	Need(t, "ffmpeg", "ffprobe")
	path := filepath.Join(t.TempDir(), name)
	Run(t, "ffmpeg", append(append([]string{"-v", "error", "-nostdin", "-y"}, args...), path)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}
