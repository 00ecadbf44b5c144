package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"clipfs/cmd/clipfs/internal/mount"

	"golang.org/x/sys/unix"
)

func (d *doctor) checkFUSE(ctx context.Context) bool {
	device := d.check(ctx, "fuse device", func(context.Context) (string, error) { return d.fuseDevice() })
	helper := d.check(ctx, "fusermount3", func(context.Context) (string, error) { return d.fusermount() })
	d.check(ctx, "user_allow_other", func(context.Context) (string, error) {
		err := d.letsOthersIn()
		switch {
		case err == nil && d.UID == 0:
			return "not needed: root may let others in (--allow-other)", nil
		case err == nil:
			return "set in " + d.fuseConf(), nil
		case d.cfg.AllowOther:
			return "", ailing(err, fmt.Sprintf("echo user_allow_other >> %s, as root; or take --allow-other away", d.fuseConf()))
		}
		return fmt.Sprintf("not set in %s; only --allow-other would need it", d.fuseConf()), nil
	})
	return device && helper
}

// fuseDevice looks at the device without opening it, which would make a connection.
func (h Host) fuseDevice() (string, error) {
	device := cmp.Or(h.Device, mount.FUSEDevice)
	info, err := os.Stat(device)
	if errors.Is(err, os.ErrNotExist) {
		return "", ailing(fmt.Errorf("no %s", device),
			"load the module (modprobe fuse), or start the container with --device "+device+" --cap-add SYS_ADMIN")
	}
	if err != nil {
		return "", ailing(err, "allow whoever mounts to see it")
	}
	if info.Mode()&os.ModeCharDevice == 0 {
		return "", ailing(fmt.Errorf("%s is no device", device), fmt.Sprintf("remove it and make the device: mknod %s c 10 229", device))
	}
	if h.UID == 0 {
		return device, nil
	}
	// The helper opens it as the user that calls it.
	if err := unix.Access(device, unix.R_OK|unix.W_OK); err != nil {
		return "", ailing(fmt.Errorf("%s: %w", device, err), fmt.Sprintf("chmod 666 %s, as root, or a udev rule; or mount as root", device))
	}
	return device + ", for reading and writing", nil
}

// fusermount looks for the helper that mounts for ordinary users.
func (h Host) fusermount() (string, error) {
	helpers := []string{"fusermount3", "fusermount"}
	if h.Helper != "" {
		helpers = []string{h.Helper}
	}
	for _, name := range helpers {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return "", ailing(err, "install the package fuse3 anew")
		}
		if h.UID != 0 && info.Mode()&os.ModeSetuid == 0 {
			return "", ailing(fmt.Errorf("%s is not setuid root, so it can mount for root only", path),
				fmt.Sprintf("chmod u+s %s, as root, or install the package fuse3 anew", path))
		}
		return path, nil
	}
	if h.UID == 0 {
		return "not there, and not needed: root mounts without it", nil
	}
	return "", ailing(errors.New("not there, and only root can mount without it"), "install the package fuse3")
}

// kernel gives the version of the kernel as it stands, and read; known is false where it cannot be.
func (h Host) kernel() (release string, v kernelVersion, known bool, err error) {
	release = h.Release
	if release == "" {
		var u unix.Utsname
		if err := unix.Uname(&u); err != nil {
			return "", v, false, err
		}
		release = unix.ByteSliceToString(u.Release[:])
	}
	n, _ := fmt.Sscanf(release, "%d.%d", &v.major, &v.minor)
	return release, v, n == 2, nil
}

// version is that of a kernel.
type kernelVersion struct{ major, minor int }

func (v kernelVersion) before(o kernelVersion) bool {
	return v.major < o.major || v.major == o.major && v.minor < o.minor
}

func (d *doctor) checkKernel(ctx context.Context) {
	// Reads of more than 128 KiB, FUSE_MAX_PAGES, came with 4.20, FUSE_EXPLICIT_INVAL_DATA with 5.2; without them the page
	// cache does not hold. FUSE_DIRECT_IO_ALLOW_MMAP came with 6.6 (include/uapi/linux/fuse.h).
	oldest, mapped := kernelVersion{5, 2}, kernelVersion{6, 6}
	d.check(ctx, "kernel", func(context.Context) (string, error) {
		release, v, known, err := d.kernel()
		switch {
		case err != nil:
			return "", err
		case !known:
			return release + ", which tells no version; clipfs wants 5.2 or later", nil
		case v.before(oldest):
			return "", ailing(fmt.Errorf("%s is older than 5.2, the oldest that keeps what was read in its page cache", release), "install a newer kernel")
		case v.before(mapped):
			return release + "; programs that map files (MAP_SHARED) want 6.6 while a clip still arrives", nil
		}
		return release, nil
	})
}

// checkPassthrough tells whether a mount here would have the kernel read cached clips by itself, and why not. Nothing is wrong
// where it would not: clips are read through FUSE then.
func (d *doctor) checkPassthrough(ctx context.Context) {
	d.check(ctx, "passthrough", func(context.Context) (string, error) {
		first := kernelVersion{6, 9}         // FUSE_PASSTHROUGH (include/uapi/linux/fuse.h)
		release, v, known, err := d.kernel() // one that cannot be read is taken for an old one
		switch {
		case err != nil:
			return "", err
		case !d.cfg.Passthrough:
			return "off (--passthrough)", nil
		case d.UID != 0:
			return "no: the kernel wants CAP_SYS_ADMIN of the mount; cached clips are read through FUSE", nil
		case !known || v.before(first):
			return fmt.Sprintf("no: it came with Linux 6.9, and this is %s; cached clips are read through FUSE", release), nil
		}
		return "yes: the kernel reads cached clips of one part by itself, unless the cache is on a stacked filesystem (overlay)", nil
	})
}
