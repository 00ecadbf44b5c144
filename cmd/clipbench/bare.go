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
)

const (
	// bareCommand is the hidden command that serves a bare mount, in a process of its own.
	bareCommand = "bare"
	// bareName is the only file of a bare mount.
	bareName = "bare.mp4"
	// bareReady is what it says once it serves.
	bareReady = "bare mount serves"
	// bareHolds is how long the kernel may believe what it was told of a bare mount.
	bareHolds = time.Hour
)

// bareMount is the least that a file on FUSE can be: one go-fuse file whose bytes are in memory, with the open flags and
// the kernel's settings of clipfs (fs/mount.go). What clipfs cannot be faster than is how fast this is.
type bareMount struct {
	process *child.Process
	path    string
}

func (b *bench) bare(ctx context.Context, file string) (*bareMount, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(b.dir, "bare-")
	if err != nil {
		return nil, err
	}
	m := &bareMount{path: path}
	if m.process, err = child.Start(self, nil, bareCommand, file, path); err != nil {
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
	return hiddenCommand(bareCommand+" FILE MOUNTPOINT", "Serve the bytes of a file from memory, as the least that a FUSE file can be", 2,
		func(ctx context.Context, args []string) error { return serveBare(ctx, args[0], args[1], stderr) })
}

func serveBare(ctx context.Context, file, mountpoint string, stderr io.Writer) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	holds := bareHolds
	options := &gofuse.Options{
		EntryTimeout: &holds, AttrTimeout: &holds,
		MountOptions: fuse.MountOptions{
			FsName: bareCommand, Name: bareCommand, DirectMountStrict: os.Geteuid() == 0,
			MaxBackground: 512, MaxWrite: 1 << 20,
			DisableReadDirPlus: true, DisableSplice: true, ExplicitDataCacheControl: true, IgnoreSecurityLabels: true,
		},
	}
	server, err := fuse.NewServer(gofuse.NewNodeFS(&bareRoot{data: data}, options), mountpoint, &options.MountOptions)
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

type bareRoot struct {
	gofuse.Inode
	data []byte
}

var _ gofuse.NodeOnAdder = (*bareRoot)(nil)

func (r *bareRoot) OnAdd(ctx context.Context) {
	file := &bareFile{MemRegularFile: gofuse.MemRegularFile{Data: r.data, Attr: fuse.Attr{Mode: 0o444}}}
	r.AddChild(bareName, r.NewPersistentInode(ctx, file, gofuse.StableAttr{Mode: syscall.S_IFREG}), false)
}

type bareFile struct{ gofuse.MemRegularFile }

var _ gofuse.NodeOpener = (*bareFile)(nil)

func (*bareFile) Open(context.Context, uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH, 0
}
