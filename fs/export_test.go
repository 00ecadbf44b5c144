package fs

import (
	"context"
	"log/slog"
	"os"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"clipfs/clip/archive"
	"clipfs/fs/tree"
)

// InodeNumber gives the number of the entry at a path.
func InodeNumber(names ...string) uint64 { return inodeNumber(names...) }

// Grace is how long a request outlasts an interrupt.
const Grace = grace

// MaxSentBack and StickFor bound what is remembered of callers and of versions.
const (
	MaxSentBack = maxSentBack
	SentBackFor = sentBackFor
	StickFor    = stickFor
)

// Version is a version.
type Version struct{ *version }

// Tell is what a LOOKUP or a GETATTR gives.
func (v Version) Tell() (int64, bool) { return v.tell() }

// Settle is what an OPEN does when the size is there.
func (v Version) Settle(size int64, pid uint32, now time.Time) bool { return v.settle(size, pid, now) }

// Recall is what an OPEN does before it answers; ask asks the kernel.
func (v Version) Recall(ask func()) { v.recall(ask) }

// SentBack is how many callers are remembered.
func (v Version) SentBack() int { return len(v.sentBack) }

// Gen is the generation.
func (v Version) Gen() uint64 { return v.gen }

// Versions is a table of versions.
type Versions struct{ *versions }

// NewVersions gives an empty table.
func NewVersions() Versions { return Versions{newVersions()} }

// Of gives the version of a file at a path.
func (t Versions) Of(ino uint64, file *tree.File) Version { return Version{t.of(ino, file)} }

// Stick makes a path keep a version.
func (t Versions) Stick(v Version, pid uint32, now time.Time) { t.stick(v.version, pid, now) }

// Unstick lets it go.
func (t Versions) Unstick(v Version) { t.unstick(v.version) }

// CameBack tells of an open.
func (t Versions) CameBack(v Version, pid uint32, now time.Time) bool {
	return t.cameBack(v.version, pid, now)
}

// StuckAt gives the version that a path keeps.
func (t Versions) StuckAt(ino uint64, pid uint32, now time.Time) (Version, bool) {
	v := t.stuckAt(ino, pid, now)
	return Version{v}, v != nil
}

// Len is how many versions the table has, dead ones included.
func (t Versions) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.live)
}

// Patience runs a call with the context that a request gets, where proc is the proc filesystem.
func Patience(caller context.Context, proc string, call func(context.Context)) {
	pool := patiencePool{signals: signals{proc: proc}}
	waiting := pool.begin(caller, archive.Operation{ID: 1})
	defer pool.end(waiting)
	call(waiting)
}

// SignalsEnd reports whether a thread that was interrupted is to be given up, where proc is the proc filesystem.
func SignalsEnd(proc string, thread uint32) bool { return signals{proc: proc}.end(thread) }

// Answer gives what a caller gets of a call, where proc is the proc filesystem.
func Answer(caller context.Context, proc string, call func(context.Context) error) syscall.Errno {
	f := newFace(nil, owner{}, Options{Logger: slog.New(slog.DiscardHandler)})
	f.waits.signals.proc = proc
	return f.wait(caller, "open", "door/clip.mp4", call)
}

// PatiencePool begins and ends requests without a wait.
func PatiencePool(caller context.Context) func() {
	var pool patiencePool
	return func() { pool.end(pool.begin(caller, archive.Operation{ID: 1})) }
}

// Process is who asked.
type Process struct {
	PID, UID               uint32
	Executable, Comm, Name string
}

// CallerOf gives the process that asks, by what a proc filesystem shows.
func CallerOf(ctx context.Context, proc string) Process {
	p := callerOf(ctx, proc)
	return Process{PID: p.pid, UID: p.uid, Executable: p.executable, Comm: p.comm, Name: p.name()}
}

// Deny keeps programs from opening files.
type Deny struct {
	*deny
	proc string
}

// NewDeny gives one that looks into a proc filesystem.
func NewDeny(names []string, proc string, logger *slog.Logger) Deny {
	return Deny{newDeny(names, logger), proc}
}

// Opens reports whether who asks may open a file.
func (d Deny) Opens(ctx context.Context) bool { return d.opens(callerOf(ctx, d.proc), "door/10m.mp4") }

// Denials is what it has counted.
func (d Deny) Denials() Denials { return (&Server{deny: d.deny}).Denials() }

// Reads gives the way of a read through an open file.
func Reads(content tree.Reader, opener archive.Operation, o Options) func(context.Context, []byte, int64) (fuse.ReadResult, syscall.Errno) {
	open := &fileHandle{face: newFace(nil, owner{}, o), content: content, path: "door/clip.mp4", opener: opener}
	return open.Read
}

// Books are those of what the kernel reads by itself.
type Books struct{ p *passthrough }

// NewBooks gives those of nodes and of what stands for the kernel.
func NewBooks(nodes fuse.RawFileSystem, register func(*os.File) (int32, syscall.Errno), unregister func(int32) syscall.Errno) *Books {
	p := newPassthrough(slog.New(slog.DiscardHandler), nobody{}, nil)
	p.RawFileSystem, p.register, p.unregister = nodes, register, unregister
	return &Books{p}
}

// Offer offers a file, as a node does.
func (b *Books) Offer(f *os.File) uint32 { return b.p.offer(f) }

// Open and Release are the requests of the kernel.
func (b *Books) Open(node uint64) (fh uint64, id int32, flags uint32) {
	in, out := &fuse.OpenIn{InHeader: fuse.InHeader{NodeId: node}}, &fuse.OpenOut{}
	b.p.Open(nil, in, out)
	return out.Fh, out.BackingID, out.OpenFlags
}
func (b *Books) Release(node, fh uint64) {
	b.p.Release(nil, &fuse.ReleaseIn{InHeader: fuse.InHeader{NodeId: node}, Fh: fh})
}

// Pending counts what is left of handles and offers.
func (b *Books) Pending() int { return len(b.p.tickets) + len(b.p.inodes) }

// Off turns it off, Why tells why.
func (b *Books) Off(cause error) { b.p.off = cause }
func (b *Books) Why() error      { return b.p.why() }
