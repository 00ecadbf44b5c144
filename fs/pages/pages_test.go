package pages_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"clipfs/fs/pages"

	"golang.org/x/sys/unix"
)

// fileOf gives an open file of some bytes.
func fileOf(t *testing.T, content []byte) (*os.File, *pages.File) {
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

// TestMap: wherever a Run begins and ends, it has the bytes of the file, also when the file has been closed and removed since.
func TestMap(t *testing.T) {
	content := make([]byte, 3<<20+123)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	var pool pages.Pool
	for _, test := range []struct{ at, length int64 }{
		{0, 1}, {0, 1 << 20}, {1, 1 << 20}, {4095, 4097}, {4096, 300_000}, {1<<20 + 77, 1 << 20}, {int64(len(content)) - 1, 1}, {0, int64(len(content))},
	} {
		f, of := fileOf(t, content)
		run, err := pool.Map(of, test.at, int(test.length))
		if err != nil {
			t.Fatalf("%+v: %v", test, err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(f.Name()); err != nil {
			t.Fatal(err)
		}
		if got := run.Bytes(int(test.length)); !bytes.Equal(got, content[test.at:][:test.length]) {
			t.Errorf("%+v: other bytes", test)
		}
		run.Unmap()
	}
}

// TestMapFails: what a read of the file would not give is an error, before anything touches the pages.
func TestMapFails(t *testing.T) {
	var pool pages.Pool
	f, of := fileOf(t, make([]byte, 1<<20))
	if err := os.Truncate(f.Name(), 100_000); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ at, length int64 }{{0, 1 << 20}, {0, 100_001}, {99_999, 2}, {100_000, 1}, {100_001, 10}, {1 << 62, 1 << 20}} {
		if _, err := pool.Map(of, test.at, int(test.length)); err == nil {
			t.Errorf("%+v of a file that was cut off is mapped", test)
		}
	}
	if run, err := pool.Map(of, 0, 100_000); err != nil {
		t.Errorf("what is left of it: %v", err)
	} else {
		run.Unmap()
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Map(of, 0, 1000); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a closed file: %v", err)
	}
	pipe, other, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = pipe.Close(), other.Close() }()
	of, err = pages.Of(pipe)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Map(of, 0, 1000); err == nil {
		t.Error("a pipe is mapped")
	}
}

// TestMapAllocatesNothing: a Run is used again, and nothing stays mapped.
func TestMapAllocatesNothing(t *testing.T) {
	f, of := fileOf(t, make([]byte, 1<<20))
	var pool pages.Pool
	if got := testing.AllocsPerRun(1000, func() {
		run, err := pool.Map(of, 5, 1<<20-5)
		if err != nil {
			t.Fatal(err)
		}
		run.Unmap()
	}); got >= 1 {
		t.Errorf("%v allocations a Run, want none", got)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(maps, []byte(f.Name())) {
		t.Error("the file is still mapped")
	}
}

// BenchmarkMap is what it costs to have a MiB of a file be mapped, beside what it costs to read it.
func BenchmarkMap(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	const size = 1 << 20
	if _, err := f.Write(make([]byte, size)); err != nil {
		b.Fatal(err)
	}
	b.Run("mapped", func(b *testing.B) {
		of, err := pages.Of(f)
		if err != nil {
			b.Fatal(err)
		}
		var pool pages.Pool
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			run, err := pool.Map(of, 0, size)
			if err != nil {
				b.Fatal(err)
			}
			run.Unmap()
		}
	})
	b.Run("read", func(b *testing.B) {
		p := make([]byte, size)
		b.SetBytes(size)
		for b.Loop() {
			if _, err := unix.Pread(int(f.Fd()), p, 0); err != nil {
				b.Fatal(err)
			}
		}
	})
}
