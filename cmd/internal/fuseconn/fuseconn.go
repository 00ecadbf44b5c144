// Package fuseconn aborts FUSE connections. A process that is stuck on a FUSE mount whose server does not answer is
// deaf to every signal, SIGKILL too; only aborting the connection through fusectl frees it. Tests that mount keep one
// of these at hand, so that a bug can never leave a hung machine.
package fuseconn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"clipfs/fs/mountinfo"

	"golang.org/x/sys/unix"
)

// control is where fusectl is mounted (Documentation/filesystems/fuse/fuse.rst, "Control filesystem").
const control = "/sys/fs/fuse/connections"

// ErrNotFUSE says that what is mounted there is no FUSE filesystem.
var ErrNotFUSE = errors.New("not a FUSE mount")

// Conn is the connection between the kernel and the server of one mount.
type Conn struct {
	// ID numbers the connection: the minor device number of the mount. The kernel gives it to the next mount as soon as
	// this one is gone, so a Conn is for a mount that is known to be there.
	ID uint32
}

// Find gives the connection of the mount at a mountpoint. It does not touch the mount.
func Find(mountpoint string) (Conn, error) {
	absolute, err := filepath.Abs(mountpoint)
	if err != nil {
		return Conn{}, err
	}
	// The directory above may be resolved; the mountpoint itself would be asked of the mount.
	parent, err := filepath.EvalSymlinks(filepath.Dir(absolute))
	if err != nil {
		return Conn{}, err
	}
	info, err := mountinfo.Find(filepath.Join(parent, filepath.Base(absolute)))
	if err != nil {
		return Conn{}, err
	}
	if info.FSType != "fuse" && !strings.HasPrefix(info.FSType, "fuse.") {
		return Conn{}, fmt.Errorf("%s is %s: %w", mountpoint, info.FSType, ErrNotFUSE)
	}
	return Conn{ID: info.Minor}, nil
}

// Abort ends the connection: every request that waits is answered ENOTCONN, now and from then on. It mounts fusectl if
// that is missing, which takes root. A connection that is gone already is no error.
func (c Conn) Abort() error {
	if err := mountControl(); err != nil {
		return err
	}
	err := os.WriteFile(c.file("abort"), []byte("1"), 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Waiting is how many requests have not been answered.
func (c Conn) Waiting() (int, error) {
	if err := mountControl(); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(c.file("waiting"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

func (c Conn) file(name string) string {
	return filepath.Join(control, strconv.FormatUint(uint64(c.ID), 10), name)
}

func mountControl() error {
	_, err := mountinfo.Find(control)
	if !errors.Is(err, mountinfo.ErrNotMounted) {
		return err
	}
	err = unix.Mount("fusectl", control, "fusectl", 0, "")
	if errors.Is(err, unix.EBUSY) { // somebody else was quicker
		return nil
	}
	if err != nil {
		return fmt.Errorf("mount fusectl on %s: %w", control, err)
	}
	return nil
}

// Watch aborts the connection of a mountpoint when ctx has not ended within limit, and takes the mount out of the tree.
// It returns at once; what it did goes to report, which is called at most once, and only if the limit was reached.
// Nothing need be mounted yet.
func Watch(ctx context.Context, mountpoint string, limit time.Duration, report func(error)) {
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(limit):
		}
		report(errors.Join(fmt.Errorf("%s: not done after %s, connection aborted", mountpoint, limit), end(mountpoint)))
	}()
}

func end(mountpoint string) error {
	conn, err := Find(mountpoint)
	if err != nil {
		return err
	}
	return errors.Join(conn.Abort(), unix.Unmount(mountpoint, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW))
}
