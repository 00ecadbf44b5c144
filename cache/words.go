package cache

import "clipfs/cache/disk"

// Key names an entry: 1 to 128 characters of [a-z0-9-], the first of them not "-". It is used in file names.
type Key = disk.Key

// About tells people what an entry is. The cache keeps it with the bytes; all of it may be left out.
type About = disk.About

// Info is what the files in the directory of a cache say of an entry.
type Info = disk.Info

// LockedError is ErrLocked with what is known of the process that has the directory.
type LockedError = disk.LockedError
