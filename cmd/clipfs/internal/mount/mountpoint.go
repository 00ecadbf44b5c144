package mount

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"clipfs/fs"
	"clipfs/fs/mountinfo"

	"golang.org/x/sys/unix"
)

// FUSEDevice is how a process talks FUSE with the kernel. It is never opened just to see whether it is there: that
// makes a connection.
const FUSEDevice = "/dev/fuse"

// CheckPrerequisites says what is missing on this machine for mounting.
func CheckPrerequisites() error {
	if _, err := os.Stat(FUSEDevice); err != nil {
		return fmt.Errorf("no FUSE device %s: load the module (modprobe fuse), or start the container with "+
			"--device %s --cap-add SYS_ADMIN", FUSEDevice, FUSEDevice)
	}
	if os.Geteuid() == 0 {
		if !mayMount() {
			return errNoCapability
		}
		return nil
	}
	// The helper opens the device as the user that calls it.
	if err := unix.Access(FUSEDevice, unix.R_OK|unix.W_OK); err != nil {
		return fmt.Errorf("%s: %w: allow it (as root, chmod 666 %s, or a udev rule), or mount as root", FUSEDevice, err, FUSEDevice)
	}
	if _, err := exec.LookPath("fusermount3"); err == nil {
		return nil
	}
	if _, err := exec.LookPath("fusermount"); err == nil {
		return nil
	}
	return errors.New("fusermount3 is not there, and only root can mount without it: install the package fuse3")
}

// CheckMountpoint gives the canonical path of a directory that can be mounted on: there, empty, and apart from the
// cache directory. A stale mount of ours on it is taken away first.
func CheckMountpoint(path, cacheDir string, logger *slog.Logger) (string, error) {
	mountpoint, err := fs.Canonical(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("mountpoint %s does not exist: make the directory first", path)
	}
	if err != nil {
		return "", fmt.Errorf("mountpoint %s: %w", path, err)
	}
	if err := clearStale(mountpoint, logger); err != nil {
		return "", err
	}
	info, err := os.Stat(mountpoint)
	if err != nil {
		return "", fmt.Errorf("mountpoint %s: %w", mountpoint, err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("mountpoint %s is not a directory: name an empty directory", mountpoint)
	}
	// Before emptiness: it explains better why the directory is not empty.
	if err := checkApart(mountpoint, cacheDir); err != nil {
		return "", err
	}
	empty, err := isEmpty(mountpoint)
	if err != nil {
		return "", fmt.Errorf("mountpoint %s: %w", mountpoint, err)
	}
	if !empty {
		return "", fmt.Errorf("mountpoint %s is not empty: what is in it would be hidden, name an empty directory", mountpoint)
	}
	return mountpoint, nil
}

// clearStale takes away what a clipfs that has died left mounted. A mount that lives, or is another program's, is
// refused.
func clearStale(mountpoint string, logger *slog.Logger) error {
	for {
		info, err := mountinfo.Find(mountpoint)
		if errors.Is(err, mountinfo.ErrNotMounted) {
			return nil
		}
		if err != nil {
			return err
		}
		ours := info.FSType == fs.FSType
		stale := strings.HasPrefix(info.FSType, "fuse") && IsStale(mountpoint)
		switch {
		case ours && stale:
			logger.Warn("stale mount taken away: its clipfs has died", "mountpoint", mountpoint)
			if err := fs.Detach(mountpoint); err != nil {
				return err
			}
		case ours:
			return fmt.Errorf("%s is a clipfs mount already: clipfs umount %s", mountpoint, mountpoint)
		case stale:
			return fmt.Errorf("%s has a dead mount of type %s: umount -l %s", mountpoint, info.FSType, mountpoint)
		default:
			return nil // any other filesystem can be mounted on
		}
	}
}

// IsStale reports whether the server of a FUSE mount is gone. It asks for statfs, which the kernel always passes on,
// while it may answer a stat from what it remembers.
func IsStale(mountpoint string) bool {
	var s unix.Statfs_t
	err := unix.Statfs(mountpoint, &s)
	return errors.Is(err, unix.ENOTCONN) || errors.Is(err, unix.ECONNABORTED)
}

func isEmpty(dir string) (bool, error) {
	d, err := os.Open(dir)
	if err != nil {
		return false, err
	}
	defer d.Close()
	_, err = d.Readdirnames(1)
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	return false, err
}

// checkApart makes sure that neither of mountpoint and cache directory holds the other: the process that serves a mount
// must not touch it.
func checkApart(mountpoint, cacheDir string) error {
	cacheDir, err := Resolve(cacheDir)
	if err != nil {
		return fmt.Errorf("cache directory %s: %w", cacheDir, err)
	}
	if within(mountpoint, cacheDir) {
		return fmt.Errorf("cache directory %s would be on the mount: set --cache-dir to one outside of %s", cacheDir, mountpoint)
	}
	if within(cacheDir, mountpoint) {
		return fmt.Errorf("mountpoint %s is in the cache directory %s: name one outside of it", mountpoint, cacheDir)
	}
	return nil
}

// within reports whether path is dir or below it. Both are canonical.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// Resolve gives the canonical path of something whose last elements may not be there yet.
func Resolve(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return path, err
	}
	missing := ""
	for {
		real, err := filepath.EvalSymlinks(absolute)
		if err == nil {
			return filepath.Join(real, missing), nil
		}
		parent := filepath.Dir(absolute)
		if !errors.Is(err, os.ErrNotExist) || parent == absolute {
			return path, err
		}
		absolute, missing = parent, filepath.Join(filepath.Base(absolute), missing)
	}
}
