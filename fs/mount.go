package fs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"clipfs/clip"
	"clipfs/fs/mountinfo"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// FSType is what the kernel calls our mounts.
const FSType = "fuse." + fsName

const (
	fsName = "clipfs"
	// maxBackground is how many requests may wait in the background. At the kernel's default of 12, a dozen stalled
	// readers of one clip block sendfile of all others.
	maxBackground = 512
	// maxRead is the largest read; the kernel takes no more on most machines.
	maxRead = 1 << 20
	// negativeTimeout is how long the kernel remembers that a name is not there. Footage may arrive any moment.
	negativeTimeout = time.Second
)

// ErrBusy says that the mount has open files or working directories.
var ErrBusy = errors.New("in use")

// Options are the settings of a mount. The zero value works.
type Options struct {
	// Logger takes what is worth telling; nil discards it.
	Logger *slog.Logger
	// AllowOther lets other users see the mount too, which otherwise only the one who mounted can, and not even root.
	// They read with what the library may do; the kernel checks owner and modes.
	AllowOther bool
	// Owner is whom all entries belong to and what may be done with them.
	Owner Owner
	// ExactSizes has look-ups of clips wait until the size is exact, for programs that trust one from before open(2).
	ExactSizes bool
	// Deny has the names of programs that may not open files; DefaultDeny has some.
	Deny []string
	// Observer is told how users fare; nil for nobody.
	Observer Observer
	// Status gives the text of MOUNT/.clipfs/status.json, anew for each look; nil for no such file. It must not wait.
	Status func() ([]byte, error)
	// Source is what the table of mounts says is mounted; empty stands for the name of the type. mount(8) compares it
	// with fstab to see whether an entry is mounted already.
	Source string
}

// Server serves one mount.
type Server struct {
	mountpoint string
	// device is the mount's own, as mountinfo writes it, by which it is told from others at the same place.
	device string
	fuse   *fuse.Server
	deny   *deny
	// gone is closed when nothing serves the mount any more.
	gone chan struct{}
}

// Mount mounts the clips of a library on an existing, empty directory and serves them until they are unmounted. When
// it returns the mount is there. The process must not touch paths below the mountpoint from then on.
func Mount(mountpoint string, library *clip.Library, o Options) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.AllowOther {
		if err := checkAllowOther(os.Geteuid(), fuseConf); err != nil {
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
	root := &rootNode{tree: newTree(library, owner, o)}
	options := mountOptions(o.Logger)
	if o.Source != "" {
		options.FsName = o.Source
	}
	if o.AllowOther {
		options.AllowOther = true
		options.Options = append(options.Options, "default_permissions")
	}
	raw := gofuse.NewNodeFS(root, options)
	if o.Logger.Enabled(context.Background(), slog.LevelDebug) {
		raw = &localCalls{raw, root.tree.operations}
	}
	server, err := fuse.NewServer(raw, mountpoint, &options.MountOptions)
	if err != nil {
		return nil, fmt.Errorf("mount on %s: %w", mountpoint, err)
	}
	// Not WaitMount: it opens a file on the mount, from here. On Linux the mount is there when mount(2) has returned,
	// and what WaitMount is to prevent can only happen to a process that reads its own mount.
	s := &Server{mountpoint: mountpoint, fuse: server, deny: root.tree.deny, gone: make(chan struct{})}
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

// newTree gives what the nodes of a mount share.
func newTree(library *clip.Library, owner owner, o Options) *tree {
	callers := newCallers(procRoot)
	t := &tree{
		library:   library,
		owner:     owner,
		mounted:   time.Now(),
		report:    newReporter(o.Logger),
		callers:   callers,
		deny:      newDeny(o.Deny, callers, o.Logger),
		explained: newExplainer(o.Logger),
		versions:  newVersions(),
		waits:     patiencePool{signals: signals{proc: procRoot}},

		status:     o.Status,
		operations: newOperations(o.Logger, o.Observer),
	}
	if o.ExactSizes {
		t.sizes = newExactSizes(o.Logger, library.ReadTimeout())
	}
	return t
}

// mountOptions gives the settings for go-fuse and the kernel.
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
			// With large reads go-fuse's splice fails and logs it, each time.
			DisableSplice: true,
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

// Mounted reports whether the mount, dead or alive, is what a path to its mountpoint leads to. It does not touch it.
func (s *Server) Mounted() bool {
	info, err := mountinfo.Find(s.mountpoint)
	return err == nil && info.Device() == s.device
}

// Listed reports whether the mount is in the tree, if only below another that covers it. It does not touch it, and says yes where
// that cannot be told.
func (s *Server) Listed() bool {
	all, err := mountinfo.List()
	return err != nil || slices.ContainsFunc(all, func(info mountinfo.Info) bool { return info.Mountpoint == s.mountpoint && info.Device() == s.device })
}

// Detach takes the mount out of the tree even if it is in use; nothing, if somebody else has done so already. What is
// open goes on working as long as this process does. It fails where something else is mounted over it.
func (s *Server) Detach() error {
	all, err := mountinfo.List()
	if err != nil {
		return fmt.Errorf("unmount %s: %w", s.mountpoint, err)
	}
	mounted, top := false, ""
	for _, info := range all {
		if info.Mountpoint == s.mountpoint {
			mounted, top = mounted || info.Device() == s.device, info.Device()
		}
	}
	switch {
	case !mounted:
		return nil
	case top != s.device:
		return fmt.Errorf("unmount %s: something else is mounted over it", s.mountpoint)
	}
	return Detach(s.mountpoint)
}

// Detach takes whatever is mounted at a path, which is to be as Canonical gives it, out of the tree: for mounts in use
// and for stale ones, whose server has died. It does not touch the mount.
func Detach(mountpoint string) error {
	err := unix.Unmount(mountpoint, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	if err == nil || os.Geteuid() == 0 {
		return wrapUnmount(mountpoint, err)
	}
	helper, err := fusermount()
	if err != nil {
		return wrapUnmount(mountpoint, err)
	}
	return wrapUnmount(mountpoint, runHelper(helper, "-u", "-z", "--", mountpoint))
}

// Unmount unmounts whatever is mounted at a path, which is to be as Canonical gives it; ErrBusy if it is in use.
func Unmount(mountpoint string) error {
	err := unix.Unmount(mountpoint, unix.UMOUNT_NOFOLLOW)
	if errors.Is(err, unix.EPERM) && os.Geteuid() != 0 {
		err = unmountAsUser(mountpoint)
	}
	if errors.Is(err, unix.EBUSY) {
		err = ErrBusy
	}
	return wrapUnmount(mountpoint, err)
}

// unmountAsUser unmounts with the helper. Its exit status does not tell why it failed; for a mount of one's own that
// is still there it is that it is in use.
func unmountAsUser(mountpoint string) error {
	helper, err := fusermount()
	if err != nil {
		return err
	}
	failed := runHelper(helper, "-u", "--", mountpoint)
	if failed == nil {
		return nil
	}
	info, err := mountinfo.Find(mountpoint)
	if err == nil && slices.Contains(info.Options, fmt.Sprintf("user_id=%d", os.Getuid())) {
		return fmt.Errorf("%w: %w", ErrBusy, failed)
	}
	return failed
}

// wrapUnmount says of what an error is.
func wrapUnmount(mountpoint string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("unmount %s: %w", mountpoint, err)
}

// fusermount gives the path of the helper that mounts and unmounts for ordinary users.
func fusermount() (string, error) {
	path, err := exec.LookPath("fusermount3")
	if err != nil {
		return exec.LookPath("fusermount")
	}
	return path, nil
}
