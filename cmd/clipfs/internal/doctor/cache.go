package doctor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"clipfs/cache"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/mount"
	"clipfs/fs"
	"clipfs/fs/mountinfo"

	"golang.org/x/sys/unix"
)

// leastRoom is how much the cache must be able to take: the most that one GetClip call brings.
const leastRoom = 100_000_000

// place is where the cache is: its directory, and the nearest directory to it that is there.
type place struct{ dir, existing string }

func (d *doctor) checkCache(ctx context.Context) {
	var found atomic.Pointer[place] // a check that hangs may still be at it
	d.check(ctx, "cache filesystem", func(context.Context) (string, error) {
		dir := d.cfg.CacheDir
		if dir == "" {
			var err error
			if dir, err = mount.DefaultCacheDir(); err != nil {
				return "", ailing(err, "set --cache-dir, or HOME")
			}
		}
		dir, err := mount.Resolve(dir)
		if err != nil {
			return "", ailing(fmt.Errorf("%s: %w", dir, err), "name another directory with --cache-dir")
		}
		at := place{dir, nearest(dir)}
		found.Store(&at)
		return filesystemOf(at.existing)
	})
	at := found.Load()
	if at == nil {
		d.skip("cache filesystem", "cache directory", "cache space", "cache lock")
		return
	}
	dir, existing := at.dir, at.existing
	d.check(ctx, "cache directory", func(context.Context) (string, error) { return d.cacheDirectory(dir, existing) })
	d.check(ctx, "cache space", func(context.Context) (string, error) { return d.cacheSpace(dir, existing) })
	d.check(ctx, "cache lock", func(context.Context) (string, error) {
		pid, held, err := cache.Holder(dir)
		switch {
		case err != nil:
			return "", ailing(err, "let the user that mounts read it")
		case held:
			return fmt.Sprintf("in use by process %d: a second mount needs a --cache-dir of its own", pid), nil
		}
		return "free", nil
	})
}

func nearest(dir string) string {
	for {
		_, err := os.Lstat(dir)
		if parent := filepath.Dir(dir); errors.Is(err, os.ErrNotExist) && parent != dir {
			dir = parent
			continue
		}
		return dir
	}
}

func filesystemOf(dir string) (string, error) {
	mounts, err := mountinfo.List()
	if err != nil {
		return "", err
	}
	on, err := mountinfo.Below(mounts, dir)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("%s on %s", on.FSType, on.Mountpoint)
	elsewhere := []string{"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "afs", "glusterfs"}
	switch {
	case on.FSType == fs.FSType:
		return "", ailing(fmt.Errorf("%s, a clipfs mount", text), "set --cache-dir to a directory outside of every mount of clipfs")
	case strings.HasPrefix(on.FSType, "fuse") || slices.Contains(elsewhere, on.FSType):
		return "", ailing(fmt.Errorf("%s, which is no local disk: locks and speed cannot be relied on", text), "set --cache-dir to a directory on a local disk")
	case on.FSType == "tmpfs" || on.FSType == "ramfs":
		return text + ": in memory, and gone after a restart", nil
	case on.FSType == "overlay":
		return text + ": gone with the container; a volume would stay", nil
	}
	return text, nil
}

func (d *doctor) cacheDirectory(dir, existing string) (string, error) {
	if existing != dir {
		if err := unix.Access(existing, unix.W_OK|unix.X_OK); err != nil {
			return "", ailing(fmt.Errorf("%s cannot be made in %s: %w", dir, existing, err), "make it for the user that mounts, mode 0700, or set --cache-dir")
		}
		return dir + " will be made", nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", ailing(err, "set --cache-dir to a directory of the user that mounts")
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() {
		return "", ailing(fmt.Errorf("%s is no directory", dir), "set --cache-dir to a directory")
	}
	mode := info.Mode().Perm()
	if int(st.Uid) != d.UID {
		return "", ailing(fmt.Errorf("%s belongs to uid %d, not to %d, who asks", dir, st.Uid, d.UID),
			fmt.Sprintf("ask as the user that mounts; or chown -R %d %s, or set --cache-dir", d.UID, dir))
	}
	if mode&0o022 != 0 {
		return "", ailing(fmt.Errorf("%s has mode %#o: others could put files in it", dir, mode), "chmod 700 "+dir)
	}
	probe, err := os.CreateTemp(dir, ".doctor-")
	if err == nil {
		_, err = probe.WriteString("clipfs doctor\n")
		err = errors.Join(err, probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		return "", ailing(fmt.Errorf("cannot be written to: %w", err), writeAdvice(err))
	}
	return fmt.Sprintf("%s, mode %#o, owner %d", dir, mode, st.Uid), nil
}

func writeAdvice(err error) string {
	switch {
	case errors.Is(err, unix.EROFS):
		return "mount its filesystem for writing (a container: a volume), or set --cache-dir"
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return "make space on its disk, or set --cache-dir"
	}
	return "let the user that mounts write to it, or set --cache-dir"
}

// cacheSpace tells whether the cache can keep anything: what is free and what it has, less what is to be left free.
func (d *doctor) cacheSpace(dir, existing string) (string, error) {
	var st unix.Statfs_t
	for {
		if err := unix.Statfs(existing, &st); err == nil {
			break
		} else if !errors.Is(err, unix.EINTR) {
			return "", ailing(err, "set --cache-dir to a directory of the user that mounts")
		}
	}
	free, total := int64(st.Bavail)*st.Frsize, int64(st.Blocks)*st.Frsize
	used := int64(0)
	for _, part := range []string{dir, filepath.Join(dir, mount.HeadsDir)} {
		infos, err := cache.Inspect(part)
		if err != nil {
			return "", ailing(err, "let the user that mounts read it")
		}
		for _, i := range infos {
			used += i.DiskBytes
		}
	}
	keep := max(d.cfg.MinFree.Bytes, int64(math.Ceil(d.cfg.MinFree.Percent/100*float64(total))))
	room := free + used - keep
	text := fmt.Sprintf("%s free of %s, the cache has %s of at most %s", config.Bytes(free), config.Bytes(total), config.Bytes(used), config.FormatSize(d.cfg.CacheSize))
	switch {
	case room < leastRoom:
		return "", ailing(fmt.Errorf("%s; to leave %s free (--cache-min-free) there is no room for a clip", text, config.Bytes(keep)),
			"make space on that disk, or set --cache-dir to another; until then footage is kept in memory and fetched again and again")
	case room < d.cfg.CacheSize:
		return fmt.Sprintf("%s; there is room for %s (--cache-min-free)", text, config.Bytes(room)), nil
	}
	return text, nil
}
