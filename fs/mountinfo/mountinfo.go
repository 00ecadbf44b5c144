// Package mountinfo tells what is mounted where, from /proc/self/mountinfo, without touching any mount: asking a FUSE
// mount that is dead or one's own with stat can hang.
package mountinfo

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrNotMounted says that nothing is mounted at the path.
var ErrNotMounted = errors.New("not mounted")

// path of this process's mounts (proc(5)).
const path = "/proc/self/mountinfo"

// Info is one mount.
type Info struct {
	// ID numbers the mount, Parent the one that it is on. Other than the device, they differ from one mount of a
	// filesystem to the next.
	ID, Parent int
	// Major and Minor number its device: st_dev of the files on it.
	Major, Minor uint32
	// Mountpoint is where it is, absolute and without symbolic links.
	Mountpoint string
	// FSType as the kernel calls it, "fuse.clipfs" for ours.
	FSType string
	// Source as given to mount(2).
	Source string
	// Options are those of the filesystem, for FUSE "user_id=1000" and the like.
	Options []string
	// Shared numbers the peer group that mounts on this one spread to, and from; Master the one that they come from. 0 is
	// none (mount_namespaces(7), "shared:" and "master:").
	Shared, Master int
}

// Device writes the device number as sysfs does, "0:52".
func (i Info) Device() string { return fmt.Sprintf("%d:%d", i.Major, i.Minor) }

// Find finds the mount at exactly that mountpoint, the topmost if there are several; ErrNotMounted if there is none.
// The path must be absolute and without symbolic links, as in the table.
func Find(mountpoint string) (Info, error) {
	all, err := List()
	if err != nil {
		return Info{}, err
	}
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Mountpoint == mountpoint {
			return all[i], nil
		}
	}
	return Info{}, fmt.Errorf("%s: %w", mountpoint, ErrNotMounted)
}

// Below finds the mount that a path lies on, which may be its mountpoint; ErrNotMounted if the list has none. The path must
// be absolute and without symbolic links.
func Below(all []Info, path string) (Info, error) {
	best := -1
	for i, info := range all {
		rel, err := filepath.Rel(info.Mountpoint, path)
		if err == nil && filepath.IsLocal(rel) && (best < 0 || len(info.Mountpoint) >= len(all[best].Mountpoint)) {
			best = i
		}
	}
	if best < 0 {
		return Info{}, fmt.Errorf("%s: %w", path, ErrNotMounted)
	}
	return all[best], nil
}

// List has all mounts that this process can see, in the order in which they cover one another.
func List() ([]Info, error) { return read(path) }

// ListOf has all mounts that another process can see.
func ListOf(pid int) ([]Info, error) { return read(fmt.Sprintf("/proc/%d/mountinfo", pid)) }

func read(path string) ([]Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Parse(f)
}

// Parse reads the format of /proc/PID/mountinfo (proc(5)).
func Parse(r io.Reader) ([]Info, error) {
	var all []Info
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20) // an overlay of many layers makes long lines
	for s.Scan() {
		info, err := parseLine(s.Text())
		if err != nil {
			return nil, err
		}
		all = append(all, info)
	}
	return all, s.Err()
}

// parseLine reads "36 35 98:0 /root /mountpoint options [optional fields...] - type source options".
func parseLine(line string) (Info, error) {
	left, right, ok := strings.Cut(line, " - ")
	before, after := strings.Fields(left), strings.Fields(right)
	if !ok || len(before) < 6 || len(after) < 1 {
		return Info{}, fmt.Errorf("mountinfo: line %q is not understood", line)
	}
	major, minor, ok := strings.Cut(before[2], ":")
	maj, err1 := strconv.ParseUint(major, 10, 32)
	mnr, err2 := strconv.ParseUint(minor, 10, 32)
	if !ok || err1 != nil || err2 != nil {
		return Info{}, fmt.Errorf("mountinfo: device %q is not understood", before[2])
	}
	id, err1 := strconv.Atoi(before[0])
	parent, err2 := strconv.Atoi(before[1])
	if err1 != nil || err2 != nil {
		return Info{}, fmt.Errorf("mountinfo: mount %q on %q is not understood", before[0], before[1])
	}
	info := Info{ID: id, Parent: parent, Major: uint32(maj), Minor: uint32(mnr), Mountpoint: unescape(before[4]), FSType: unescape(after[0])}
	for _, field := range before[6:] {
		if group, ok := strings.CutPrefix(field, "shared:"); ok {
			info.Shared, _ = strconv.Atoi(group)
		} else if group, ok := strings.CutPrefix(field, "master:"); ok {
			info.Master, _ = strconv.Atoi(group)
		}
	}
	if len(after) > 1 {
		info.Source = unescape(after[1])
	}
	if len(after) > 2 {
		info.Options = strings.Split(after[2], ",")
	}
	return info, nil
}

// unescape undoes the kernel's octal escapes of space, tab, newline and backslash ("\040").
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(v))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
