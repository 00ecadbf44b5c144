package harness

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"clipfs/clip/mp4/encoded"
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
	FFmpegTo(t, path, args...)
	return path
}

// FFmpegTo is FFmpeg with a path of the caller's.
func FFmpegTo(t testing.TB, path string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), runLimit)
	defer cancel()
	if said, err := encoded.File(ctx, path, args...); err != nil {
		t.Fatalf("ffmpeg %q: %v\n%s", args, err, said)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
}
