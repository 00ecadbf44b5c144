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

// bytesOf gives what the kernel gets of an answer.
func bytesOf(t *testing.T, r fuse.ReadResult) []byte {
	t.Helper()
	defer r.Done()
	lent, ok := r.(interface {
		Slices() ([][]byte, fuse.Status)
	})
	if !ok {
		got, _ := r.Bytes(nil)
		return slices.Clone(got)
	}
	parts, status := lent.Slices()
	got := slices.Concat(parts...)
	if status != fuse.OK || r.Size() != len(got) {
		t.Errorf("%d bytes, size %d, %v", len(got), r.Size(), status)
	}
	return got
}

const mebibyte = 1 << 20

// TestReadsHandPagesOn: however the bytes of a large read lie in files and beside them, the kernel gets these bytes, and as few of them
// are read as can be.
func TestReadsHandPagesOn(t *testing.T) {
	for _, test := range []struct {
		name      string
		lengths   []int
		off, size int
		read      int
	}{
		{"one file", []int{3 * mebibyte}, 77, mebibyte, 0},
		{"its end", []int{3 * mebibyte}, 2*mebibyte + 5, mebibyte, 0},
		{"a small read", []int{3 * mebibyte}, 0, 64 << 10, 64 << 10},
		{"two files", []int{mebibyte, mebibyte}, mebibyte / 2, mebibyte, 0},
		{"the end of a file, a little of it", []int{mebibyte, 2 * mebibyte}, mebibyte - 1000, mebibyte, 0},
		{"the beginning of a file, a little of it", []int{mebibyte, 2 * mebibyte}, 1000, mebibyte, 1000},
		{"many files", []int{300_000, 10, 300_000, 1, 500_000}, 5, mebibyte, 0},
		{"a file and what is in none", []int{mebibyte, -mebibyte}, mebibyte / 2, mebibyte, mebibyte / 2},
		{"what is in no file, and a file", []int{-mebibyte, mebibyte}, mebibyte / 2, mebibyte, mebibyte},
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
				if got := bytesOf(t, result); !bytes.Equal(got, want[:min(len(want), test.size)]) {
					t.Errorf("%d other bytes", len(got))
				}
				if s.read != test.read {
					t.Errorf("%d bytes are read, want %d", s.read, test.read)
				}
			}
		})
	}
}

// TestReadsOfManyPieces: however many pieces a large read is of, the kernel gets it in one system call, which takes 1,024 (IOV_MAX, writev(2)).
func TestReadsOfManyPieces(t *testing.T) {
	s := scatter(t, 300_000, 3000*250)
	rest := s.pieces[1]
	s.pieces = s.pieces[:1]
	for i := range 3000 {
		s.pieces = append(s.pieces, piece{bytes: rest.bytes[250*i:][:250], file: rest.file, before: rest.before + int64(250*i)})
	}
	read := fs.Reads(s, archive.Operation{}, fs.Options{Logger: slog.New(slog.DiscardHandler)})
	for range 2 {
		result, errno := read(caller(7, 0), make([]byte, mebibyte), 0)
		if errno != 0 {
			t.Fatal(errno)
		}
		lent, ok := result.(interface {
			Slices() ([][]byte, fuse.Status)
		})
		if !ok {
			t.Fatal("no pages are handed on")
		}
		if parts, _ := lent.Slices(); len(parts) != 2 {
			t.Errorf("%d parts, want the pages and the rest", len(parts))
		}
		if got := bytesOf(t, result); !bytes.Equal(got, s.all()[:mebibyte]) {
			t.Error("other bytes")
		}
	}
}

// TestReadsOfDamagedFiles: what cannot be handed on is read, and what cannot be read is an error that leaves nothing mapped.
func TestReadsOfDamagedFiles(t *testing.T) {
	s := scatter(t, mebibyte, mebibyte)
	read := fs.Reads(s, archive.Operation{}, fs.Options{Logger: slog.New(slog.DiscardHandler)})
	get := func() syscall.Errno {
		result, errno := read(caller(7, 0), make([]byte, mebibyte), mebibyte/2)
		if errno == 0 {
			if got := bytesOf(t, result); !bytes.Equal(got, s.all()[mebibyte/2:][:mebibyte]) {
				t.Error("other bytes")
			}
		}
		return errno
	}
	if err := s.pieces[1].file.Close(); err != nil { // as that of an entry that another read has found damaged
		t.Fatal(err)
	}
	if errno := get(); errno != 0 || s.read != mebibyte/2 {
		t.Errorf("a file that was closed: %v, %d bytes are read", errno, s.read)
	}
	s.fails = true
	if errno := get(); errno != syscall.ETIMEDOUT {
		t.Errorf("the rest cannot be read: %v", errno)
	}
	s.fails = false
	if err := os.Truncate(s.pieces[0].file.Name(), mebibyte/2+1000); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if s.read = 0; get() != 0 || s.read != mebibyte {
			t.Errorf("a file that was cut off: %d bytes are read", s.read)
		}
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(maps, []byte(filepath.Dir(filepath.Dir(s.pieces[0].file.Name())))) {
		t.Error("pages are still mapped")
	}
}

// TestLargeReadsAllocateNothing: handing pages on allocates nothing, where a small read allocates the answer that go-fuse wants. (The race
// detector has pools forget a quarter of what is put in them.)
func TestLargeReadsAllocateNothing(t *testing.T) {
	read := fs.Reads(scatter(t, mebibyte), archive.Operation{}, fs.Options{Logger: slog.New(slog.DiscardHandler)})
	ctx, dest := caller(7, 0), make([]byte, mebibyte)
	allocations := func(n int) float64 {
		return testing.AllocsPerRun(1000, func() {
			result, errno := read(ctx, dest[:n], 0)
			if errno != 0 {
				t.Fatal(errno)
			}
			result.Done()
		})
	}
	if small, large := allocations(4096), allocations(mebibyte); large > small {
		t.Errorf("%v allocations a large read, want none; %v a small one, want 1", large, small)
	}
}

// BenchmarkRead is what a read of a MiB on disk costs, until the kernel is answered.
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
	ctx, dest := caller(7, 0), make([]byte, mebibyte)
	b.SetBytes(mebibyte)
	b.ReportAllocs()
	for b.Loop() {
		result, errno := read(ctx, dest, 0)
		if errno != 0 {
			b.Fatal(errno)
		}
		result.Done()
	}
}
