package cache

import (
	"strconv"
	"strings"
)

// Key names an entry: 1 to 128 characters of [a-z0-9-], the first of them not "-". It is used in file names.
type Key string

// maxKey is the longest key, in bytes. With size and time a file's name stays well below 255, the limit of Linux.
const maxKey = 128

// Valid reports whether the key can be used.
func (k Key) Valid() bool {
	for _, c := range []byte(k) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return k != "" && len(k) <= maxKey && k[0] != '-'
}

// fileName is what the name of a file in the data directory says:
//
//	KEY.CREATED.part     a growing entry
//	KEY.SIZE.CREATED     a whole one of SIZE bytes
//
// The size is in the name so that a file that was cut short is never taken for whole. CREATED is when the fill began,
// nanoseconds since 1970, made unique within a process: a new fill of a key never touches the file of an older one, so
// a file may be removed after its entry has left the index.
type fileName struct {
	key     Key
	size    int64 // -1 for a growing entry
	created int64
}

// partSuffix is the last field of the name of a growing entry's file. It is not a number, so the two kinds differ.
const partSuffix = "part"

func (n fileName) String() string {
	created := strconv.FormatInt(n.created, 10)
	if n.size < 0 {
		return string(n.key) + "." + created + "." + partSuffix
	}
	return string(n.key) + "." + strconv.FormatInt(n.size, 10) + "." + created
}

// parseFileName reads a name that String wrote; ok is false for any other.
func parseFileName(s string) (n fileName, ok bool) {
	fields := strings.Split(s, ".")
	if len(fields) != 3 {
		return fileName{}, false
	}
	n = fileName{key: Key(fields[0]), size: -1}
	created, sizeErr := fields[1], error(nil)
	if fields[2] != partSuffix {
		created = fields[2]
		n.size, sizeErr = strconv.ParseInt(fields[1], 10, 64)
	}
	var err error
	n.created, err = strconv.ParseInt(created, 10, 64)
	return n, err == nil && sizeErr == nil && n.key.Valid() && n.created >= 0 && n.String() == s
}
