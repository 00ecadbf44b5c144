package warm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"clipfs/clip/archive"
	"clipfs/clip/names"
	"clipfs/fs"
	"clipfs/fs/mountinfo"
)

const (
	// lastName is the directory of a stream whose clips its days have too.
	lastName = "last"
	// runsName is the directory of a day that has a clip for each run.
	runsName = "runs"
)

// Clip is a clip to have in the cache.
type Clip struct {
	Path string
	// Size is what the file takes, about; Missing is how much of that is not in the cache. In bytes.
	Size, Missing int64
}

// Failure is what could not be done with a path.
type Failure struct {
	Path string
	Err  error
}

// ErrNotMount says that a path is not on a mount of ours.
var ErrNotMount = errors.New("not on a clipfs mount: name files or directories below a mountpoint")

type finder struct {
	mounts []mountinfo.Info
	seen   map[string]bool
	clips  []Clip
	failed []Failure
}

// Find gives the clips that paths stand for, each once, and which paths could not be looked at. A path that is not on a
// mount of ours is an error.
//
// A file is a clip, or the text beside one, for which nothing has to be fetched. A directory that lists clips is the
// longest of them, which has the footage of the others; that of a day's runs is all of them. Any other is what is below
// it, but for what leads to the newest footage, which is in the days too, and for runs beside hours.
func Find(ctx context.Context, paths []string) ([]Clip, []Failure, error) {
	mounts, err := mountinfo.List()
	if err != nil {
		return nil, nil, err
	}
	f := &finder{mounts: mounts, seen: make(map[string]bool)}
	for _, path := range paths {
		real, err := f.resolve(path)
		if errors.Is(err, ErrNotMount) {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		if err != nil {
			f.fail(path, err)
			continue
		}
		f.walk(ctx, real)
	}
	return f.clips, f.failed, ctx.Err()
}

// resolve gives the path without symbolic links of something on a mount of ours.
func (f *finder) resolve(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(absolute)
	if err != nil {
		if !f.below(absolute) {
			return "", fmt.Errorf("%w (%w)", ErrNotMount, plain(err))
		}
		return "", err
	}
	var stat unix.Stat_t
	if err := unix.Lstat(real, &stat); err != nil {
		return "", err
	}
	major, minor := unix.Major(stat.Dev), unix.Minor(stat.Dev)
	for _, m := range f.mounts {
		if m.FSType == fs.FSType && m.Major == major && m.Minor == minor {
			return real, nil
		}
	}
	return "", ErrNotMount
}

// below reports whether a path that cannot be resolved is below a mountpoint of ours.
func (f *finder) below(path string) bool {
	for _, m := range f.mounts {
		if m.FSType == fs.FSType && strings.HasPrefix(path+"/", strings.TrimSuffix(m.Mountpoint, "/")+"/") {
			return true
		}
	}
	return false
}

func (f *finder) fail(path string, err error) {
	f.failed = append(f.failed, Failure{Path: path, Err: plain(err)})
}

func (f *finder) walk(ctx context.Context, path string) {
	if ctx.Err() != nil || f.seen[path] {
		return
	}
	f.seen[path] = true
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		f.fail(path, err)
	case info.IsDir():
		f.walkDir(ctx, path)
	case isClip(path):
		f.add(path, info)
	}
}

func (f *finder) walkDir(ctx context.Context, dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		f.fail(dir, err)
		return
	}
	if filepath.Base(dir) == runsName { // no two of which have the same footage
		for _, e := range entries {
			f.walk(ctx, filepath.Join(dir, e.Name()))
		}
		return
	}
	longest, length := "", time.Duration(0)
	others := false // directories that have the footage of the runs
	for _, e := range entries {
		if l := lengthOf(e.Name()); l > length {
			longest, length = e.Name(), l
		}
		others = others || e.IsDir() && e.Name() != runsName
	}
	if longest != "" {
		f.walk(ctx, filepath.Join(dir, longest))
		return
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() != lastName && (e.Name() != runsName || !others) {
			f.walk(ctx, filepath.Join(dir, e.Name()))
		}
	}
}

func (f *finder) add(path string, info os.FileInfo) {
	missing, err := missingOf(path)
	if err != nil {
		f.fail(path, err)
		return
	}
	c := Clip{Path: path, Size: info.Size(), Missing: missing}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Blocks > 0 {
		c.Size = min(c.Size, stat.Blocks*sectorSize) // the size is on the high side until it is known
	}
	f.clips = append(f.clips, c)
}

// sectorSize is the unit of st_blocks (stat(2)).
const sectorSize = 512

// isClip reports whether a name is that of a clip, not of the text beside one.
func isClip(path string) bool { return filepath.Ext(path) == ".mp4" }

// lengthOf gives the length in the name of a clip; 0 where it is none, or has none.
func lengthOf(name string) time.Duration {
	file, err := names.Grammar{}.ParseLast(name)
	if err != nil || file.Form != names.Movie {
		return 0
	}
	return file.Length
}

// SpanOf tells what the clip at a path is of, and whether it is a cover clip.
func SpanOf(path string) (stream archive.StreamName, span archive.Span, cover bool, err error) {
	var told [3]string
	for i, name := range []string{"stream", "start", "end"} {
		if told[i], err = attribute(path, name); err != nil {
			return "", span, false, err
		}
	}
	start, err := time.Parse(time.RFC3339, told[1])
	if err == nil {
		span.Start = start
		span.End, err = time.Parse(time.RFC3339, told[2])
	}
	return archive.StreamName(told[0]), span, names.Grammar{}.IsCover(filepath.Base(path)), err
}

// missingOf asks how much of the clip at a path is not in the cache.
func missingOf(path string) (int64, error) { return parseMissing(attribute(path, "missing")) }

func parseMissing(value string, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	var n int64
	if _, err := fmt.Sscan(value, &n); err != nil {
		return 0, fmt.Errorf("%q is no number of bytes: %w", value, err)
	}
	return n, nil
}

// attribute reads one of the extended attributes that clipfs gives of what is at a path.
func attribute(path, name string) (string, error) {
	return readAttribute(func(value []byte) (int, error) { return unix.Getxattr(path, attributePrefix+name, value) })
}

// attributeOf reads one of an open file, whatever has come to its path since.
func attributeOf(f *os.File, name string) (string, error) {
	return readAttribute(func(value []byte) (int, error) { return unix.Fgetxattr(int(f.Fd()), attributePrefix+name, value) })
}

const attributePrefix = "user.clipfs."

// readAttribute reads one with a system call.
func readAttribute(get func(value []byte) (int, error)) (string, error) {
	const most = 4096
	value := make([]byte, most)
	for {
		n, err := get(value)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return "", err
		}
		return string(value[:n]), nil
	}
}

// plain gives an error without the path that os put into it: it stands before it anyway.
func plain(err error) error {
	if of, ok := errors.AsType[*os.PathError](err); ok {
		return of.Err
	}
	return err
}
