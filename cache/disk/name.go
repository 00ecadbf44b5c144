package disk

import (
	"strconv"
	"strings"
)

// Key names an entry: 1 to 128 characters of [a-z0-9-], the first of them not "-". It is used in file names.
type Key string

// maxKey is the longest key, in bytes. With size and time a file's name stays below 192, and 255 is the limit of Linux.
const maxKey, maxName = 128, 192

// Valid reports whether the key can be used.
func (k Key) Valid() bool {
	for _, c := range []byte(k) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return k != "" && len(k) <= maxKey && k[0] != '-'
}

// Form is how an entry is kept.
type Form uint8

// The forms of entries.
const (
	// Single is one file with a footer.
	Single Form = iota
	// Pair is a file of just the bytes, and its checksums in another.
	Pair
)

// Role is what a file is of its entry.
type Role uint8

// The roles of files.
const (
	// Whole is all of a Single.
	Whole Role = iota
	// Growing is an entry that is being filled, of either form.
	Growing
	// Data and Checks are the files of a Pair.
	Data
	Checks
)

// Name is what the name of a file in the data directory says:
//
//	KEY.CREATED.part             a growing entry
//	KEY.SIZE.CREATED             a whole Single of SIZE bytes
//	KEY.SIZE.CREATED.data        the bytes of a whole Pair
//	KEY.SIZE.CREATED.checks      its checksums
//
// The size is in the name so that a file that was cut short is never taken for whole. CREATED is when the fill began,
// nanoseconds since 1970, made unique within a process: a new fill of a key never touches the file of an older one, so
// a file may be removed after its entry has left the index.
type Name struct {
	Key     Key
	Size    int64 // -1 for a growing entry
	Created int64
	Role    Role
}

// The last fields of the names. None is a number, so the kinds differ.
const (
	partSuffix   = ".part"
	dataSuffix   = ".data"
	checksSuffix = ".checks"
)

func (n Name) String() string { return string(n.append(make([]byte, 0, maxName))) }

// append adds the name at the end of p.
func (n Name) append(p []byte) []byte {
	p = append(p, n.Key...)
	if n.Role != Growing {
		p = strconv.AppendInt(append(p, '.'), n.Size, 10)
	}
	p = strconv.AppendInt(append(p, '.'), n.Created, 10)
	switch n.Role {
	case Growing:
		p = append(p, partSuffix...)
	case Data:
		p = append(p, dataSuffix...)
	case Checks:
		p = append(p, checksSuffix...)
	case Whole:
	}
	return p
}

// Bytes is the role of the file that has the bytes of a whole entry.
func (f Form) Bytes() Role {
	if f == Pair {
		return Data
	}
	return Whole
}

// Form is that of the entry; a growing one tells none.
func (n Name) Form() Form {
	if n.Role == Data || n.Role == Checks {
		return Pair
	}
	return Single
}

// as gives the name of another file of the same entry.
func (n Name) as(r Role) Name {
	n.Role = r
	return n
}

// ParseName reads a name that String wrote; ok is false for any other.
func ParseName(s string) (n Name, ok bool) {
	rest := s
	for suffix, role := range map[string]Role{partSuffix: Growing, dataSuffix: Data, checksSuffix: Checks} {
		if cut, found := strings.CutSuffix(s, suffix); found {
			rest, n.Role = cut, role
		}
	}
	fields := strings.Split(rest, ".")
	n.Key, n.Size = Key(fields[0]), -1
	var sizeErr, err error
	switch {
	case n.Role == Growing && len(fields) == 2:
		n.Created, err = strconv.ParseInt(fields[1], 10, 64)
	case n.Role != Growing && len(fields) == 3:
		n.Size, sizeErr = strconv.ParseInt(fields[1], 10, 64)
		n.Created, err = strconv.ParseInt(fields[2], 10, 64)
	default:
		return Name{}, false
	}
	return n, err == nil && sizeErr == nil && (n.Role == Growing || n.Size >= 0) && n.Key.Valid() && n.Created >= 0 && n.String() == s
}
