//go:build e2e

package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/mp4"
	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// copiers are the programs and system calls by which files get copied.
func copiers() map[string]func(t *testing.T, from, to string) error {
	program := func(name string, args ...string) func(*testing.T, string, string) error {
		return func(t *testing.T, from, to string) error {
			_, stderr, err := harness.TryRun(t, name, append(args[:len(args):len(args)], from, to)...)
			if err != nil {
				return fmt.Errorf("%w: %s", err, stderr)
			}
			return nil
		}
	}
	return map[string]func(*testing.T, string, string) error{
		"cat":        program("sh", "-c", `cat "$0" > "$1"`),
		"cp":         program("cp"),
		"busybox cp": program("busybox", "cp"),
		"rsync":      program("rsync", "--whole-file"),
		"sendfile":   func(_ *testing.T, from, to string) error { return sendfile(from, to) },
	}
}

// sendfile copies as a web server does that never asks for the size: what sendfile gives until it gives nothing.
func sendfile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return errors.Join(err, in.Close())
	}
	for {
		n, err := unix.Sendfile(int(out.Fd()), int(in.Fd()), nil, 1<<30)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return errors.Join(err, in.Close(), out.Close())
		}
	}
}

// exact checks a copy against what the emulator stored: the file ends where its last box does, and every sample of
// video lies where the tables say, byte for byte.
func exact(path string, fragments []footage.Fragment) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	scanner := mp4.NewScanner(bytes.NewReader(content))
	var moov []byte
	for {
		box, err := scanner.Next()
		if err != nil {
			break // the end, or what scanner.Position shows not to be it
		}
		if box.Type == mp4.TypeMoov {
			if moov, err = mp4.ReadMoov(box); err != nil {
				return err
			}
		}
	}
	if end, ok := scanner.End(); !ok || end != int64(len(content)) {
		return fmt.Errorf("%d bytes, but the movie ends at %d", len(content), end)
	}
	movie, err := mp4.ParseMovie(moov)
	if err != nil {
		return err
	}
	var want [][]byte
	for _, f := range fragments {
		for _, s := range f.Video() {
			want = append(want, s.Data)
		}
	}
	n := 0
	for s, err := range movie.Video().Samples() {
		if err != nil {
			return err
		}
		if end := s.Position + int64(s.Size); n == len(want) || end > int64(len(content)) || !bytes.Equal(content[s.Position:end], want[n]) {
			return fmt.Errorf("sample %d of %d is not the one stored", n, len(want))
		}
		n++
	}
	if n != len(want) {
		return fmt.Errorf("%d samples of %d", n, len(want))
	}
	return nil
}

// TestReopenedSize: a file that is opened by a descriptor of it has no name to look up again, and the kernel was given an estimate of
// its size a moment ago. What it is copied to is exact all the same.
func TestReopenedSize(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	m := harness.StartMount(t, e)
	from := time.Now().UTC().Add(-time.Hour).Truncate(time.Minute)
	path := m.Join("testcard", nameOf(from), "1m.mp4")
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	var estimate unix.Stat_t
	if err := unix.Fstat(fd, &estimate); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	told, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if told.Size() != int64(len(content)) || estimate.Size <= told.Size() {
		t.Errorf("it was to have %d bytes, then %d, and has %d", estimate.Size, told.Size(), len(content))
	}
}

// copiesVariable says how many clips TestColdCopies copies in each way, if not 40.
const copiesVariable = "E2E_COPIES"

// TestColdCopies: hundreds of clips that nobody has read before, each copied once, by every way of copying, alone and
// eight at a time, are all exact.
func TestColdCopies(t *testing.T) {
	t.Parallel()
	each := 40
	if text := os.Getenv(copiesVariable); text != "" {
		var err error
		if each, err = strconv.Atoi(text); err != nil || each < 1 {
			t.Fatalf("%s=%s", copiesVariable, text)
		}
	}
	ways := copiers()
	harness.Need(t, "cat", "cp", "busybox", "rsync")
	// Quota would make so many clips take minutes; it has a test of its own.
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--quota", "off")
	m := harness.StartMount(t, e)
	first := time.Now().UTC().Add(-20 * time.Hour).Truncate(time.Hour)
	target := t.TempDir()
	next := 0
	for _, name := range []string{"cat", "cp", "busybox cp", "rsync", "sendfile"} {
		for _, atOnce := range []int{1, 8} {
			t.Run(fmt.Sprintf("%s, %d at a time", name, atOnce), func(t *testing.T) {
				var wg sync.WaitGroup
				turns := make(chan struct{}, atOnce)
				for range each {
					// Clips of 2 to 20 s, none of which shares its start with another.
					from := first.Add(time.Duration(next) * 20 * time.Second)
					length := time.Duration(2+2*(next%10)) * time.Second
					to := filepath.Join(target, fmt.Sprintf("%d.mp4", next))
					next++
					wg.Go(func() {
						turns <- struct{}{}
						defer func() { <-turns }()
						file := m.Join("testcard", nameOf(from), length.String()+".mp4")
						err := ways[name](t, file, to)
						if err == nil {
							err = exact(to, stored(t, "testcard=testcard", from, from.Add(length)))
						}
						if err != nil {
							t.Errorf("%s: %v", file, err)
						}
						_ = os.Remove(to)
					})
				}
				wg.Wait()
			})
		}
	}
	if got := e.Calls(t, "GetClip"); got != int64(next) {
		t.Errorf("%d cold copies cost %d GetClip calls", next, got)
	}
}
