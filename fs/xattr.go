package fs

import (
	"context"
	"strconv"
	"strings"
	"syscall"

	"clipfs/clip"
)

// xattrPrefix is what the names of our extended attributes begin with.
const xattrPrefix = "user.clipfs."

// xattrTime is RFC 3339 to the millisecond, always UTC.
const xattrTime = "2006-01-02T15:04:05.000Z"

// xattr is one extended attribute of a clip. value gives false where the clip does not have it.
type xattr struct {
	name  string
	value func(*clipNode) (string, bool)
}

// xattrs gives the extended attributes of clips. None of them costs a call.
func xattrs() []xattr {
	always := func(value func(*clip.Clip) string) func(*clipNode) (string, bool) {
		return func(n *clipNode) (string, bool) { return value(n.version.clip), true }
	}
	return []xattr{
		{"stream", always(func(c *clip.Clip) string { return string(c.Stream()) })},
		{"start", always(func(c *clip.Clip) string { return c.Span().Start.UTC().Format(xattrTime) })},
		{"end", always(func(c *clip.Clip) string { return c.Span().End.UTC().Format(xattrTime) })},
		{"first", always(func(c *clip.Clip) string { return c.First().UTC().Format(xattrTime) })},
		{"fragments", always(func(c *clip.Clip) string { return strconv.Itoa(c.Fragments()) })},
		{"size", func(n *clipNode) (string, bool) { return n.version.sizeKind(), true }},
		{"error", func(n *clipNode) (string, bool) {
			err := n.version.clip.Err()
			if err == nil {
				return "", false
			}
			return err.Error(), true
		}},
		{"note", func(n *clipNode) (string, bool) {
			note := n.version.clip.Note()
			return note, note != ""
		}},
	}
}

// Getxattr implements gofuse.NodeGetxattrer. What others ask for (selinux, access control lists) we do not have, and
// say so without looking further: ls -l asks for two of a file.
func (n *clipNode) Getxattr(ctx context.Context, name string, dest []byte) (uint32, syscall.Errno) {
	n.tree.operations.local(ctx, "getxattr", n.path)
	short, ok := strings.CutPrefix(name, xattrPrefix)
	if !ok {
		return 0, syscall.ENODATA
	}
	if short == missingName {
		return n.missing(ctx, dest)
	}
	for _, x := range xattrs() {
		if x.name != short {
			continue
		}
		if value, ok := x.value(n); ok {
			return answer(dest, value)
		}
	}
	return 0, syscall.ENODATA
}

// Listxattr implements gofuse.NodeListxattrer.
func (n *clipNode) Listxattr(_ context.Context, dest []byte) (uint32, syscall.Errno) {
	var names strings.Builder
	for _, x := range xattrs() {
		if _, ok := x.value(n); ok {
			names.WriteString(xattrPrefix + x.name + "\x00")
		}
	}
	names.WriteString(xattrPrefix + missingName + "\x00")
	return answer(dest, names.String())
}

// answer puts a value where the caller wants it; ERANGE and its length if that is too small (getxattr(2)).
func answer(dest []byte, value string) (uint32, syscall.Errno) {
	if len(dest) < len(value) {
		return uint32(len(value)), syscall.ERANGE
	}
	return uint32(copy(dest, value)), 0
}
