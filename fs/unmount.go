package fs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"clipfs/fs/mountinfo"
)

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

// helperTimeout bounds a run of fusermount3. It only makes system calls.
const helperTimeout = 10 * time.Second

// runHelper runs fusermount3 and gives what it said as an error. It begins in the root directory, so that it holds no
// directory of ours.
func runHelper(path string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), helperTimeout)
	defer cancel()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Stderr = "/", &said
	err := cmd.Run()
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) {
		return err
	}
	return fmt.Errorf("%s (%w)", strings.TrimSpace(said.String()), err)
}
