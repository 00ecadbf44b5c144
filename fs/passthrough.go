package fs

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

const (
	// openFlags are the bits of an answer to OPEN that the kernel knows. Nodes put the ticket of a file above them, which
	// passthrough takes out again.
	openFlags   = 1<<ticketShift - 1
	ticketShift = 8
	// maxTicket is the largest ticket. They are given again after that: a ticket lives for a moment.
	maxTicket = 1<<24 - 1
)

// passthrough has the kernel read by itself from files that have just the bytes of what is opened (fs/fuse/passthrough.c,
// Linux 6.9). It keeps the books of that: go-fuse's own do not hold where opens of one inode differ.
//
// An inode is read in one way at a time, as the kernel refuses others: while one handle is passed through all are, from the
// same file, and while one is not none is. The way is chosen when no handle is open.
type passthrough struct {
	fuse.RawFileSystem
	logger   *slog.Logger
	observer Observer
	// register and unregister are the kernel's; the tests have others.
	register   func(f *os.File) (id int32, errno syscall.Errno)
	unregister func(id int32) syscall.Errno

	// mu guards the rest. It is held over register and unregister, which wait for nobody: an answer to OPEN and the number
	// of handles must not part.
	mu      sync.Mutex
	off     error // why nothing is passed through; nil where it may be
	last    uint32
	tickets map[uint32]*os.File
	inodes  map[uint64]*openInode
}

// openInode is an inode with open handles.
type openInode struct {
	// id is the kernel's number for the file that all handles are read from; 0 where they are read from here.
	id      int32
	handles map[uint64]struct{}
}

var (
	// errNotAsked: Options.Passthrough is not set.
	errNotAsked = errors.New("it is off (--passthrough)")
	// errNotRoot: the kernel takes files from root alone.
	errNotRoot = errors.New("the mount is not root's: the kernel wants CAP_SYS_ADMIN")
	// errOldKernel: FUSE_INIT offers none.
	errOldKernel = errors.New("the kernel has none: it came with Linux 6.9")
)

func newPassthrough(logger *slog.Logger, observer Observer, off error) *passthrough {
	return &passthrough{
		logger: logger, observer: observer, off: off,
		tickets: make(map[uint32]*os.File), inodes: make(map[uint64]*openInode),
	}
}

// mayPass says why nothing may be passed through, before the kernel was asked; nil if it may be.
func mayPass(o Options) error {
	switch {
	case !o.Passthrough:
		return errNotAsked
	case os.Geteuid() != 0:
		return errNotRoot
	}
	return nil
}

// serve has files registered with a server that has greeted the kernel.
func (p *passthrough) serve(s *fuse.Server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.off == nil && s.KernelSettings().Flags64()&fuse.CAP_PASSTHROUGH == 0 {
		p.off = errOldKernel
	}
	p.register = func(f *os.File) (int32, syscall.Errno) {
		return s.RegisterBackingFd(&fuse.BackingMap{Fd: int32(f.Fd())})
	}
	p.unregister = s.UnregisterBackingFd
}

// why says why nothing is passed through; nil where it is.
func (p *passthrough) why() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.off
}

// offer gives the bits of an answer to OPEN that offer a file. It has to stay open until that is answered.
func (p *passthrough) offer(f *os.File) (flags uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.off != nil {
		return 0
	}
	p.last = p.last%maxTicket + 1
	p.tickets[p.last] = f
	return p.last << ticketShift
}

// Open answers as the node does, unless the handle is passed through.
func (p *passthrough) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	status := p.RawFileSystem.Open(cancel, in, out)
	if status != fuse.OK {
		return status
	}
	if file, passed := p.opened(in, out); passed {
		p.passed(file)
	}
	return status
}

// opened enters a handle into the books, and the way that it is read into the answer. passed is whether no read of it comes here;
// file is then what was offered, nil if nothing was.
func (p *passthrough) opened(in *fuse.OpenIn, out *fuse.OpenOut) (file *os.File, passed bool) {
	ticket := out.OpenFlags >> ticketShift
	out.OpenFlags &= openFlags
	p.mu.Lock()
	defer p.mu.Unlock()
	file = p.tickets[ticket]
	delete(p.tickets, ticket)
	inode := p.inodes[in.NodeId]
	if inode == nil {
		inode = &openInode{handles: make(map[uint64]struct{})}
		p.inodes[in.NodeId] = inode
		if file != nil && in.Flags&syscall.O_DIRECT == 0 { // some filesystems refuse O_DIRECT, which FUSE does not
			inode.id = p.registerLocked(file)
		}
	}
	inode.handles[out.Fh] = struct{}{}
	if inode.id == 0 {
		return nil, false
	}
	out.BackingID = inode.id
	out.OpenFlags = fuse.FOPEN_PASSTHROUGH | fuse.FOPEN_NOFLUSH // with FOPEN_KEEP_CACHE it is EIO
	if in.Flags&syscall.O_DIRECT != 0 {
		// Reads come here: of the file itself the kernel would have them aligned (fs/fuse/file.c, fuse_file_read_iter).
		out.OpenFlags |= fuse.FOPEN_DIRECT_IO
		return nil, false
	}
	return file, true
}

// passed tells of a handle that is passed through. file is nil where the entry has gone since the first one. It holds no lock,
// as a network file system may take its time to tell of a file.
func (p *passthrough) passed(file *os.File) {
	size := int64(0)
	if file != nil {
		if info, err := file.Stat(); err == nil {
			size = info.Size()
		}
	}
	p.observer.PassedThrough(size)
}

// registerLocked gives the kernel's number for a file; 0 where it refuses, for good if it does so whatever the file is.
func (p *passthrough) registerLocked(f *os.File) int32 {
	if p.off != nil {
		return 0
	}
	id, errno := p.register(f)
	switch errno {
	case 0:
		return id
	case syscall.EPERM, syscall.ENOTTY, syscall.EOPNOTSUPP, syscall.ENOSYS:
		p.off = fmt.Errorf("the kernel refuses: %w", errno)
	case syscall.ELOOP:
		p.off = errors.New("the cache is on a stacked filesystem, such as overlay: --cache-dir on a disk or a volume")
	default:
		p.logger.Debug("file not passed through", "errno", ErrnoName(errno))
		return 0
	}
	p.logger.Info("cached clips are read through FUSE", "cause", p.off)
	return 0
}

// Release lets the kernel's number go with the last handle of an inode. The kernel has let go of the handle before it says so,
// and of the file, unless it is mapped: then it keeps it by itself.
func (p *passthrough) Release(cancel <-chan struct{}, in *fuse.ReleaseIn) {
	p.released(in.NodeId, in.Fh)
	p.RawFileSystem.Release(cancel, in)
}

func (p *passthrough) released(node, handle uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	inode := p.inodes[node]
	if inode == nil {
		return
	}
	delete(inode.handles, handle)
	if len(inode.handles) > 0 {
		return
	}
	delete(p.inodes, node)
	if inode.id == 0 {
		return
	}
	if errno := p.unregister(inode.id); errno != 0 {
		p.logger.Debug("file not taken back from the kernel", "errno", ErrnoName(errno))
	}
}

// Passthrough says why nothing is passed through: nil where cached clips of one part are read by the kernel itself.
func (s *Server) Passthrough() error { return s.passthrough.why() }
