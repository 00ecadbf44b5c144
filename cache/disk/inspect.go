package disk

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
	form Form
	name Name
}

// Remove removes the files of an entry that are still there. It needs no lock: see Clear.
func (i Info) Remove() error {
	if err := removeAll(i.path); err != nil || i.name.Role != Data {
		return err
	}
	return removeAll(i.checks())
}

// checks is the path of the checksums of a pair.
func (i Info) checks() string { return filepath.Join(filepath.Dir(i.path), i.name.as(Checks).String()) }

// Inspect lists what is in the directory of a cache, least recently used first. It needs no lock: a cache that is in use
// may have other entries by the time it returns. A missing directory is empty.
func Inspect(dir string) ([]Info, error) {
	in := filepath.Join(dir, DataDir)
	names, err := namesIn(in)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	infos := make([]Info, 0, len(names))
	data := make(map[Name]bool, len(names))
	for _, text := range names {
		if name, ok := ParseName(text); ok && name.Role == Data {
			data[name] = true
		}
	}
	for _, text := range names {
		name, ok := ParseName(text)
		if !ok || name.Role == Checks && data[name.as(Data)] {
			continue
		}
		if info, ok := inspect(filepath.Join(in, text), name); ok {
			infos = append(infos, info)
		}
	}
	slices.SortFunc(infos, func(a, b Info) int {
		return cmp.Or(a.Used.Compare(b.Used), a.Created.Compare(b.Created), cmp.Compare(a.Key, b.Key))
	})
	return infos, nil
}

// inspect reads what one entry says; false if it is gone. Checksums without data are what a process left when it ended, or
// has not given the data its name yet: they count as growing.
func inspect(path string, name Name) (Info, bool) {
	info := Info{Key: name.Key, Size: name.Size, Created: time.Unix(0, name.Created).UTC(), path: path, form: name.Form(), name: name}
	info.Growing = name.Role == Growing || name.Role == Checks
	st, err := os.Lstat(path)
	if err != nil {
		info.Err = err
		return info, !errors.Is(err, fs.ErrNotExist)
	}
	info.Used, info.DiskBytes = st.ModTime().UTC(), onDisk(st)
	footer := path
	switch name.Role {
	case Checks:
		info.Size = 0
		return info, true
	case Growing:
		info.Size = st.Size()
		return info, true
	case Data:
		footer = info.checks()
		if beside, err := os.Lstat(footer); err == nil {
			info.Used, info.DiskBytes = beside.ModTime().UTC(), info.DiskBytes+onDisk(beside)
		}
	case Whole:
	}
	if !st.Mode().IsRegular() || name.Size > MaxEntry || st.Size() != info.form.fileSize(name.Size) {
		info.Err = fmt.Errorf("file of %d bytes: %w", st.Size(), ErrDamaged)
		return info, true
	}
	t, err := footerOf(footer, info.form, name.Size)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return info, false
		}
	}
	if err != nil {
		info.Err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	info.About, info.Expires = t.About, t.Expires
	return info, true
}

// onDisk is what a file takes of the disk (stat(2): in units of 512 bytes).
func onDisk(info fs.FileInfo) int64 {
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		return sys.Blocks * 512
	}
	return 0
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
	footer := f
	if info.form == Pair {
		if footer, err = openFile(info.checks()); err != nil {
			return err
		}
		defer func() { _ = footer.Close() }() // the same
	}
	t, err := ReadFooter(footer, info.form.footerAt(info.Size), info.Size, true)
	if err != nil {
		return err
	}
	buffer := make([]byte, SumBlock)
	for i, want := range t.Sums {
		at := int64(i) * SumBlock
		p := buffer[:min(SumBlock, info.Size-at)]
		if _, err := f.ReadAt(p, at); err != nil {
			return err
		}
		if Castagnoli(0, p) != want {
			return fmt.Errorf("bytes from %d to %d: %w", at, at+int64(len(p)), ErrSum)
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
