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

// Listed reports whether the mount is in the tree of mounts, if only below another that covers it. It does not touch
// it, and says yes where that cannot be told.
func (s *Server) Listed() bool {
	all, err := mountinfo.List()
	return err != nil || slices.ContainsFunc(all, func(info mountinfo.Info) bool { return info.Mountpoint == s.mountpoint && info.Device() == s.device })
}

// Detach takes the mount out of the tree of mounts, also if it is in use. It does nothing where that was done already,
// and fails where something else is mounted over it. What is open goes on working as long as this process does.
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

// Detach takes whatever is mounted at a path out of the tree, also if it is in use or stale, its server dead. The path
// is as Canonical gives it. Detach does not touch the mount.
func Detach(mountpoint string) error {
	err := unix.Unmount(mountpoint, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	if err != nil && os.Geteuid() != 0 {
		err = runHelper("-u", "-z", "--", mountpoint)
	}
	return wrapUnmount(mountpoint, err)
}

// Unmount unmounts whatever is mounted at a path, which is as Canonical gives it; ErrBusy if it is in use.
func Unmount(mountpoint string) error {
	err := unix.Unmount(mountpoint, unix.UMOUNT_NOFOLLOW)
	if errors.Is(err, unix.EPERM) && os.Geteuid() != 0 {
		if err = runHelper("-u", "--", mountpoint); err != nil {
			// The helper's exit status does not tell why it failed. A mount of this user that is still there is in use.
			info, lost := mountinfo.Find(mountpoint)
			if lost == nil && slices.Contains(info.Options, fmt.Sprintf("user_id=%d", os.Getuid())) {
				err = fmt.Errorf("%w: %w", ErrBusy, err)
			}
		}
	}
	if errors.Is(err, unix.EBUSY) {
		err = ErrBusy
	}
	return wrapUnmount(mountpoint, err)
}

func wrapUnmount(mountpoint string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("unmount %s: %w", mountpoint, err)
}

// helperTimeout bounds a run of fusermount3. It only makes system calls.
const helperTimeout = 10 * time.Second

// runHelper runs the helper that unmounts for ordinary users and gives what it said as an error. It begins in the root
// directory, so that it holds no directory of ours.
func runHelper(args ...string) error {
	helper, err := exec.LookPath("fusermount3")
	if err != nil {
		helper, err = exec.LookPath("fusermount")
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), helperTimeout)
	defer cancel()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, helper, args...)
	cmd.Dir, cmd.Stderr = "/", &said
	err = cmd.Run()
	if err == nil || !errors.As(err, new(*exec.ExitError)) {
		return err
	}
	return fmt.Errorf("%s (%w)", strings.TrimSpace(said.String()), err)
}
