package fs_test

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"clipfs/clip/archive"
	"clipfs/fs"
	"clipfs/fs/tree"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// scattered is a content some pieces of which are in files on the disk.
type scattered struct {
	pieces []piece
	// read is how many bytes were read, fails has reads fail.
	read  int
	fails bool
}

// piece is some bytes in order. file has them behind before others, unless it is nil.
type piece struct {
	bytes  []byte
	file   *os.File
	before int64
}

var _ tree.OnDisk = (*scattered)(nil)

func (s *scattered) all() (all []byte) {
	for _, p := range s.pieces {
		all = append(all, p.bytes...)
	}
	return all
}

func (s *scattered) Size() (n int64) {
	for _, p := range s.pieces {
		n += int64(len(p.bytes))
	}
	return n
}
func (s *scattered) Complete() bool { return true }
func (s *scattered) Close() error   { return nil }

func (s *scattered) ReadAt(_ context.Context, p []byte, off int64) (int, error) {
	if s.fails {
		return 0, archive.ErrUnreachable
	}
	s.read += len(p)
	return bytes.NewReader(s.all()).ReadAt(p, off)
}

func (s *scattered) OnDisk(off, n int64) (*os.File, int64, int64) {
	for _, p := range s.pieces {
		if off < int64(len(p.bytes)) {
			if p.file == nil {
				break
			}
			return p.file, p.before + off, min(n, int64(len(p.bytes))-off)
		}
		off -= int64(len(p.bytes))
	}
	return nil, 0, 0
}

// scatter makes a content of pieces of certain lengths; those of less than 0 are in no file.
func scatter(t *testing.T, lengths ...int) *scattered {
	t.Helper()
	s, random := &scattered{}, rand.NewChaCha8([32]byte{byte(len(lengths))})
	for i, n := range lengths {
		p := piece{bytes: make([]byte, max(n, -n)), before: int64(1000 * i)}
		_, _ = random.Read(p.bytes)
		if n > 0 {
			path := filepath.Join(t.TempDir(), "piece")
			if err := os.WriteFile(path, append(make([]byte, p.before), p.bytes...), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = f.Close() })
			p.file = f
		}
		s.pieces = append(s.pieces, p)
	}
	return s
}

// bytesOf gives what the kernel gets of an answer, and whether that is taken of a file.
func bytesOf(t *testing.T, r fuse.ReadResult) (got []byte, taken bool) {
	t.Helper()
	defer r.Done()
	switch answer := r.(type) {
	case interface{ Stateful() (fd uintptr, size int) }:
		fd, size := answer.Stateful()
		got = make([]byte, size)
		for n := 0; n < size; {
			k, err := syscall.Read(int(fd), got[n:])
			if k <= 0 {
				t.Fatalf("%d bytes of %d: %v", n, size, err)
			}
			n += k
		}
		taken = true
	case interface {
		Slices() ([][]byte, fuse.Status)
	}:
		parts, status := answer.Slices()
		if got = slices.Concat(parts...); status != fuse.OK || len(parts) != 1 {
			t.Errorf("%d parts, %v", len(parts), status)
		}
	default:
		t.Fatalf("%T would be put into a pipe", r)
	}
	if r.Size() != len(got) {
		t.Errorf("%d bytes, size %d", len(got), r.Size())
	}
	return got, taken
}

const (
	mebibyte = 1 << 20
	// whole is the size of a large read.
	whole = mebibyte / 2
)

// TestReadsHandPagesOn: however the bytes of a large read lie in files and beside them, the kernel gets these bytes: taken of the file where
// there is just one, and none of those that are in files are asked of the content.
func TestReadsHandPagesOn(t *testing.T) {
	for _, test := range []struct {
		name      string
		lengths   []int
		off, size int
		taken     bool
		read      int
	}{
		{"one file", []int{3 * mebibyte}, 77, whole, true, 0},
		{"its end", []int{3 * mebibyte}, 3*mebibyte - whole, whole, true, 0},
		{"its end, in no whole pages", []int{3 * mebibyte}, 3*mebibyte - whole + 5, whole, false, whole - 5},
		{"a read that is less large", []int{3 * mebibyte}, 99, 128 << 10, true, 0},
		{"a small read", []int{3 * mebibyte}, 0, 64 << 10, false, 64 << 10},
		{"a larger read than there are", []int{3 * mebibyte}, 0, mebibyte, false, mebibyte},
		{"up to the end of a file", []int{mebibyte, mebibyte}, mebibyte - whole, whole, true, 0},
		{"from the beginning of a file on", []int{mebibyte, mebibyte}, mebibyte, whole, true, 0},
		{"two files", []int{mebibyte, mebibyte}, mebibyte - whole/2, whole, false, 0},
		{"the end of a file, a little of it", []int{mebibyte, 2 * mebibyte}, mebibyte - 1000, whole, false, 0},
		{"the beginning of a file, a little of it", []int{whole, 2 * mebibyte}, 1000, whole, false, 0},
		{"many files", []int{150_000, 10, 150_000, 1, 500_000}, 5, whole, false, 0},
		{"a file and what is in none", []int{mebibyte, -mebibyte}, mebibyte - whole/2, whole, false, whole / 2},
		{"what is in no file, and a file", []int{-mebibyte, mebibyte}, mebibyte - whole/2, whole, false, whole},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := scatter(t, test.lengths...)
			read := fs.Reads(s, archive.Operation{}, fs.Options{Logger: slog.New(slog.DiscardHandler)})
			for range 2 {
				s.read = 0
				result, errno := read(caller(7, 0), make([]byte, test.size), int64(test.off))
				if errno != 0 {
					t.Fatal(errno)
				}
				want := s.all()[test.off:]
				got, taken := bytesOf(t, result)
				if !bytes.Equal(got, want[:min(len(want), test.size)]) {
					t.Errorf("%d other bytes", len(got))
				}
				if taken != test.taken || s.read != test.read {
					t.Errorf("taken: %t, want %t; %d bytes are read, want %d", taken, test.taken, s.read, test.read)
				}
			}
		})
	}
}

// TestReadsWithoutAPipe: where go-fuse has no pipe it gets a copy, once; what has gone is an error, and no end of a file.
func TestReadsWithoutAPipe(t *testing.T) {
	s := scatter(t, mebibyte)
	read := fs.Reads(s, archive.Operation{}, fs.Options{Logger: slog.New(slog.DiscardHandler)})
	result, errno := read(caller(7, 0), make([]byte, whole), 123)
	if errno != 0 {
		t.Fatal(errno)
	}
	defer result.Done()
	if got, status := result.Bytes(make([]byte, whole-1)); status != fuse.EIO || len(got) != 0 {
		t.Errorf("%d bytes without space for them: %v", len(got), status)
	}
	if got, status := result.Bytes(make([]byte, whole)); status != fuse.OK || !bytes.Equal(got, s.all()[123:][:whole]) {
		t.Errorf("%d bytes, %v", len(got), status)
	}
	if got, status := result.Bytes(make([]byte, whole)); status != fuse.EIO || len(got) != 0 {
		t.Errorf("%d bytes after all were taken: %v", len(got), status)
	}
}

// TestReadsAtOnce: more large reads at once than there are pipes for get their bytes all the same, and later ones are taken of the file again.
func TestReadsAtOnce(t *testing.T) {
	s := scatter(t, mebibyte)
	read := fs.Reads(s, archive.Operation{}, fs.Options{Logger: slog.New(slog.DiscardHandler)})
	for range 2 {
		var results []fuse.ReadResult
		for range 100 {
			result, errno := read(caller(7, 0), make([]byte, whole), 500)
			if errno != 0 {
				t.Fatal(errno)
			}
			results = append(results, result)
		}
		count := 0
		for _, result := range results {
			got, taken := bytesOf(t, result)
			if !bytes.Equal(got, s.all()[500:][:whole]) {
				t.Error("other bytes")
			}
			if taken {
				count++
			}
		}
		if count == 0 || count == len(results) {
			t.Errorf("%d of %d are taken of the file", count, len(results))
		}
	}
	if s.read != 0 {
		t.Errorf("%d bytes are read", s.read)
	}
}

// TestReadsOfDamagedFiles: what cannot be handed on is read, and what cannot be read is an error.
func TestReadsOfDamagedFiles(t *testing.T) {
	s := scatter(t, mebibyte, mebibyte)
	read := fs.Reads(s, archive.Operation{}, fs.Options{Logger: slog.New(slog.DiscardHandler)})
	get := func(off int64) syscall.Errno {
		s.read = 0
		result, errno := read(caller(7, 0), make([]byte, whole), off)
		if errno == 0 {
			if got, _ := bytesOf(t, result); !bytes.Equal(got, s.all()[off:][:whole]) {
				t.Error("other bytes")
			}
		}
		return errno
	}
	if err := s.pieces[1].file.Close(); err != nil { // as that of an entry that another read has found damaged
		t.Fatal(err)
	}
	for off, want := range map[int64]int{mebibyte: whole, mebibyte - 1000: whole - 1000} {
		if errno := get(off); errno != 0 || s.read != want {
			t.Errorf("a file that was closed, from %d on: %v, %d bytes are read, want %d", off, errno, s.read, want)
		}
	}
	if errno := get(0); errno != 0 || s.read != 0 {
		t.Errorf("another file, after that: %v, %d bytes are read", errno, s.read)
	}
	s.fails = true
	if errno := get(mebibyte - 1000); errno != syscall.ETIMEDOUT {
		t.Errorf("the rest cannot be read: %v", errno)
	}
	s.fails = false
	if err := os.Truncate(s.pieces[0].file.Name(), whole-1000); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if errno := get(0); errno != 0 || s.read != whole {
			t.Errorf("a file that was cut off: %v, %d bytes are read", errno, s.read)
		}
	}
	s.fails = true
	if errno := get(0); errno != syscall.ETIMEDOUT {
		t.Errorf("a file that was cut off, and cannot be fetched: %v", errno)
	}
}

// TestLargeReadsAllocateNothing: handing pages on allocates nothing.
func TestLargeReadsAllocateNothing(t *testing.T) {
	read := fs.Reads(scatter(t, mebibyte), archive.Operation{}, fs.Options{Logger: slog.New(slog.DiscardHandler)})
	ctx, dest := caller(7, 0), make([]byte, whole)
	if got := testing.AllocsPerRun(1000, func() {
		result, errno := read(ctx, dest, 0)
		if errno != 0 {
			t.Fatal(errno)
		}
		taken, ok := result.(interface{ Stateful() (uintptr, int) })
		if !ok {
			t.Fatal("no pages are handed on")
		}
		fd, _ := taken.Stateful()
		if n, err := syscall.Read(int(fd), dest); n != whole {
			t.Fatal(n, err)
		}
		result.Done()
	}); got >= 1 {
		t.Errorf("%v allocations a read, want none", got)
	}
}

// BenchmarkRead is what a large read of a file on disk costs, until its bytes have gone.
func BenchmarkRead(b *testing.B) {
	path := filepath.Join(b.TempDir(), "piece")
	content := make([]byte, mebibyte)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		b.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	read := fs.Reads(&scattered{pieces: []piece{{bytes: content, file: f}}}, archive.Operation{}, fs.Options{Logger: slog.New(slog.DiscardHandler)})
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	ctx, dest := caller(7, 0), make([]byte, whole)
	b.SetBytes(whole)
	b.ReportAllocs()
	for b.Loop() {
		result, errno := read(ctx, dest, 0)
		if errno != 0 {
			b.Fatal(errno)
		}
		if taken, ok := result.(interface{ Stateful() (uintptr, int) }); ok {
			fd, size := taken.Stateful()
			if n, err := unix.Splice(int(fd), nil, int(null.Fd()), nil, size, 0); err != nil || int(n) != size {
				b.Fatal(n, err)
			}
		}
		result.Done()
	}
}
