//go:build e2e

package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not so in time: %s", what)
		}
	}
}

// TestRestartUnderLoad: told to end, a mount leaves its place at once, and who reads from it gets every byte. The next mount,
// at the same place with the same cache, waits for it and begins when the last reader is done.
func TestRestartUnderLoad(t *testing.T) {
	t.Parallel() // it waits for the most part
	e := testcard(t, "--bandwidth", "400KB/s")
	m := harness.StartMount(t, e, "--grace", "60s", "--eager", "0", "--read-ahead", "0")
	type result struct {
		path string
		data []byte
		err  error
	}
	const readers = 3
	begun, results := make(chan struct{}, readers), make(chan result, readers)
	for i := range readers {
		go func() {
			r := result{path: m.Join("door", ago(time.Duration(i+2)*time.Hour), "3m.mp4")}
			r.data, r.err = readSlowly(r.path, begun)
			results <- r
		}()
	}
	for range readers {
		<-begun
	}
	m.Signal(t, syscall.SIGTERM)
	eventually(t, "the mount is out of the tree", func() bool { return !m.Mounted(t) })
	if m.Ended() {
		t.Fatal("the mount has ended while files are open on it")
	}
	again := harness.Remount(t, m, e)
	for _, text := range []string{"still in use by a clipfs that ends", "pid=" + strconv.Itoa(m.PID())} {
		if !strings.Contains(again.Log(), text) {
			t.Errorf("the log of the next mount does not say %q", text)
		}
	}
	m.WaitEnd(t)
	for range readers {
		r := <-results
		want, err := os.ReadFile(r.path)
		if err != nil || r.err != nil || !bytes.Equal(r.data, want) {
			t.Errorf("%s: %d bytes of %d read across the restart, %v, %v", r.path, len(r.data), len(want), r.err, err)
		}
	}
	if log := m.Log(); strings.Contains(log, "although it was in use") || !strings.Contains(log, "served until it is closed") {
		t.Error("the log of the first mount does not say that all was served")
	}
}

// readSlowly reads a file, and says when it has begun.
func readSlowly(path string, begun chan<- struct{}) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		begun <- struct{}{}
		return nil, err
	}
	defer f.Close()
	first := make([]byte, 4096)
	_, err = io.ReadFull(f, first)
	begun <- struct{}{}
	if err != nil {
		return nil, err
	}
	rest, err := io.ReadAll(f)
	return slices.Concat(first, rest), err
}

func TestGraceEnds(t *testing.T) {
	t.Parallel() // it waits for the most part
	e := testcard(t)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			m := harness.StartMount(t, e, "--grace", "500ms")
			f, err := os.Open(m.Join("door", ago(2*time.Hour), "1m.mp4"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			m.Stop(t, signal) // checks the exit code and that nothing is mounted
			if !strings.Contains(m.Log(), "although it was in use") {
				t.Error("the log does not say that the mount was in use")
			}
			// Within the file: of what lies behind its end the kernel knows, for as long as attributes hold.
			if _, err := f.ReadAt(make([]byte, 1), 1<<17); !errors.Is(err, unix.ENOTCONN) {
				t.Errorf("read after that: %v, want %v", err, unix.ENOTCONN)
			}
			if _, err := os.ReadDir(m.Path); err != nil {
				t.Errorf("the mountpoint after that: %v", err)
			}
		})
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	m := harness.StartMount(t, testcard(t), "--grace", "1h")
	f, err := os.Open(m.Join("door", ago(2*time.Hour), "1m.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m.Signal(t, syscall.SIGTERM)
	if !m.Logs("served until it is closed") {
		t.Fatal("the log does not say that the mount goes on serving")
	}
	m.Signal(t, syscall.SIGTERM)
	eventually(t, "the mount has ended", m.Ended)
	if m.Mounted(t) {
		t.Error("it is still mounted")
	}
}

// TestUmountSaysWhoUsesTheMount: by each thing that keeps it in use, and by a server that does not answer.
func TestUmountSaysWhoUsesTheMount(t *testing.T) {
	harness.Need(t, "sleep", "cat")
	if os.Geteuid() != 0 {
		harness.Skip(t, "only root can mount something below the mount")
	}
	m := harness.StartMount(t, testcard(t))
	dir := m.Join("door", ago(2*time.Hour))
	path := dir + "/1m.mp4"
	busy := func(t *testing.T, words ...string) {
		t.Helper()
		_, stderr, err := harness.TryRun(t, harness.Binary(t), "umount", m.Path)
		if exitCode(err) != failed {
			t.Errorf("umount: %v, want exit code %d", err, failed)
		}
		wantLine(t, string(stderr), append(words, "is in use by", "--lazy")...)
	}
	sleeping := func(t *testing.T, change func(*exec.Cmd)) int {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sleep", "1000")
		cmd.Dir = "/"
		change(cmd)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Wait() })
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		eventually(t, "sleep runs", func() bool {
			name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", cmd.Process.Pid))
			return err == nil && string(name) == "sleep\n"
		})
		return cmd.Process.Pid
	}
	t.Run("working directory", func(t *testing.T) {
		pid := sleeping(t, func(cmd *exec.Cmd) { cmd.Dir = dir })
		busy(t, fmt.Sprintf("%d (sleep: working directory %s)", pid, dir))
	})
	t.Run("open files", func(t *testing.T) {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		pid := sleeping(t, func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{f, f} })
		busy(t, fmt.Sprintf("%d (sleep: open file %s and 1 more)", pid, path), strconv.Itoa(os.Getpid())+" (")
	})
	t.Run("mapped file", func(t *testing.T) {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		mapped, err := unix.Mmap(int(f.Fd()), 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE)
		if closed := f.Close(); err != nil || closed != nil {
			t.Fatal(err, closed)
		}
		defer func() { _ = unix.Munmap(mapped) }() // the test is over
		busy(t, fmt.Sprintf("%d (", os.Getpid()), "mapped file "+path)
	})
	t.Run("mount below", func(t *testing.T) {
		if err := unix.Mount("tmpfs", m.Join("door"), "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := unix.Unmount(m.Join("door"), 0); err != nil {
				t.Error(err)
			}
		}()
		busy(t, "what is mounted on "+m.Join("door"))
	})
	t.Run("silent server", func(t *testing.T) {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		m.Signal(t, syscall.SIGSTOP)
		defer m.Signal(t, syscall.SIGCONT)
		begun := time.Now()
		busy(t, strconv.Itoa(os.Getpid())+" (", "open file "+path)
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("umount took %s", took)
		}
	})
}
