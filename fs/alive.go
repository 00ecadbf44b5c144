package fs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"clipfs/fs/mountinfo"

	"golang.org/x/sys/unix"
)

// ErrDead is the error of a mount that no longer answers.
var ErrDead = errors.New("mount is dead")

// Alive is nil while the mount answers, else an ErrDead that says why. It does not touch the mount: it asks the table
// of mounts and the connection's own end.
func (s *Server) Alive() error {
	select {
	case <-s.gone:
		return fmt.Errorf("%w: nothing serves %s any more", ErrDead, s.mountpoint)
	default:
	}
	info, err := mountinfo.Find(s.mountpoint)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDead, err)
	}
	if info.FSType != FSType || s.device != "" && info.Device() != s.device {
		return fmt.Errorf("%w: something else (%s) is mounted over %s", ErrDead, info.FSType, s.mountpoint)
	}
	if aborted() {
		return fmt.Errorf("%w: the connection of %s was aborted", ErrDead, s.mountpoint)
	}
	return nil
}

// aborted reports whether the kernel has ended every FUSE connection that this process serves, by a poll of their
// descriptors (fs/fuse/dev.c, fuse_dev_poll: EPOLLERR once it is not connected). Requests that were under way can keep
// the server from noticing for a while. go-fuse does not give the descriptor, so it is looked for by name; the links
// below /proc/self/fd are read, not followed.
func aborted() bool {
	const own = "/proc/self/fd"
	entries, err := os.ReadDir(own)
	if err != nil {
		return false
	}
	var all []unix.PollFd
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if target, err := os.Readlink(filepath.Join(own, e.Name())); err == nil && target == "/dev/fuse" {
			all = append(all, unix.PollFd{Fd: int32(fd)})
		}
	}
	if n, err := unix.Poll(all, 0); err != nil || n == 0 || n < len(all) {
		return false
	}
	for _, p := range all {
		if p.Revents&unix.POLLERR == 0 {
			return false
		}
	}
	return true
}
