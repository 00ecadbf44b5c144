// Package cache keeps payloads on disk within bounds that are never exceeded. Any number of readers can follow one
// that is still being written.
//
// A Cache is a directory. An Entry is an immutable sequence of bytes under a Key. Acquire returns the entry of a key: the
// whole one on disk, else the one that is being filled, else a new one. For a new one it starts the caller's Fill in a
// goroutine. Readers wait only for the bytes they ask for. README.md tells what is on disk, what is checked when, and
// which bounds hold.
//
// # Layers
//
// Each layer uses only those below it.
//
//	entries     cache.go writer.go entry.go tend.go              what callers see; runs fills, and does the I/O that the
//	                                                             accounting asks for
//	accounting  index.go pause.go budget.go holders.go           which entries there are, what each costs, which are held,
//	                                                             which goes next; does no I/O, knows no files
//	content     content.go                                       how far an entry has come, and which readers wait
//	disk        footer.go checks.go storage.go file.go           an entry's file, or memory where the disk takes no more
//	            directory.go space.go inspect.go                 the directory, its lock, free space, a look into it
//	            sizes.go                                         exact sizes that outlive their entries
//	words       key.go errors.go                                 keys, names of files, errors
//
// A method of the accounting takes the lock, decides, commits and unlocks. It returns the I/O that follows from what it
// has committed: files to remove, a file to close, something to wait for. The entry is pinned until the caller reports
// that this is done, so nothing has to be checked again.
//
// # Data flow
//
//	Acquire(key, request) ─→ whole: on disk  ─→ Entry on a whole file
//	                      └→ live, or new    ─→ Entry on a growing file ←─ Writer.Append ←─ Fill
//	                                                └ and on memory, from where the disk took no more
//
//	live ──(fill succeeded)──→ whole and held ⇄ whole and idle ──(space needed, expired)──→ removed
//	  │                     └→ whole in memory ──(last holder released it)──→ gone
//	  └──(failed, given up)──→ no longer found; its bytes count until the last holder has released it
//
// # Locks
//
//	index.mu      all of the accounting
//	content.mu    the size and the waiters of one entry
//	file.mu       what is known of one entry's file
//	sizes.mu      the sizes
//
// content.mu may be taken with index.mu held, never the other way round. The others are taken alone. No file is read,
// written, renamed or removed under any of them. A read of bytes that have come takes no lock.
package cache
