package fs

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"syscall"

	"clipfs/clip"
	"clipfs/clip/archive"
)

// dirXattr is one extended attribute of a directory.
type dirXattr struct {
	name  string
	value func(clip.Footage) string
}

// edgeXattrs are the extended attributes of a stream: adding up all that it has recorded would list all of it.
func edgeXattrs() []dirXattr {
	return []dirXattr{
		{"first", func(f clip.Footage) string { return f.First.UTC().Format(xattrTime) }},
		{"last", func(f clip.Footage) string { return f.Last.UTC().Format(xattrTime) }},
	}
}

// dirXattrs are those of a day, an hour or a minute.
func dirXattrs() []dirXattr {
	return append(edgeXattrs(), dirXattr{"footage", func(f clip.Footage) string {
		return strconv.FormatFloat(f.Length.Seconds(), 'f', -1, 64)
	}})
}

// dirXattr answers one. What others ask for we do not have, and say so without a call; nor has a directory without
// footage any.
func (t *tree) dirXattr(ctx context.Context, at, name string, dest []byte, all []dirXattr,
	footage func(context.Context) (clip.Footage, error)) (uint32, syscall.Errno) {
	short, ok := strings.CutPrefix(name, xattrPrefix)
	if !ok {
		return 0, syscall.ENODATA
	}
	for _, x := range all {
		if x.name != short {
			continue
		}
		var f clip.Footage
		none := false
		errno := t.wait(ctx, "getxattr", at, func(ctx context.Context) (err error) {
			f, err = footage(ctx)
			if none = errors.Is(err, archive.ErrNoFootage); none {
				return nil
			}
			return err
		})
		if errno != 0 {
			return 0, errno
		}
		if none {
			return 0, syscall.ENODATA
		}
		return answer(dest, x.value(f))
	}
	return 0, syscall.ENODATA
}

// errorXattr is the name of what tells why something cannot be had.
const errorXattr = xattrPrefix + "error"

// listingXattr answers why a directory of a stream lists nothing; ENODATA where nothing is known against listing it. It costs
// no call.
func (t *tree) listingXattr(stream archive.StreamName, dest []byte) (uint32, syscall.Errno) {
	if err := t.library.Denied(stream); err != nil {
		return answer(dest, err.Error())
	}
	return 0, syscall.ENODATA
}

// listDirXattrs lists the names.
func listDirXattrs(dest []byte, all []dirXattr) (uint32, syscall.Errno) {
	var names strings.Builder
	for _, x := range all {
		names.WriteString(xattrPrefix + x.name + "\x00")
	}
	return answer(dest, names.String())
}
