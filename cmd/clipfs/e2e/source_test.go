//go:build e2e

package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// source is what clips hold, to compare what is read with.
type source struct{ clips []*sourceClip }

// sourceClip is one clip and its bytes.
type sourceClip struct {
	path  string
	bytes []byte
}

// wrongError says that bytes were read that are not those of the source: what must never be.
type wrongError struct{ text string }

// Error implements error.
func (e *wrongError) Error() string { return e.text }

// isWrong tells wrong bytes from reads that failed.
func isWrong(err error) bool {
	var wrong *wrongError
	return errors.As(err, &wrong)
}

// newSource reads eight clips of each stream through a mount of its own, and checks them against what the emulator stored:
// six of a minute, one that takes several calls, and one that the live edge cannot reach of a few seconds.
func newSource(t *testing.T, e *harness.Emulator, streams []string) *source {
	t.Helper()
	m := harness.StartMount(t, e)
	defer m.Stop(t, syscall.SIGINT)
	at := time.Now().UTC().Add(-3 * time.Hour).Truncate(time.Hour)
	s := new(source)
	var wg sync.WaitGroup
	turns := make(chan struct{}, 4)
	for n, stream := range streams {
		for i := range 8 {
			from, length := at.Add(time.Duration(n)*10*time.Minute+time.Duration(i)*time.Minute), time.Minute
			switch i {
			case 6:
				length = 8 * time.Minute
			case 7:
				length = 6 * time.Second
			}
			clip := &sourceClip{path: filepath.Join(stream, nameOf(from), fmt.Sprintf("%ds.mp4", int(length.Seconds())))}
			s.clips = append(s.clips, clip)
			wg.Go(func() {
				turns <- struct{}{}
				defer func() { <-turns }()
				var err error
				if clip.bytes, err = os.ReadFile(m.Join(clip.path)); err == nil {
					err = exact(m.Join(clip.path), stored(t, stream+"=testcard", from, from.Add(length)))
				}
				if err != nil {
					t.Errorf("%s: %v", clip.path, err)
				}
			})
		}
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return s
}

// readSome does one of the things that programs do with a file, and compares what it gets.
func (c *sourceClip) readSome(m *harness.Mount, random *rand.Rand) error {
	path := m.Join(c.path)
	switch random.IntN(6) {
	case 0:
		info, err := os.Stat(path)
		if err == nil && info.Size() < int64(len(c.bytes)) {
			err = c.wrong("stat gives %d bytes, fewer than the %d there are", info.Size(), len(c.bytes))
		}
		return err
	case 1:
		return second(os.ReadDir(filepath.Dir(path)))
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	switch random.IntN(5) {
	case 0: // open and close
		return nil
	case 1:
		return c.sequential(f)
	case 2:
		return c.mapped(f, random)
	case 3:
		return c.seeks(f, random)
	}
	return c.sent(f)
}

// wrong makes the error.
func (c *sourceClip) wrong(format string, args ...any) error {
	return &wrongError{c.path + ": " + fmt.Sprintf(format, args...)}
}

// compare checks bytes that were read at a position.
func (c *sourceClip) compare(got []byte, at int) error {
	if at+len(got) > len(c.bytes) || !bytes.Equal(got, c.bytes[at:at+len(got)]) {
		return c.wrong("%d bytes at %d are not those of the source", len(got), at)
	}
	return nil
}

// sequential reads it all, front to back.
func (c *sourceClip) sequential(f *os.File) error {
	got, err := io.ReadAll(f)
	if err != nil {
		return errors.Join(err, c.compare(got, 0))
	}
	if len(got) != len(c.bytes) {
		return c.wrong("%d bytes of %d, and then the end", len(got), len(c.bytes))
	}
	return c.compare(got, 0)
}

// seeks reads here and there.
func (c *sourceClip) seeks(f *os.File, random *rand.Rand) error {
	for range 1 + random.IntN(8) {
		b := make([]byte, 1+random.IntN(64<<10))
		at := random.IntN(len(c.bytes))
		n, err := f.ReadAt(b, int64(at))
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if want := min(len(b), len(c.bytes)-at); n != want {
			return c.wrong("%d bytes at %d, want %d", n, at, want)
		}
		if err := c.compare(b[:n], at); err != nil {
			return err
		}
	}
	return nil
}

// mapped looks at pages of it, through the kernel's own reads: into a buffer by read(2) of the mapping's pages, so that a
// page that cannot be had is an error and no signal.
func (c *sourceClip) mapped(f *os.File, random *rand.Rand) error {
	mapped, err := unix.Mmap(int(f.Fd()), 0, len(c.bytes), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Munmap(mapped) }()
	pipe := make([]int, 2)
	if err := unix.Pipe2(pipe, unix.O_CLOEXEC); err != nil {
		return err
	}
	defer func() { _, _ = unix.Close(pipe[0]), unix.Close(pipe[1]) }()
	for range 4 {
		at := random.IntN(len(c.bytes))
		page := mapped[at:min(at+4096, len(mapped))]
		n, err := unix.Write(pipe[1], page) // EFAULT where a page cannot be had
		for tries := 0; errors.Is(err, unix.EFAULT) && tries < 5; tries++ {
			// The kernel asks for a page interruptibly, and Go's runtime sends its threads signals: a fault that waits may end
			// by one. What is not there for good is not there the fifth time either.
			n, err = unix.Write(pipe[1], page)
		}
		if err != nil {
			return err
		}
		got := make([]byte, n)
		if _, err := unix.Read(pipe[0], got); err != nil {
			return err
		}
		if err := c.compare(got, at); err != nil {
			return err
		}
	}
	return nil
}

// sent copies it as a web server does.
func (c *sourceClip) sent(f *os.File) error {
	fd, err := unix.MemfdCreate("copy", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	out := os.NewFile(uintptr(fd), "copy")
	defer func() { _ = out.Close() }()
	for {
		n, err := unix.Sendfile(fd, int(f.Fd()), nil, 1<<20)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	got := make([]byte, len(c.bytes)+1)
	n, err := out.ReadAt(got, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if n != len(c.bytes) {
		return c.wrong("%d bytes sent of %d", n, len(c.bytes))
	}
	return c.compare(got[:n], 0)
}
