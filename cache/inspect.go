package cache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// Info is what a file in the directory of a cache says of its entry.
type Info struct {
	Key Key
	// Size is how many bytes the entry has, so far if it is growing; DiskBytes what its file takes of the disk.
	Size, DiskBytes int64
	// Created is when its fill began, Used when it was last used.
	Created, Used time.Time
	// Expires is when it will be removed; the zero time is never.
	Expires time.Time
	About   About
	// Growing is whether it is being filled, or was when its process ended.
	Growing bool
	// Err is what is wrong with the file, as far as was checked; nil if nothing is.
	Err error

	path string
}

// Remove removes the file of an entry, if it is still there. It needs no lock: see Clear.
func (i Info) Remove() error {
	err := os.Remove(i.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Inspect lists what is in the directory of a cache, least recently used first. It needs no lock: a cache that is in use
// may have other entries by the time it returns. A missing directory is empty.
func Inspect(dir string) ([]Info, error) {
	data := filepath.Join(dir, dataDir)
	names, err := namesIn(data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	infos := make([]Info, 0, len(names))
	for _, text := range names {
		name, ok := parseFileName(text)
		if !ok {
			continue
		}
		if info, ok := inspect(filepath.Join(data, text), name); ok {
			infos = append(infos, info)
		}
	}
	slices.SortFunc(infos, func(a, b Info) int {
		return cmp.Or(a.Used.Compare(b.Used), a.Created.Compare(b.Created), cmp.Compare(a.Key, b.Key))
	})
	return infos, nil
}

// inspect reads what one file says; false if it is gone.
func inspect(path string, name fileName) (Info, bool) {
	info := Info{Key: name.key, Size: name.size, Created: time.Unix(0, name.created).UTC(), Growing: name.size < 0, path: path}
	st, err := os.Lstat(path)
	if err != nil {
		info.Err = err
		return info, !errors.Is(err, fs.ErrNotExist)
	}
	info.Used = st.ModTime().UTC()
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		info.DiskBytes = sys.Blocks * 512 // stat(2): in units of 512 bytes
	}
	switch {
	case info.Growing:
		info.Size = st.Size()
	case !st.Mode().IsRegular() || name.size > maxEntry || st.Size() != fileSize(name.size):
		info.Err = fmt.Errorf("file of %d bytes: %w", st.Size(), ErrDamaged)
	default:
		t, err := footerOf(path, name.size)
		if errors.Is(err, fs.ErrNotExist) {
			return info, false
		}
		if err != nil {
			info.Err = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		info.About, info.Expires = t.about, t.expires
	}
	return info, true
}

// Verify reads every whole entry in the directory of a cache and yields each with what is wrong with it in Err. It needs
// no lock. Entries that go meanwhile are left out. Between entries it ends early
// with the cause of ctx.
func Verify(ctx context.Context, dir string, yield func(Info)) error {
	infos, err := Inspect(dir)
	if err != nil {
		return err
	}
	for _, info := range infos {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if info.Growing {
			continue
		}
		if info.Err == nil {
			if err := verify(info); errors.Is(err, fs.ErrNotExist) {
				continue
			} else if err != nil {
				info.Err = fmt.Errorf("%w: %w", ErrDamaged, err)
			}
		}
		yield(info)
	}
	return nil
}

func verify(info Info) error {
	f, err := openFile(info.path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read from
	t, err := readFooter(f, info.Size, true)
	if err != nil {
		return err
	}
	buffer := make([]byte, sumBlock)
	for i, want := range t.sums {
		at := int64(i) * sumBlock
		p := buffer[:min(sumBlock, info.Size-at)]
		if _, err := f.ReadAt(p, at); err != nil {
			return err
		}
		if castagnoli(0, p) != want {
			return fmt.Errorf("bytes from %d to %d: %w", at, at+int64(len(p)), errSum)
		}
	}
	return nil
}

// Clear removes the entries in the directory of a cache that match, and returns what they were. It needs no lock: a cache
// that is in use takes a removed entry for a miss, and its holders can read it to its end. Growing entries are left to the
// process that fills them; those that such a process left when it ended are removed too.
func Clear(dir string, match func(Info) bool) ([]Info, error) {
	infos, err := Inspect(dir)
	mayGrow := func(i Info) bool { return i.Growing }
	if slices.ContainsFunc(infos, mayGrow) {
		if lock, err := lockDir(dir); err == nil {
			defer func() { _ = lock.Close() }() // nothing was written that matters
			mayGrow = func(Info) bool { return false }
		}
	}
	var removed []Info
	for _, info := range infos {
		if mayGrow(info) || !match(info) {
			continue
		}
		if failed := info.Remove(); failed != nil {
			err = errors.Join(err, failed)
		} else {
			removed = append(removed, info)
		}
	}
	return removed, err
}
