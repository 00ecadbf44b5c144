package fs

import (
	"context"
	"log/slog"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"clipfs/clip/archive"
)

// Observer counts what the mount answers. Its methods are called in the course of reads: they must not block, and
// should not allocate.
type Observer interface {
	// FirstByte tells how long a caller waited for a file: in open(2) and in the first read, together.
	FirstByte(took time.Duration)
	// Read tells of each read that was answered, but for those that the kernel answers from its page cache.
	Read(bytes int, took time.Duration)
	// PassedThrough tells of each file that was opened so that the kernel reads it by itself: no read of it is told of. bytes is how
	// many it has.
	PassedThrough(bytes int64)
	// Failed tells of each operation on a path that was answered with an error.
	Failed(operation string, errno syscall.Errno)
}

type nobody struct{}

func (nobody) FirstByte(time.Duration)      {}
func (nobody) Read(int, time.Duration)      {}
func (nobody) PassedThrough(int64)          {}
func (nobody) Failed(string, syscall.Errno) {}

// operations numbers the requests of a mount and logs them: one line each at debug.
type operations struct {
	logger   *slog.Logger
	observer Observer
	last     atomic.Uint64
}

func newOperations(logger *slog.Logger, observer Observer) *operations {
	if observer == nil {
		observer = nobody{}
	}
	return &operations{logger: logger, observer: observer}
}

// begin numbers an operation of the caller in ctx, which is the context that go-fuse gave.
func (o *operations) begin(ctx context.Context) archive.Operation {
	op := archive.Operation{ID: o.last.Add(1)}
	if c, ok := fuse.FromContext(ctx); ok {
		op.PID, op.UID = c.Pid, c.Uid
	}
	return op
}

// again numbers another operation of the same caller.
func (o *operations) again(by archive.Operation) archive.Operation {
	by.ID = o.last.Add(1)
	return by
}

// done tells of an operation that was answered. ctx carries it.
func (o *operations) done(ctx context.Context, name, path string, begun time.Time, errno syscall.Errno) {
	if errno != 0 {
		o.observer.Failed(name, errno)
	}
	if o.logger.Enabled(ctx, slog.LevelDebug) {
		o.log(ctx, name, begun, errno, slog.String("path", path))
	}
}

// read is done for a read, whose place and length are told too. It allocates nothing where debug is off.
func (o *operations) read(ctx context.Context, path string, begun time.Time, off int64, n int, errno syscall.Errno) {
	if errno != 0 {
		o.observer.Failed("read", errno)
	}
	if o.logger.Enabled(ctx, slog.LevelDebug) {
		o.log(ctx, "read", begun, errno, slog.String("path", path), slog.Int64("offset", off), slog.Int("bytes", n))
	}
}

// atOnce tells of an operation that is answered from what is known.
func (o *operations) atOnce(ctx context.Context, name, path string, errno syscall.Errno) {
	if o.logger.Enabled(ctx, slog.LevelDebug) {
		o.log(archive.WithOperation(ctx, o.begin(ctx)), name, time.Now(), errno, slog.String("path", path))
	}
}

func (o *operations) log(ctx context.Context, name string, begun time.Time, errno syscall.Errno, more ...slog.Attr) {
	op, _ := archive.OperationOf(ctx)
	attrs := append([]slog.Attr{slog.String("name", name)}, more...)
	attrs = append(attrs, slog.Uint64("pid", uint64(op.PID)), slog.Uint64("uid", uint64(op.UID)), slog.Duration("took", time.Since(begun)))
	if errno != 0 {
		attrs = append(attrs, slog.String("errno", ErrnoName(errno)))
	}
	o.logger.LogAttrs(ctx, slog.LevelDebug, "operation", attrs...)
}

// ErrnoName is EACCES and the like.
func ErrnoName(errno syscall.Errno) string {
	if name := unix.ErrnoName(errno); name != "" {
		return name
	}
	return "E" + strconv.Itoa(int(errno))
}
