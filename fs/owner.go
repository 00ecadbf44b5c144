package fs

import (
	"cmp"
	"fmt"
	"os"
)

const (
	defaultDirMode  = 0o555
	defaultFileMode = 0o444
)

// Owner says whom the entries of a mount belong to and what their modes are. The zero value is whoever mounts, with
// everything readable by all whom the mount lets in. The kernel goes by it where Options.AllowOther is set.
type Owner struct {
	// UID and GID are the owner and the group; nil means those of this process.
	UID, GID *uint32
	// FileMode and DirMode are permission bits; 0 means 0444 and 0555.
	FileMode, DirMode uint32
}

// Check says what is wrong with it: nothing can be written on the mount and no file be run, and what the owner cannot
// read is of no use to anybody.
func (o Owner) Check() error {
	_, err := o.owner()
	return err
}

// owner fills in what was left out.
func (o Owner) owner() (owner, error) {
	own := owner{
		uid: uint32(os.Getuid()), gid: uint32(os.Getgid()),
		fileMode: cmp.Or(o.FileMode, defaultFileMode), dirMode: cmp.Or(o.DirMode, defaultDirMode),
	}
	if o.UID != nil {
		own.uid = *o.UID
	}
	if o.GID != nil {
		own.gid = *o.GID
	}
	if err := checkMode("files", own.fileMode, defaultFileMode, 0o400); err != nil {
		return own, err
	}
	return own, checkMode("directories", own.dirMode, defaultDirMode, 0o500)
}

// checkMode makes sure that a mode has no bits but those of most, and has those of least.
func checkMode(of string, mode, most, least uint32) error {
	switch {
	case mode&^0o7777 != 0:
		return fmt.Errorf("mode %#o of %s: want permission bits, such as %#o", mode, of, most)
	case mode&0o222 != 0:
		return fmt.Errorf("mode %#o of %s: nothing can be written here, so leave out the write bits: %#o", mode, of, mode&most)
	case mode&^most != 0:
		return fmt.Errorf("mode %#o of %s: no bits but those of %#o mean anything here", mode, of, most)
	case mode&least != least:
		return fmt.Errorf("mode %#o of %s: the owner needs %#o at least", mode, of, least)
	}
	return nil
}

// owner is whom all entries belong to, and their permission bits.
type owner struct{ uid, gid, fileMode, dirMode uint32 }
