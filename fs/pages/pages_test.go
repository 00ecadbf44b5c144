package pages_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/fs/pages"

	"golang.org/x/sys/unix"
)

// fileOf gives an open file of some bytes.
func fileOf(t testing.TB, content []byte) (*os.File, *pages.File) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	of, err := pages.Of(f)
	if err != nil {
		t.Fatal(err)
	}
	return f, of
}

// bytesOf reads a Run.
func bytesOf(t *testing.T, r *pages.Run) []byte {
	t.Helper()
	p := make([]byte, r.Size())
	if err := r.Read(p); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestTake: wherever a Run begins and ends, it has the bytes of the file, also when the file has been closed and removed since.
func TestTake(t *testing.T) {
	content := make([]byte, 3<<20+123)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	var pool pages.Pool
	for _, test := range []struct{ at, length int64 }{
		{0, 1}, {0, pages.Most}, {1, pages.Most}, {4095, 4097}, {4096, 300_000}, {1<<20 + 77, pages.Most}, {int64(len(content)) - 1, 1},
		{int64(len(content)) - pages.Most, pages.Most},
	} {
		f, of := fileOf(t, content)
		run, err := pool.Take(of, test.at, int(test.length))
		if err != nil {
			t.Fatalf("%+v: %v", test, err)
		}
		if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
			t.Fatal(err)
		}
		if got := bytesOf(t, run); !bytes.Equal(got, content[test.at:][:test.length]) {
			t.Errorf("%+v: other bytes", test)
		}
		if err := run.Read(make([]byte, test.length)); err == nil {
			t.Errorf("%+v: there are bytes after all were taken", test)
		}
		run.Give()
	}
}

// TestTakenAfterWhatWasLeft: what nobody has taken of one Run is not in the next.
func TestTakenAfterWhatWasLeft(t *testing.T) {
	content := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(content)
	_, of := fileOf(t, content)
	var pool pages.Pool
	for at := range int64(20) {
		run, err := pool.Take(of, at, pages.Most)
		if err != nil {
			t.Fatal(err)
		}
		switch at % 3 {
		case 0:
			if !bytes.Equal(bytesOf(t, run), content[at:][:pages.Most]) {
				t.Errorf("other bytes from %d on", at)
			}
		case 1:
			if _, err := unix.Read(int(run.Pipe()), make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		run.Give()
	}
}

// TestTakeFails: what a read of the file would not give is an error, and no zeros.
func TestTakeFails(t *testing.T) {
	var pool pages.Pool
	f, of := fileOf(t, bytes.Repeat([]byte{1}, 1<<20))
	if err := os.Truncate(f.Name(), 100_000); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ at, length int64 }{{0, pages.Most}, {0, 100_001}, {99_999, 2}, {100_000, 1}, {100_001, 10}, {1 << 62, 4096}, {-1, 10}} {
		if _, err := pool.Take(of, test.at, int(test.length)); err == nil {
			t.Errorf("%+v of a file that was cut off is taken", test)
		}
	}
	if _, err := pool.Take(of, 90_000, 20_000); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("beyond its end: %v", err)
	}
	run, err := pool.Take(of, 0, 100_000)
	if err != nil {
		t.Fatalf("what is left of it: %v", err)
	}
	if got := bytesOf(t, run); bytes.IndexByte(got, 0) >= 0 {
		t.Error("zeros are taken")
	}
	run.Give()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Take(of, 0, 1000); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a closed file: %v", err)
	}
	directory, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = directory.Close() }()
	if of, err = pages.Of(directory); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Take(of, 0, 1000); err == nil {
		t.Error("a directory is taken")
	}
}

// TestCutOffMeanwhile: of a file that was cut off since its pages were taken there are none, as some may be zeros; those before the cut are there, and later
// Runs have nothing of it.
func TestCutOffMeanwhile(t *testing.T) {
	var pool pages.Pool
	content := bytes.Repeat([]byte{1}, 2<<20)
	for _, size := range []int64{0, 1, 5000, 300_000, pages.Most - 1, pages.Most} {
		f, of := fileOf(t, content)
		for _, get := range []func(*pages.Run, []byte) error{
			(*pages.Run).Read,
			func(r *pages.Run, p []byte) error {
				n, err := unix.Read(int(r.Pipe()), p)
				if err == nil && n < len(p) {
					err = io.ErrUnexpectedEOF
				}
				return err
			},
		} {
			if err := os.WriteFile(f.Name(), content, 0o600); err != nil {
				t.Fatal(err)
			}
			run, err := pool.Take(of, 0, pages.Most)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(f.Name(), size); err != nil {
				t.Fatal(err)
			}
			p := make([]byte, pages.Most)
			if err := get(run, p); (err == nil) != (size == pages.Most) || err == nil && bytes.IndexByte(p, 0) >= 0 {
				t.Errorf("cut off to %d bytes: %v", size, err)
			}
			run.Give()
		}
	}
}

// TestFits: whatever fits has room in a pipe that is as large as it and a page, behind some bytes and wherever it begins.
func TestFits(t *testing.T) {
	page := os.Getpagesize()
	for n := range pages.Most + 2*page {
		if !pages.Fits(n) {
			if n%page == 0 && n >= 128<<10 && n <= pages.Most {
				t.Errorf("%d bytes do not fit", n)
			}
			continue
		}
		places := 1
		for places*page < n+16+page {
			places *= 2 // fcntl(2), F_SETPIPE_SZ
		}
		if need := 1 + (page-1+n+page-1)/page; need > places {
			t.Errorf("%d bytes need %d places of %d", n, need, places)
		}
	}
}

// TestManyRuns: there are only so many pipes at once, and as many again once they are given back.
func TestManyRuns(t *testing.T) {
	_, of := fileOf(t, make([]byte, 1<<20))
	var pool pages.Pool
	for range 2 {
		var runs []*pages.Run
		for {
			run, err := pool.Take(of, 0, pages.Most)
			if errors.Is(err, pages.ErrBusy) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if runs = append(runs, run); len(runs) > 1000 {
				t.Fatal("there is no end to pipes")
			}
		}
		if len(runs) < 8 {
			t.Errorf("%d pipes at once", len(runs))
		}
		for _, run := range runs {
			run.Give()
		}
	}
}

// TestPipesAreClosed: pipes that are no longer used are closed.
func TestPipesAreClosed(t *testing.T) {
	_, of := fileOf(t, make([]byte, 1<<20))
	pool := new(pages.Pool)
	run, err := pool.Take(of, 0, pages.Most)
	if err != nil {
		t.Fatal(err)
	}
	var own, now syscall.Stat_t
	fd := int(run.Pipe())
	if err := syscall.Fstat(fd, &own); err != nil {
		t.Fatal(err)
	}
	_ = bytesOf(t, run)
	run.Give()
	run, pool = nil, nil
	for range 1000 { // until the garbage collector has found it
		runtime.GC()
		if syscall.Fstat(fd, &now) != nil || now.Ino != own.Ino {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("pipe is still open; %v %v", run, pool)
}

// TestTakeAllocatesNothing: a Run is used again.
func TestTakeAllocatesNothing(t *testing.T) {
	_, of := fileOf(t, make([]byte, 1<<20))
	var pool pages.Pool
	p := make([]byte, pages.Most)
	if got := testing.AllocsPerRun(1000, func() {
		run, err := pool.Take(of, 5, pages.Most)
		if err != nil {
			t.Fatal(err)
		}
		if err := run.Read(p); err != nil {
			t.Fatal(err)
		}
		run.Give()
	}); got >= 1 {
		t.Errorf("%v allocations a Run, want none", got)
	}
}

// BenchmarkTake is what it costs to have bytes of a file be taken and go, beside what it costs to read them.
func BenchmarkTake(b *testing.B) {
	f, of := fileOf(b, make([]byte, pages.Most))
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	b.Run("taken", func(b *testing.B) {
		var pool pages.Pool
		b.SetBytes(pages.Most)
		b.ReportAllocs()
		for b.Loop() {
			run, err := pool.Take(of, 0, pages.Most)
			if err != nil {
				b.Fatal(err)
			}
			if n, err := unix.Splice(int(run.Pipe()), nil, int(null.Fd()), nil, run.Size(), 0); err != nil || n != pages.Most {
				b.Fatal(n, err)
			}
			run.Give()
		}
	})
	b.Run("read", func(b *testing.B) {
		p := make([]byte, pages.Most)
		b.SetBytes(pages.Most)
		for b.Loop() {
			if _, err := unix.Pread(int(f.Fd()), p, 0); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestRefused: after bytes could not be handed on none are taken for a minute, as nothing but time would change that.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, from := fileOf(t, make([]byte, pages.Most))
		var pool pages.Pool
		take := func() error {
			run, err := pool.Take(from, 0, pages.Most)
			if err == nil {
				run.Give()
			}
			return err
		}
		run, err := pool.Take(from, 0, pages.Most)
		if err != nil {
			t.Fatal(err)
		}
		run.Refused()
		run.Give()
		if err := take(); !errors.Is(err, pages.ErrBusy) {
			t.Errorf("at once: %v, want ErrBusy", err)
		}
		time.Sleep(time.Minute)
		if err := take(); err != nil {
			t.Errorf("a minute later: %v", err)
		}
	})
}
