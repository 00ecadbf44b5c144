package fs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"clipfs/fs/mountinfo"
)

// maxLinks is how many symbolic links a path may lead through (path_resolution(7)).
const maxLinks = 40

// Canonical is the path of a mountpoint as the kernel lists it: absolute and without symbolic links. It does not touch
// what is mounted there: that can fail or hang where its server is dead.
func Canonical(mountpoint string) (string, error) {
	path := mountpoint
	for range maxLinks {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		parent, err := filepath.EvalSymlinks(filepath.Dir(absolute))
		if err != nil {
			return "", err
		}
		path = filepath.Join(parent, filepath.Base(absolute))
		if _, err := mountinfo.Find(path); !errors.Is(err, mountinfo.ErrNotMounted) {
			return path, err
		}
		info, err := os.Lstat(path)
		if err != nil || info.Mode()&os.ModeSymlink == 0 {
			return path, err
		}
		target, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(parent, target)
		}
		path = target
	}
	return "", fmt.Errorf("%s: too many symbolic links", mountpoint)
}
