package fs

import (
	"cmp"
	"fmt"
	"os"
	"strings"
)

const (
	defaultDirMode  = 0o555
	defaultFileMode = 0o444

	// fuseConf tells the helper what ordinary users may do (fusermount3(1), CONFIGURATION FILE).
	fuseConf = "/etc/fuse.conf"
	// allowOtherLine is the line in it without which only root may let other users see a mount.
	allowOtherLine = "user_allow_other"
)

// Owner is the owner, group and modes of all entries of a mount. The kernel goes by it where Options.AllowOther is set.
type Owner struct {
	// UID and GID are those of this process where they are nil.
	UID, GID *uint32
	// FileMode and DirMode are permission bits; 0 means 0444 and 0555.
	FileMode, DirMode uint32
}

// Check says what is wrong with it: the owner must be able to read, and nobody can write or run files.
func (o Owner) Check() error {
	_, err := o.owner()
	return err
}

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

// checkMode wants no bits but those of most, and those of least.
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

type owner struct{ uid, gid, fileMode, dirMode uint32 }

// AllowsOther says what is missing for a mount by a user that others can see (Options.AllowOther), by the configuration
// of the helper in a file; empty means /etc/fuse.conf. The helper reads it with the user's own rights, so a file that
// the user may not read allows nothing.
func AllowsOther(uid int, conf string) error {
	conf = cmp.Or(conf, fuseConf)
	if uid == 0 {
		return nil
	}
	text, err := os.ReadFile(conf)
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == allowOtherLine {
			return nil
		}
	}
	reason := ""
	if err != nil {
		reason = fmt.Sprintf(" (%v)", err)
	}
	return fmt.Errorf("other users may see the mount of one who is not root only where %s has the line %s: add it, or mount as root%s",
		conf, allowOtherLine, reason)
}
