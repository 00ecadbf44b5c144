package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Look reads what the file of an entry of so many bytes says, without the checksums, and whether the proof holds.
func (f *File) Look(d *Directory, size int64) (Footer, error) {
	if f.form != Pair {
		return f.Footer(size)
	}
	f.mu.Lock()
	have := f.checked
	f.mu.Unlock()
	c, err := openFile(f.checksPath())
	if err != nil {
		return Footer{}, err
	}
	t, err := ReadFooter(c, 0, size, false)
	if p, ok := readProof(c, size); ok && err == nil && have != nil {
		if info, gone := os.Lstat(f.path); gone == nil {
			if now, can := proofOf(d.boot, info); can && now == p {
				f.trust(have, info)
			}
		}
	}
	return t, errors.Join(err, c.Close())
}

// look opens a pair without use.
func (f *File) look(d *Directory, size int64) (open *os.File, info fs.FileInfo, checks *Checked, err error) {
	open, info, err = f.openData(size)
	if err != nil {
		return nil, nil, nil, err
	}
	if checked := f.unchecked(info, size); checked != nil {
		if checks, _, err = f.openChecks(d, info, size, checked); err != nil {
			return nil, nil, nil, errors.Join(fmt.Errorf("%w: %w", ErrStale, err), open.Close())
		}
	}
	return open, info, checks, nil
}

// Check checks some more blocks of a pair of so many bytes, at most n, and has the proof be due once all are checked: done is
// then true, as where nothing was to be checked. ErrSum if a block does not match.
func (f *File) Check(d *Directory, size int64, n int, buffer *[SumBlock]byte) (done bool, err error) {
	open, info, checks, err := f.look(d, size)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	if checks == nil {
		f.checkedAll(d, info)
		return true, nil
	}
	for at := int64(0); at < size; at += SumBlock {
		if checks.Has(at, at+1) {
			continue
		}
		if n--; n < 0 {
			return false, nil
		}
		if err := checks.readBlock(open, at/SumBlock, buffer[:min(SumBlock, size-at)]); err != nil {
			return false, err
		}
	}
	if info, err = open.Stat(); err == nil {
		f.checkedAll(d, info)
	}
	return true, err
}

// checkedAll has the proof of data be due that was all checked.
func (f *File) checkedAll(d *Directory, info fs.FileInfo) {
	if f.trustChecked(info) {
		d.wrote(f.path)
	}
}
