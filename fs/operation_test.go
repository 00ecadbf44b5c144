package fs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"clipfs/clip/archive"
	"clipfs/fs"
	"clipfs/fs/tree"
)

// tally counts what an observer is told, without allocating.
type tally struct {
	reads, bytes, firsts int
	failed               map[string]int
}

func (o *tally) PassedThrough(int64)             {}
func (o *tally) FirstByte(time.Duration)         { o.firsts++ }
func (o *tally) Read(bytes int, _ time.Duration) { o.reads++; o.bytes += bytes }
func (o *tally) Failed(operation string, errno syscall.Errno) {
	o.failed[operation+" "+fs.ErrnoName(errno)]++
}

// openClip opens a clip and reads it once, so that all of it is cached.
func openClip(t *testing.T) tree.Reader {
	t.Helper()
	since := time.Now().Add(-time.Hour).Truncate(time.Minute)
	c := lookup(t, library(t, door(since)), since, 10*time.Minute)
	h, err := c.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	whole := io.NewSectionReader(readerAt(func(p []byte, off int64) (int, error) { return h.ReadAt(t.Context(), p, off) }), 0, h.Size())
	if n, err := io.Copy(io.Discard, whole); err != nil || n != h.Size() {
		t.Fatalf("read %d of %d: %v", n, h.Size(), err)
	}
	return h
}

// readerAt is an io.ReaderAt.
type readerAt func(p []byte, off int64) (int, error)

// ReadAt implements io.ReaderAt.
func (r readerAt) ReadAt(p []byte, off int64) (int, error) { return r(p, off) }

// caller is the context of a request of some process.
func caller(pid, uid uint32) *fuse.Context {
	return &fuse.Context{Caller: fuse.Caller{Pid: pid, Owner: fuse.Owner{Uid: uid}}}
}

// TestReadsAllocateNothing: numbering, timing, counting and answering a read of what is cached allocates nothing.
func TestReadsAllocateNothing(t *testing.T) {
	dest := make([]byte, 100)
	told := &tally{failed: make(map[string]int)}
	log := slog.New(slog.NewTextHandler(io.Discard, nil)) // at info
	read := fs.Reads(openClip(t), archive.Operation{PID: 7, Command: "cat"}, fs.Options{Logger: log, Observer: told})
	ctx := caller(7, 0)
	got := testing.AllocsPerRun(1000, func() {
		result, errno := read(ctx, dest, 5)
		if errno != 0 {
			t.Fatal(errno)
		}
		result.Done()
	})
	if got >= 1 {
		t.Errorf("%v allocations a read, want none", got)
	}
	if told.reads != 1001 || told.bytes != 100_100 || told.firsts != 1 {
		t.Errorf("the observer was told of %+v", told)
	}
}

// TestOperationsInTheLog: each read is a line at debug, with a number of its own and who opened the file; one that fails
// has its errno, and the observer is told.
func TestOperationsInTheLog(t *testing.T) {
	var out bytes.Buffer
	told := &tally{failed: make(map[string]int)}
	log := slog.New(withOperation{slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})})
	h := openClip(t)
	read := fs.Reads(h, archive.Operation{PID: 7, UID: 8, Command: "cat"}, fs.Options{Logger: log, Observer: told})
	for range 2 {
		if _, errno := read(caller(9, 10), make([]byte, 100), 0); errno != 0 {
			t.Fatal(errno)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if _, errno := read(caller(9, 10), make([]byte, 100), 0); errno != syscall.EINVAL {
		t.Errorf("a read of what is closed: %v", errno)
	}
	var ids []float64
	for line := range strings.Lines(out.String()) {
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		if got["msg"] != "operation" {
			continue
		}
		ids = append(ids, got["op"].(float64))
		if got["name"] != "read" || got["pid"] != 7.0 || got["uid"] != 8.0 {
			t.Errorf("line %s", line)
		}
		if failed := len(ids) == 3; failed != (got["errno"] == "EINVAL") {
			t.Errorf("line %d: %s", len(ids), line)
		}
	}
	if len(ids) != 3 || ids[0] == 0 || ids[1] == ids[0] || ids[2] == ids[1] {
		t.Errorf("numbers %v", ids)
	}
	if told.failed["read EINVAL"] != 1 || told.reads != 2 {
		t.Errorf("the observer was told of %+v", told)
	}
}

// withOperation adds the number of the operation, as the command's logger does.
type withOperation struct{ slog.Handler }

// Handle implements slog.Handler.
func (h withOperation) Handle(ctx context.Context, r slog.Record) error {
	op, _ := archive.OperationOf(ctx)
	r.AddAttrs(slog.Uint64("op", op.ID))
	return h.Handler.Handle(ctx, r)
}

// TestPatienceCarriesOneValue: the operation, and nothing that the caller's context has.
func TestPatienceCarriesOneValue(t *testing.T) {
	type key struct{}
	fs.Patience(context.WithValue(t.Context(), key{}, "kept out"), "/proc", func(ctx context.Context) {
		if op, ok := archive.OperationOf(ctx); !ok || op.ID != 1 {
			t.Errorf("operation %+v, %v", op, ok)
		}
		if got := ctx.Value(key{}); got != nil {
			t.Errorf("got %v of the caller's context", got)
		}
		if got, ok := fuse.FromContext(ctx); ok {
			t.Errorf("got the caller %v", got)
		}
	})
}

func TestErrnoName(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{syscall.EACCES: "EACCES", syscall.ENOENT: "ENOENT", syscall.EDQUOT: "EDQUOT"} {
		if got := fs.ErrnoName(errno); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := fs.ErrnoName(4095); got != "E4095" {
		t.Error(fmt.Sprint("an unknown one is ", got))
	}
}
