//go:build e2e

package main_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"clipfs/clip/emulator/producer"
	"clipfs/cmd/internal/harness"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo"
	"golang.org/x/sys/unix"
)

// warm runs clipfs warm.
func warm(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	out, errs, err := harness.TryRun(t, harness.Binary(t), append([]string{"warm"}, args...)...)
	if err != nil && exitCode(err) == 0 {
		t.Fatal(err)
	}
	return string(out), string(errs), exitCode(err)
}

// wantOutput checks what a command said.
func wantOutput(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !regexp.MustCompile(w).MatchString(text) {
			t.Errorf("got %q, want it to match %q", text, w)
		}
	}
}

// record makes a stream that has ten seconds of the test card from each of some times on.
func record(t *testing.T, e *harness.Emulator, stream string, starts ...time.Time) {
	t.Helper()
	client := kinesisvideo.New(kinesisvideo.Options{
		BaseEndpoint: aws.String(e.Endpoint), Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("test", "test-secret", ""),
	})
	in := &kinesisvideo.CreateStreamInput{StreamName: aws.String(stream), DataRetentionInHours: aws.Int32(72)}
	if _, err := client.CreateStream(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	for _, at := range starts {
		if _, err := producer.PutTestCard(t.Context(), e.Endpoint, stream, at, at.Add(10*time.Second), producer.Options{}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWarm: a dry run fetches nothing and says what a run would; after the run all can be read without the archive, and
// another run has nothing to do.
func TestWarm(t *testing.T) {
	t.Parallel() // it waits for the most part
	e := testcard(t)
	m := harness.StartMount(t, e)
	yesterday := time.Now().UTC().Truncate(24 * time.Hour).Add(-24 * time.Hour)
	record(t, e, "yard", yesterday.Add(10*time.Hour+10*time.Minute), yesterday.Add(12*time.Hour+40*time.Minute))
	day, start := m.Join("yard", yesterday.Format("2006-01-02")), m.Join("door", ago(8*time.Hour))
	clips := []string{start + "/1m.mp4", start + "/5m.mp4"}
	for _, hour := range []string{"T10", "T12"} {
		clips = append(clips, day+"/"+yesterday.Format("2006-01-02")+hour+"/1h.mp4")
	}
	args := []string{m.Join("yard"), start + "/1m.mp4", start + "/1m.json", start + "/1m.mp4", start + "/5m.mp4", day}
	calls := func() int64 { return e.Calls(t, "GetClip") }

	out, stderr, code := warm(t, append([]string{"--dry-run", "--price", "10"}, args...)...)
	if code != 0 || calls() != 0 {
		t.Fatalf("dry run: exit code %d, %d GetClip, %s", code, calls(), stderr)
	}
	wantOutput(t, out, `(?m)^4 clips, 0 in the cache: about [0-9.]+MiB of [0-9.]+MiB to fetch, for about 0\.[0-9]+ at 10 a GB$`,
		regexp.QuoteMeta(clips[0]), regexp.QuoteMeta(clips[1]), regexp.QuoteMeta(clips[2]), regexp.QuoteMeta(clips[3]))
	minute, _, _ := warm(t, "--dry-run", m.Join("yard", yesterday.Add(10*time.Hour+10*time.Minute).Format("2006-01-02T15:04")))
	wantOutput(t, minute, `(?m)T10:10/1h\.mp4$`, `(?m)^1 clips`)

	out, stderr, code = warm(t, args...)
	if code != 0 {
		t.Fatalf("exit code %d: %s%s", code, out, stderr)
	}
	wantOutput(t, out, `^4 clips in the cache: 4 fetched, 0 were there`)
	wantOutput(t, stderr, `(?m)1m\.mp4 \(\d of 4 clips, [0-9.]+[MK]iB of [0-9.]+MiB, [0-9.]+[MK]iB/s`, `\(4 of 4 clips`)

	sent := calls()
	out, _, code = warm(t, args...)
	if code != 0 || calls() != sent {
		t.Errorf("the second run: exit code %d, %d GetClip", code, calls()-sent)
	}
	wantOutput(t, out, `^4 clips in the cache: 0 fetched, 4 were there`)
	out, _, _ = warm(t, append([]string{"--dry-run"}, args...)...)
	wantOutput(t, out, `(?m)^4 clips, 4 in the cache: about 0B of`)
	e.Kill(t)
	for _, path := range clips {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		var all bytes.Buffer
		if _, err := all.ReadFrom(f); err != nil || all.Len() == 0 {
			t.Errorf("%s without the archive: %d bytes, %v", path, all.Len(), err)
		}
		_ = f.Close() // it was only read
	}
}

// TestWarmNamesWhatFails: each path, with why; what can be had is had.
func TestWarmNamesWhatFails(t *testing.T) {
	e := testcard(t)
	m := harness.StartMount(t, e, "--fetch-limit", "1MB/month")
	start := m.Join("door", ago(8*time.Hour))
	_, stderr, code := warm(t, "--parallel", "1", start+"/1m.mp4", start+"/nonsense.mp4", m.Join("gate"), start+"/8m.mp4")
	if code != failed {
		t.Errorf("exit code %d, want %d", code, failed)
	}
	wantOutput(t, stderr, `(?m)nonsense\.mp4: no such file`, `(?m)gate: no such file`, `(?m)8m\.mp4: disk quota exceeded: .*fetch limit reached.*more from`,
		`(?m)^clipfs warm: 3 of`, `(?m)1m\.mp4 \(`)
	for _, args := range [][]string{{t.TempDir()}, {"/nowhere/at/all"}, {start + "/1m.mp4", "/etc"}} {
		_, stderr, code := warm(t, args...)
		if code != failed {
			t.Errorf("%q: exit code %d, want %d", args, code, failed)
		}
		wantLine(t, stderr, "not on a clipfs mount")
	}
	for _, args := range [][]string{{}, {"--parallel", "0", start}, {"--price", "-1", start}, {"--price", "NaN", start}} {
		if _, stderr, code := warm(t, args...); code != 2 {
			t.Errorf("%q: exit code %d, %s; want 2", args, code, stderr)
		}
	}
}

// TestWarmTellsWhatTheCacheHasNoSpaceFor: clips that push each other out are no success.
func TestWarmTellsWhatTheCacheHasNoSpaceFor(t *testing.T) {
	m := harness.StartMount(t, testcard(t), "--cache-size", "1MiB")
	var paths []string
	for i := range 4 {
		paths = append(paths, m.Join("door", ago(time.Duration(2+i)*time.Hour), "1m.mp4"))
	}
	_, stderr, code := warm(t, append([]string{"--parallel", "1"}, paths...)...)
	if code != failed {
		t.Errorf("exit code %d, want %d", code, failed)
	}
	wantOutput(t, stderr, `see --cache-size`, `(?m)^clipfs warm: [1-4] of`)
}

// lines is what a process has written so far.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String gives all of it.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestWarmInterrupted: Ctrl-C ends it at once, wherever it waits, and the same command goes on.
func TestWarmInterrupted(t *testing.T) {
	t.Parallel() // it waits for the most part
	e := testcard(t, "--bandwidth", "400KB/s", "--latency", "100ms")
	m := harness.StartMount(t, e)
	var paths []string
	for i := range 6 {
		paths = append(paths, m.Join("door", ago(time.Duration(2+i)*time.Hour), "1m.mp4"))
	}
	cmd := exec.CommandContext(t.Context(), harness.Binary(t), append([]string{"warm", "--parallel", "2"}, paths...)...)
	cmd.Dir = "/"
	var stderr lines
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(stderr.String(), "of 6 clips"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no clip was fetched: %s", stderr.String())
		}
	}
	begun := time.Now()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	if took := time.Since(begun); exitCode(err) != failed || took > 10*time.Second {
		t.Errorf("interrupted: %v after %s", err, took)
	}
	wantOutput(t, stderr.String(), `clipfs warm: interrupted: .*the same command goes on`)
	out, text, code := warm(t, paths...)
	if code != 0 {
		t.Fatalf("exit code %d: %s%s", code, out, text)
	}
	wantOutput(t, out, `^6 clips in the cache: [1-5] fetched, [1-5] were there`)
}

// TestWarmShowsABar where there is a terminal.
func TestWarmShowsABar(t *testing.T) {
	harness.Need(t, "script")
	m := harness.StartMount(t, testcard(t))
	path := m.Join("door", ago(2*time.Hour), "2m.mp4")
	out := harness.Run(t, "script", "--quiet", "--return", "--command", harness.Binary(t)+" warm "+path, "/dev/null")
	wantOutput(t, string(out), `100%`, `[MK]i?B/s`, `1 clips in the cache: 1 fetched`)
}

// TestWarmShowsHeads: while the heads of a clip come, a bar on a terminal counts them, and elsewhere the line of the clip.
func TestWarmShowsHeads(t *testing.T) {
	t.Parallel() // it waits for the most part
	harness.Need(t, "script")
	m := harness.StartMount(t, testcard(t, "--latency", "1s"), "--connections", "2")
	path := func(hours int) string { return m.Join("door", ago(time.Duration(hours)*time.Hour), "30m.mp4") }
	out := harness.Run(t, "script", "--quiet", "--return", "--command", harness.Binary(t)+" warm --heads "+path(2), "/dev/null")
	wantOutput(t, string(out), `heads +[0-9]+%.*\([1-9][0-9]?/30`, `1 clips open at once now`)
	_, text, code := warm(t, "--heads", path(4))
	if code != 0 {
		t.Errorf("exit code %d: %s", code, text)
	}
	wantOutput(t, text, `1 of 1 clips, 30 of 30 heads`)
}

// TestMissingAttribute: it tells what is not in the cache, and costs no media.
func TestMissingAttribute(t *testing.T) {
	e := testcard(t)
	m := harness.StartMount(t, e, "--eager", "0", "--read-ahead", "0")
	missing := func(path string) string {
		t.Helper()
		value := make([]byte, 64)
		n, err := unix.Getxattr(path, "user.clipfs.missing", value)
		if err != nil {
			t.Fatal(err)
		}
		return string(value[:n])
	}
	long := m.Join("door", ago(5*time.Hour), "1h.mp4")
	before := missing(long)
	if before == "0" || e.Calls(t, "GetClip") != 0 {
		t.Errorf("missing %s, %d GetClip", before, e.Calls(t, "GetClip"))
	}
	if listed, err := exec.LookPath("getfattr"); err == nil {
		wantOutput(t, string(harness.Run(t, listed, filepath.Clean(long))), "user.clipfs.missing")
	}
	path := m.Join("door", ago(2*time.Hour), "1m.mp4")
	if got := missing(path); got == "0" {
		t.Error("nothing is missing of a clip that was never read")
	}
	if _, err := os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); missing(path) != "0"; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s bytes are missing of a clip that was read", missing(path))
		}
	}
	if _, err := unix.Getxattr(m.Join("door"), "user.clipfs.missing", nil); !errors.Is(err, unix.ENODATA) {
		t.Errorf("of a directory: %v, want %v", err, unix.ENODATA)
	}
}
