//go:build e2e

package e2e_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"clipfs/cmd/internal/harness"
)

const (
	// soakDirect is of how many readers one runs programs; the others make the calls themselves.
	soakDirect = 12
	// soakKinds is how many programs there are.
	soakKinds = 5
)

// soakProgram is what users run on a clip, as a process of its own.
type soakProgram struct {
	name string
	run  func(s *soak, t *testing.T, clip *sourceClip, random *rand.Rand) error
}

// soakPrograms has them in the order in which they are run.
func soakPrograms() [soakKinds]soakProgram {
	return [...]soakProgram{{"cp", (*soak).cp}, {"ls -l", (*soak).ls}, {"head", (*soak).head}, {"tail", (*soak).tail}, {"ffprobe", (*soak).ffprobe}}
}

// program runs the program whose turn it is.
func (s *soak) program(t *testing.T, turn int, random *rand.Rand) error {
	kind := turn % soakKinds
	defer s.programs[kind].Add(1)
	return soakPrograms()[kind].run(s, t, s.source.clips[random.IntN(len(s.source.clips))], random)
}

// spawn runs a program to its end and gives what it printed. What it says on stderr is a failure, whatever it exits with.
func spawn(t *testing.T, name string, args ...string) ([]byte, error) {
	out, said, err := harness.TryRun(t, name, args...)
	if err == nil && len(said) > 0 {
		err = fmt.Errorf("%d bytes on stderr", len(said))
	}
	if err != nil {
		err = fmt.Errorf("%s %q: %w\n%s", name, args, err, said)
	}
	return out, err
}

// cp copies a clip and compares the copy.
func (s *soak) cp(t *testing.T, clip *sourceClip, random *rand.Rand) error {
	to := filepath.Join(s.copies, strconv.FormatUint(random.Uint64(), 36))
	defer func() { _ = os.Remove(to) }()
	if _, err := spawn(t, "cp", s.mount.Join(clip.path), to); err != nil {
		return err
	}
	got, err := os.ReadFile(to)
	if err != nil {
		return err
	}
	if len(got) != len(clip.bytes) {
		return clip.wrong("cp made %d bytes of %d", len(got), len(clip.bytes))
	}
	return clip.compare(got, 0)
}

// ls lists the minute in which a clip begins, which has a clip of one minute that no estimate may make smaller than it is.
func (s *soak) ls(t *testing.T, clip *sourceClip, _ *rand.Rand) error {
	out, err := spawn(t, "ls", "-l", filepath.Dir(s.mount.Join(clip.path)))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 9 || fields[len(fields)-1] != "1m.mp4" {
			continue
		}
		size, err := strconv.Atoi(fields[4])
		if err == nil && filepath.Base(clip.path) == "60s.mp4" && size < len(clip.bytes) {
			err = clip.wrong("ls -l gives %d bytes, fewer than the %d there are", size, len(clip.bytes))
		}
		return err
	}
	return clip.wrong("ls -l lists no 1m.mp4:\n%s", out)
}

// head reads the beginning of a clip.
func (s *soak) head(t *testing.T, clip *sourceClip, random *rand.Rand) error {
	n := 1 + random.IntN(len(clip.bytes))
	out, err := spawn(t, "head", "-c", strconv.Itoa(n), s.mount.Join(clip.path))
	if err != nil {
		return err
	}
	if !bytes.Equal(out, clip.bytes[:n]) {
		return clip.wrong("head gives %d bytes that are not the first %d", len(out), n)
	}
	return nil
}

// tail reads the end of a clip.
func (s *soak) tail(t *testing.T, clip *sourceClip, random *rand.Rand) error {
	n := 1 + random.IntN(len(clip.bytes))
	out, err := spawn(t, "tail", "-c", strconv.Itoa(n), s.mount.Join(clip.path))
	if err != nil {
		return err
	}
	if !bytes.Equal(out, clip.bytes[len(clip.bytes)-n:]) {
		return clip.wrong("tail gives %d bytes that are not the last %d", len(out), n)
	}
	return nil
}

// ffprobe asks what is in a clip, as players do.
func (s *soak) ffprobe(t *testing.T, clip *sourceClip, _ *rand.Rand) error {
	out, err := spawn(t, "ffprobe", "-v", "error", "-show_entries", "format=size", "-of", "csv=p=0", s.mount.Join(clip.path))
	if err != nil {
		return err
	}
	if got, want := strings.TrimSpace(string(out)), strconv.Itoa(len(clip.bytes)); got != want {
		return clip.wrong("ffprobe finds %s bytes, want %s", got, want)
	}
	return nil
}
