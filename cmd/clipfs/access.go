package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"clipfs/fs"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// accessFlags are the flags of clipfs mount that say who sees what and who may open it.
type accessFlags struct {
	uid, gid          id
	fileMode, dirMode mode
	deny              programs
}

// defaultAccessFlags gives the flags as they are where none is set.
func defaultAccessFlags() accessFlags { return accessFlags{deny: programs{names: fs.DefaultDeny()}} }

// bind makes the flags.
func (f *accessFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var(&f.uid, "uid", "`number` of the user whom everything belongs to (default who mounts)")
	flags.Var(&f.gid, "gid", "`number` of the group whom everything belongs to (default that of who mounts)")
	flags.Var(&f.fileMode, "file-mode", "permission bits of files, in octal (default 0444)")
	flags.Var(&f.dirMode, "dir-mode", "permission bits of directories, in octal (default 0555)")
	flags.Var(&f.deny, "deny", "programs that may list but not open files, by `name`: several with commas, default among them for those here; none for none")
}

// owner gives what the flags say of owner and modes.
func (f *accessFlags) owner() (fs.Owner, error) {
	owner := fs.Owner{UID: f.uid.number, GID: f.gid.number, FileMode: uint32(f.fileMode), DirMode: uint32(f.dirMode)}
	if err := owner.Check(); err != nil {
		return owner, &usageError{err}
	}
	return owner, nil
}

// id is a flag for the number of a user or a group; unset where there is none.
type id struct{ number *uint32 }

// String implements pflag.Value.
func (v *id) String() string {
	if v.number == nil {
		return ""
	}
	return strconv.FormatUint(uint64(*v.number), 10)
}

// Set implements pflag.Value.
func (v *id) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == noID {
		return fmt.Errorf("%q: want a number, such as 1000", s)
	}
	number := uint32(n)
	v.number = &number
	return nil
}

// noID is what stands for no user in the kernel (chown(2)).
const noID = 1<<32 - 1

// Type implements pflag.Value.
func (v *id) Type() string { return "number" }

// mode is a flag for permission bits; its zero value is unset. Which bits make sense the filesystem knows.
type mode uint32

// String implements pflag.Value.
func (v *mode) String() string {
	if *v == 0 {
		return ""
	}
	return fmt.Sprintf("%#o", uint32(*v))
}

// Set implements pflag.Value.
func (v *mode) Set(s string) error {
	n, err := strconv.ParseUint(s, 8, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("%q: want permission bits in octal, such as 0440", s)
	}
	*v = mode(n)
	return nil
}

// Type implements pflag.Value.
func (v *mode) Type() string { return "octal" }

// programs is a flag for a list of names of programs. What it is set to replaces the default, and what it is set to after
// that is added, as with other lists.
type programs struct {
	names []string
	set   bool
}

var _ pflag.SliceValue = (*programs)(nil)

// The words in such a list that stand for others.
const (
	noPrograms      = "none"
	defaultPrograms = "default"
)

// String implements pflag.Value.
func (v *programs) String() string {
	if len(v.names) == 0 {
		return noPrograms
	}
	return strings.Join(v.names, ",")
}

// Set implements pflag.Value. Names are parted by commas, by colons as in fstab, or by ends of lines.
func (v *programs) Set(s string) error {
	var names []string
	for name := range strings.FieldsFuncSeq(s, func(c rune) bool { return c == ',' || c == ':' || c == '\n' }) {
		switch name = strings.TrimSpace(name); {
		case name == "", name == noPrograms:
		case name == defaultPrograms:
			names = append(names, fs.DefaultDeny()...)
		case strings.Contains(name, "/"):
			return fmt.Errorf("%q: want the name of a program without its directory", name)
		default:
			names = append(names, name)
		}
	}
	if v.set {
		names = append(names, v.names...)
	}
	slices.Sort(names)
	v.names, v.set = slices.Compact(names), true
	return nil
}

// Append implements pflag.SliceValue.
func (v *programs) Append(s string) error { return v.Set(s) }

// Replace implements pflag.SliceValue.
func (v *programs) Replace(all []string) error {
	*v = programs{}
	return v.Set(strings.Join(all, "\n"))
}

// GetSlice implements pflag.SliceValue.
func (v *programs) GetSlice() []string { return slices.Clone(v.names) }

// Type implements pflag.Value.
func (v *programs) Type() string { return "names" }
