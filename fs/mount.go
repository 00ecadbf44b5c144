package fs

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"clipfs/fs/inodes"
	"clipfs/fs/mountinfo"
	"clipfs/fs/pages"
	"clipfs/fs/tree"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// FSType is what the kernel calls our mounts.
const FSType = "fuse." + fsName

const (
	fsName = "clipfs"
	// maxBackground is how many requests may wait in the background. At the kernel's default of 12, a dozen stalled
	// readers of one clip block sendfile of all others.
	maxBackground = 512
	// maxRead is the largest read: what can be handed on as it is on the disk.
	maxRead = pages.Most
	// negativeTimeout is how long the kernel remembers that a name is not there. Footage may arrive any moment.
	negativeTimeout = time.Second
)

// ErrBusy says that the mount has open files or working directories.
var ErrBusy = errors.New("in use")

// Options are the settings of a mount. The zero value works.
type Options struct {
	// Logger takes what is worth telling; nil discards it.
	Logger *slog.Logger
	// AllowOther lets other users see the mount too; else only the user that mounted it does, and not even root. They
	// read with what the library may do; the kernel checks owner and modes.
	AllowOther bool
	Owner      Owner
	// ExactSizes has look-ups of clips wait until the size is exact, for programs that trust one from before open(2).
	ExactSizes bool
	// Deny are the names of programs that may not open files, as DefaultDeny lists some.
	Deny []string
	// Passthrough has the kernel read clips by itself that are whole on disk in one file, where it can: as root, from Linux 6.9.
	Passthrough bool
	// Observer may be nil.
	Observer Observer
	// Source is what the table of mounts says is mounted; empty stands for the name of the type. mount(8) finds the
	// entry of fstab by it.
	Source string
}

// Server serves one mount.
type Server struct {
	mountpoint string
	// device tells the mount from others at the same place, as mountinfo writes it.
	device      string
	fuse        *fuse.Server
	deny        *deny
	passthrough *passthrough
	// gone is closed when nothing serves the mount any more.
	gone chan struct{}
}

// Mount mounts a tree on an existing, empty directory and serves it until it is unmounted. When it returns the mount is
// there. The process must not touch paths below the mountpoint from then on.
func Mount(mountpoint string, t *tree.Tree, o Options) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.AllowOther {
		if err := AllowsOther(os.Geteuid(), ""); err != nil {
			return nil, err
		}
	}
	mountpoint, err := Canonical(mountpoint)
	if err != nil {
		return nil, err
	}
	owner, err := o.Owner.owner()
	if err != nil {
		return nil, err
	}
	face := newFace(t, owner, o)
	options := mountOptions(o.Logger)
	if o.Source != "" {
		options.FsName = o.Source
	}
	if o.AllowOther {
		options.AllowOther = true
		options.Options = append(options.Options, "default_permissions")
	}
	if face.pass.off != nil {
		options.DisabledCapabilities |= fuse.CAP_PASSTHROUGH
	}
	known := inodes.New(gofuse.NewNodeFS(newDirNode(face, t.Root()), options))
	face.pass.RawFileSystem = known
	server, err := fuse.NewServer(face.pass, mountpoint, &options.MountOptions)
	if err != nil {
		return nil, fmt.Errorf("mount on %s: %w", mountpoint, err)
	}
	face.pass.serve(server)
	known.Serve(server)
	// Not WaitMount: it opens a file on the mount, from here. On Linux the mount is there when mount(2) has returned,
	// and what WaitMount is to prevent can only happen to a process that reads its own mount.
	s := &Server{mountpoint: mountpoint, fuse: server, deny: face.deny, passthrough: face.pass, gone: make(chan struct{})}
	go func() {
		defer close(s.gone)
		server.Serve()
	}()
	info, err := mountinfo.Find(mountpoint)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("mount on %s: %w", mountpoint, err), Detach(mountpoint))
	}
	s.device = info.Device()
	setReadAhead(info, o.Logger)
	return s, nil
}

func mountOptions(logger *slog.Logger) *gofuse.Options {
	toWarn := slog.NewLogLogger(logger.Handler(), slog.LevelWarn)
	negative := negativeTimeout
	return &gofuse.Options{
		NegativeTimeout: &negative,
		RootStableAttr:  &gofuse.StableAttr{Ino: rootInode},
		Logger:          toWarn,
		MountOptions: fuse.MountOptions{
			Options: []string{"ro", "nosuid", "nodev", "noexec"},
			FsName:  fsName,
			Name:    fsName,
			Logger:  toWarn,
			// Root needs no helper, and gets mount(2)'s own error.
			DirectMountStrict: os.Geteuid() == 0,
			DirectMountFlags:  syscall.MS_RDONLY | syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC,
			MaxBackground:     maxBackground,
			MaxWrite:          maxRead,
			// ls asks for names; with readdirplus each would cost a lookup, and that may cost a call.
			DisableReadDirPlus: true,
			// Versions never change: the kernel need not ask before it uses its page cache.
			ExplicitDataCacheControl: true,
			IgnoreSecurityLabels:     true,
			// The kernel remembers that there are no access control lists, which ls -l asks for of every name.
			EnableAcl: true,
			// mmap(MAP_SHARED) of files that bypass the page cache, Linux 6.6 and later.
			ExtraCapabilities: fuse.CAP_DIRECT_IO_ALLOW_MMAP,
			PanicHandler: func(cause any) fuse.Status {
				logger.Error("bug: a request panicked", "cause", cause, "stack", string(debug.Stack()))
				return fuse.EIO
			},
		},
	}
}

// Mountpoint is where the mount is, as the kernel lists it.
func (s *Server) Mountpoint() string { return s.mountpoint }

// Wait returns when the mount is gone and its last request answered.
func (s *Server) Wait() { s.fuse.Wait() }

// readAheadKB makes reads through the page cache as large as maxRead, where the kernel's default is 256 KiB, and has the kernel
// ask for the next ones before it has the last. A page fault in a mapped file reads as much around it.
const readAheadKB = "2048"

// setReadAhead raises the read-ahead of a mount, where we may: as root. Without it everything works, more slowly.
func setReadAhead(mount mountinfo.Info, logger *slog.Logger) {
	err := os.WriteFile(filepath.Join("/sys/class/bdi", mount.Device(), "read_ahead_kb"), []byte(readAheadKB), 0)
	if err != nil {
		logger.Debug("read-ahead of the mount left as it is", "mountpoint", mount.Mountpoint, "cause", err)
	}
}
