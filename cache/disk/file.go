package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// File is what is known of the file, or of the two files, of one entry.
type File struct {
	// path is that of the bytes. It and form are set by the entry's fill, before the entry is whole. No other goroutine
	// uses them earlier.
	path string
	form Form

	// mu guards the rest.
	mu sync.Mutex
	// checked is what was checked of a file that was there at the start, or that another program has changed since. Nil
	// otherwise: the bytes are trusted.
	checked *checked
	// changed is when the inode of the bytes was last changed, in nanoseconds since 1970, as of our own last change; zero where
	// that is not known. Writing to the file, renaming it and setting its times change it.
	changed int64
}

// State is what a File knows beside its name.
type State struct {
	// Changed is when the inode of the bytes was last changed, in nanoseconds since 1970; 0 where that is not known.
	Changed int64
	// Unchecked says that the bytes are not trusted, and none of them was checked.
	Unchecked bool
	// some is what was checked where that is neither nothing nor enough.
	some *checked
}

// Partly reports whether some of the bytes were checked, and not all: the other fields do not say it all.
func (s State) Partly() bool { return s.some != nil }

// Grow makes the file of a new entry that is to have a form.
func (f *File) Grow(d *Directory, key Key, created int64, form Form) (*os.File, error) {
	f.form = form
	f.path = d.pathOf(Name{Key: key, Size: -1, Created: created, Role: Growing})
	return d.create(f.path)
}

// Find has the file be one that was found in a directory.
func (f *File) Find(d *Directory, name Name) { f.Restore(d, name, State{Unchecked: true}) }

// Restore has the file be one that had this state.
func (f *File) Restore(d *Directory, name Name, s State) {
	f.path, f.form, f.changed, f.checked = d.pathOf(name), name.Form(), s.Changed, s.some
	if s.Unchecked {
		f.checked = newChecked(name.Size)
	}
}

// State tells what is known of the file of a whole entry, for Restore.
func (f *File) State() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch c := f.checked; {
	case c == nil, f.form == Single && c.Whole(): // a pair is trusted only once it has its proof
		return State{Changed: f.changed}
	case c.none():
		return State{Changed: f.changed, Unchecked: true}
	default:
		return State{Changed: f.changed, some: c}
	}
}

// Path is where the bytes are.
func (f *File) Path() string { return f.path }

// Form is that of the entry.
func (f *File) Form() Form { return f.form }

func (f *File) checksPath() string { return strings.TrimSuffix(f.path, dataSuffix) + checksSuffix }

// footerPath is where the footer is.
func (f *File) footerPath() string {
	if f.form == Pair {
		return f.checksPath()
	}
	return f.path
}

// Seal puts the footer where it belongs and gives the file of a whole entry, which is open, its final name.
//
// There is no fsync yet: see Written. A killed process loses nothing by that, since the kernel has the bytes. After a power failure the
// file may be cut short or have blocks that were never written. Its name and its checksums tell that, and what was lost
// can be fetched again; waiting for the disk once an entry would cost every download more than that.
func (f *File) Seal(d *Directory, open *os.File, footer Footer, name Name) error {
	if f.form == Pair {
		return f.sealPair(d, open, footer, name)
	}
	if _, err := open.WriteAt(footer.Encode(name.Size), name.Size); err != nil {
		return err
	}
	path := d.pathOf(name)
	if err := os.Rename(f.path, path); err != nil {
		return err
	}
	f.path = path
	f.settled(open)
	return nil
}

// unchecked returns what was checked of the file of an entry of so many bytes, nil if nothing has to be. Where another
// program has changed the file, no earlier check counts.
func (f *File) unchecked(info fs.FileInfo, size int64) *checked {
	now := changeTime(info)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed != 0 && f.changed != now {
		f.checked = newChecked(size)
	}
	if f.checked != nil && f.form == Pair {
		f.changed = now // what is checked from here on is of this state: see proven
	}
	if f.checked == nil || f.checked.Whole() {
		return nil
	}
	return f.checked
}

// settled remembers the change time after our own last change.
func (f *File) settled(open *os.File) {
	info, err := open.Stat()
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changed = changeTime(info)
}

// Unchanged reports whether no program has changed the bytes since they were written or checked here. open is their file, and
// checks what Open gave with it.
func (f *File) Unchanged(open *os.File, checks *Checked) bool {
	info, err := open.Stat()
	if err != nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed == changeTime(info) && (f.checked == nil || checks != nil && checks.checked == f.checked)
}

// Open opens the file of a whole entry of so many bytes. It reads the footer unless the bytes are trusted; said is then
// what it says, and checks what reads have to go by, unless the proof holds. ErrStale if a file is missing or not what its
// name says.
func (f *File) Open(d *Directory, size int64, buffers *sync.Pool) (open *os.File, checks *Checked, said *Footer, err error) {
	open, info, err := f.openData(size)
	if err != nil {
		return nil, nil, nil, err
	}
	defer func() {
		if err != nil {
			_ = open.Close() // only read from
			open = nil
		}
	}()
	checked := f.unchecked(info, size)
	if checked == nil {
		return open, nil, nil, nil
	}
	if f.form == Pair {
		checks, said, err = f.openChecks(d, info, size, checked)
	} else {
		var t Footer
		if t, err = ReadFooter(open, size, size, true); err == nil {
			checks, said = &Checked{size: size, sums: t.Sums, checked: checked}, &t
		}
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%w: %w", ErrStale, err)
	}
	if checks != nil {
		checks.buffers = buffers
	}
	return open, checks, said, nil
}

// openData opens the file of the bytes, if it is one of the right length.
func (f *File) openData(size int64) (*os.File, fs.FileInfo, error) {
	open, err := openFile(f.path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ELOOP) {
		return nil, nil, fmt.Errorf("%w: %w", ErrStale, err)
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := open.Stat()
	if err == nil && (!info.Mode().IsRegular() || info.Size() != f.form.fileSize(size)) {
		err = fmt.Errorf("%w: %d bytes, want %d", ErrStale, info.Size(), f.form.fileSize(size))
	}
	if err != nil {
		return nil, nil, errors.Join(err, open.Close())
	}
	return open, info, nil
}

// Use sets the times of the file, which is how the order of use outlives the process.
func (f *File) Use(open *os.File, when time.Time) error {
	if f.form == Pair {
		return f.usePair(when)
	}
	err := os.Chtimes(f.path, when, when)
	f.settled(open)
	return err
}

// Close closes the file of a whole entry of so many bytes. Where another program has changed it meanwhile, it is trusted
// no longer. fs.ErrNotExist if it is no longer there.
func (f *File) Close(d *Directory, open *os.File, size int64, used time.Time) error {
	info, err := open.Stat()
	if err == nil && f.unchecked(info, size) == nil && f.form == Pair {
		f.checkedAll(d, info)
	}
	return errors.Join(err, f.Use(open, used), open.Close())
}

// Remove removes the file; false if it is still there.
func (f *File) Remove(d *Directory) bool {
	d.written.drop(f.path)
	removed := d.remove(f.path)
	if removed && strings.HasSuffix(f.path, dataSuffix) {
		removed = d.remove(f.checksPath())
	}
	return removed
}

// Stat tells when the entry was last used. ErrStale if it is missing or its length is not what its name says.
func (f *File) Stat(size int64) (used time.Time, err error) {
	info, err := os.Lstat(f.path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() != f.form.fileSize(size)) {
		err = fmt.Errorf("%d bytes: %w", info.Size(), ErrStale)
	}
	if err == nil && f.form == Pair {
		info, err = os.Lstat(f.checksPath())
		if err == nil && (!info.Mode().IsRegular() || info.Size() != checksSize(size)) {
			err = fmt.Errorf("checksums of %d bytes: %w", info.Size(), ErrStale)
		}
	}
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// Footer reads what the file of an entry of so many bytes says, without the checksums.
func (f *File) Footer(size int64) (Footer, error) {
	return footerOf(f.footerPath(), f.form, size)
}

// Again opens the bytes once more, for InUse.
func (f *File) Again() (*os.File, error) { return openFile(f.path) }

// sealPair is Seal for a pair.
func (f *File) sealPair(d *Directory, open *os.File, footer Footer, name Name) (err error) {
	checks := d.pathOf(name.as(Checks))
	c, err := os.OpenFile(checks, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	named := false
	defer func() {
		err = errors.Join(err, c.Close())
		if err != nil && !named {
			d.remove(checks)
		}
	}()
	if _, err := c.Write(append(footer.Encode(name.Size), make([]byte, proofSize)...)); err != nil {
		return err
	}
	data := d.pathOf(name.as(Data))
	if err := os.Rename(f.path, data); err != nil {
		return err
	}
	f.path, named = data, true
	f.settled(open)
	d.wrote(data)
	return nil
}

// openChecks reads what there is beside the data of a pair. No checks are given where the proof holds.
func (f *File) openChecks(d *Directory, data fs.FileInfo, size int64, have *checked) (*Checked, *Footer, error) {
	file, err := openFile(f.checksPath())
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = file.Close() }() // only read from
	if info, err := file.Stat(); err != nil || info.Size() != checksSize(size) {
		return nil, nil, errors.Join(err, ErrFooter)
	}
	t, err := ReadFooter(file, 0, size, true)
	if err != nil {
		return nil, nil, err
	}
	if p, ok := readProof(file, size); ok {
		if now, can := proofOf(d.boot, data); can && now == p && f.trust(have, data) {
			return nil, &t, nil
		}
	}
	return &Checked{size: size, sums: t.Sums, checked: have}, &t, nil
}

// trust has the data count as checked, if nothing else was found since.
func (f *File) trust(have *checked, data fs.FileInfo) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := changeTime(data)
	if f.checked != have { // another goroutine may have found the same
		return f.checked == nil && f.changed == now
	}
	f.checked, f.changed = nil, now
	return true
}

// usePair notes the last use on the checks, as the data must not be changed. A half that another program has left is
// removed. fs.ErrNotExist if the entry is no longer there.
func (f *File) usePair(when time.Time) error {
	_, err := os.Lstat(f.path)
	if err == nil {
		err = os.Chtimes(f.checksPath(), when, when)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, removeAll(f.path, f.checksPath()))
	}
	return err
}

// trustChecked has data count as checked that was all checked in one state, unless another program has changed it since. It
// reports whether its proof is due.
func (f *File) trustChecked(info fs.FileInfo) (due bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	due = f.checked != nil && f.checked.Whole() && f.changed == changeTime(info)
	if due {
		f.checked = nil
	}
	return due
}
