package store

import (
	"errors"
	"os"
	"path/filepath"
)

const (
	// trashPrefix begins the name of what is being removed, partPrefix that of what is being written. No stream's or
	// fragment's name can begin so.
	trashPrefix = "~removed-"
	partPrefix  = "~part-"
	recordFile  = "stream.json"
	lockFile    = "lock"
)

// syncDir makes the names in a directory last.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// writeFile puts a file in place that is whole whenever it is there.
func writeFile(dir, name string, data []byte) error {
	f, err := os.CreateTemp(dir, partPrefix+"*")
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return placeFile(f, dir, name)
}

// placeFile puts a file in place that was written under another name. It is closed in any case.
func placeFile(f *os.File, dir, name string) error {
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(dir)
}
