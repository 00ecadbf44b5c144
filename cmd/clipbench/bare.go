package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"clipfs/cmd/internal/child"
	"clipfs/fs/mountinfo"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

const (
	// bareCommand is the hidden command that serves a bare mount, in a process of its own.
	bareCommand = "bare"
	// bareName is the only file of a bare mount.
	bareName = "bare.mp4"
	// barePassed is the flag that has the kernel read it by itself.
	barePassed = "passthrough"
	// bareStored is its flag for a file that stays on the disk.
	bareStored = "stored"
	// bareReady is what it says once it serves.
	bareReady = "bare mount serves"
	// bareHolds is how long the kernel may believe what it was told of a bare mount.
	bareHolds = time.Hour
)

// bareMount is the least that a file on FUSE can be: one go-fuse file whose bytes are in memory, with the open flags and
// the kernel's settings of clipfs (fs/mount.go). What clipfs cannot be faster than is how fast this is. With bareStored they are in a file
// on the disk, as those of whatever keeps a cache there, and go-fuse reads that for each request.
type bareMount struct {
	process *child.Process
	path    string
}

// bare serves a file; args are further ones of the command.
func (b *bench) bare(ctx context.Context, file string, args ...string) (*bareMount, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(b.dir, "bare-")
	if err != nil {
		return nil, err
	}
	m := &bareMount{path: path}
	if m.process, err = child.Start(self, nil, append([]string{bareCommand, file, path}, args...)...); err != nil {
		return nil, err
	}
	if err := m.process.AwaitReady(ctx, bareReady); err != nil {
		m.end(&err)
		return nil, err
	}
	return m, nil
}

func (m *bareMount) file() string { return filepath.Join(m.path, bareName) }

func (m *bareMount) end(err *error) {
	*err = errors.Join(*err, endMount(m.process, m.path))
}

func newBareCommand(stderr io.Writer) *cobra.Command {
	var passed, stored bool
	cmd := hiddenCommand(bareCommand+" FILE MOUNTPOINT", "Serve the bytes of a file from memory or from that file, or have the kernel read them by itself, as the least that a FUSE file can be", 2,
		func(ctx context.Context, args []string) error {
			file, err := bareOf(args[0], stored, passed)
			if err != nil {
				return err
			}
			return serveBare(ctx, file, args[1], stderr)
		})
	cmd.Flags().BoolVar(&passed, barePassed, false, "have the kernel read the file by itself")
	cmd.Flags().BoolVar(&stored, bareStored, false, "read the bytes from the file for each request")
	return cmd
}

// bareOf gives the file to serve.
func bareOf(path string, stored, passed bool) (gofuse.InodeEmbedder, error) {
	if !stored && !passed {
		data, err := os.ReadFile(path)
		return &bareFile{MemRegularFile: gofuse.MemRegularFile{Data: data, Attr: fuse.Attr{Mode: 0o444}}}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if passed {
		return &passedFile{path: path, size: uint64(info.Size())}, nil
	}
	f, err := os.Open(path) // until the process ends
	return &storedFile{file: f, size: info.Size()}, err
}

func serveBare(ctx context.Context, file gofuse.InodeEmbedder, mountpoint string, stderr io.Writer) error {
	holds := bareHolds
	options := &gofuse.Options{
		EntryTimeout: &holds, AttrTimeout: &holds,
		MountOptions: fuse.MountOptions{
			FsName: bareCommand, Name: bareCommand, DirectMountStrict: os.Geteuid() == 0,
			MaxBackground: 512, MaxWrite: 1 << 20,
			DisableReadDirPlus: true, DisableSplice: true, ExplicitDataCacheControl: true, IgnoreSecurityLabels: true,
		},
	}
	server, err := fuse.NewServer(gofuse.NewNodeFS(&bareRoot{file: file}, options), mountpoint, &options.MountOptions)
	if err != nil {
		return err
	}
	go server.Serve()
	if info, err := mountinfo.Find(mountpoint); err == nil {
		// As fs does, where we may.
		_ = os.WriteFile(filepath.Join("/sys/class/bdi", info.Device(), "read_ahead_kb"), []byte("2048"), 0)
	}
	_, _ = fmt.Fprintln(stderr, bareReady)
	<-ctx.Done()
	return server.Unmount()
}

// bareRoot has the only file, which is made with the tree.
type bareRoot struct {
	gofuse.Inode
	file gofuse.InodeEmbedder
}

var _ gofuse.NodeOnAdder = (*bareRoot)(nil)

func (r *bareRoot) OnAdd(ctx context.Context) {
	r.AddChild(bareName, r.NewPersistentInode(ctx, r.file, gofuse.StableAttr{Mode: syscall.S_IFREG}), false)
}

const bareFlags = fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH

type bareFile struct{ gofuse.MemRegularFile }

var _ gofuse.NodeOpener = (*bareFile)(nil)

func (*bareFile) Open(context.Context, uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	return nil, bareFlags, 0
}

// storedFile is a file whose bytes are in another one, on the disk.
type storedFile struct {
	gofuse.Inode
	file *os.File
	size int64
}

var (
	_ gofuse.NodeOpener    = (*storedFile)(nil)
	_ gofuse.NodeGetattrer = (*storedFile)(nil)
	_ gofuse.NodeReader    = (*storedFile)(nil)
)

func (*storedFile) Open(context.Context, uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	return nil, bareFlags, 0
}

func (f *storedFile) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size = 0o444, uint64(f.size)
	return 0
}

func (f *storedFile) Read(_ context.Context, _ gofuse.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	return fuse.ReadResultFd(f.file.Fd(), off, int(max(0, min(int64(len(dest)), f.size-off)))), 0
}

// passedFile is a file that the kernel reads by itself. All that is asked of its server is an open. go-fuse's own bookkeeping will do where all
// opens are alike.
type passedFile struct {
	gofuse.Inode
	path string
	size uint64
}

var (
	_ gofuse.NodeOpener    = (*passedFile)(nil)
	_ gofuse.NodeGetattrer = (*passedFile)(nil)
)

func (f *passedFile) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size = 0o444, f.size
	return 0
}

func (f *passedFile) Open(context.Context, uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	fd, err := unix.Open(f.path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, 0, gofuse.ToErrno(err)
	}
	return gofuse.NewLoopbackFile(fd), fuse.FOPEN_NOFLUSH, 0
}
