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
//	            prove.go lent.go look.go                         accounting asks for
//	accounting  index.go found.go idle.go pause.go budget.go     which entries there are, what each costs, which are held,
//	            holders.go                                       which goes next; does no I/O
//	content     content.go                                       how far an entry has come, and which readers wait
//	storage     storage.go space.go sizes.go                     a file, or memory where the disk takes no more; free space;
//	                                                             exact sizes that outlive their entries
//	words       words.go errors.go                               keys, what an entry is, errors
//	disk        package cache/disk                               files and pairs of files, checksums, proofs, the directory and
//	                                                             its lock, a look into it
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
// # Pairs, proof and passthrough
//
// An entry of a Request with Apart is a pair of files, the data just as long as the entry (package disk). Backing gives the
// data of one that is whole and proven to whoever has the kernel read it. Pairs that are not proven are checked in the
// background (prove.go), some blocks at a time. The entry is pinned for that moment, which is no use of it: it keeps its
// place and can be evicted, and its bytes come back when the check has closed the file. The same goroutine has the disk take what was
// written, half a minute later, and writes its proof then (disk.Written).
//
// The kernel may hold a file longer than any holder of its entry, as a mapping does. So when an entry is removed of which
// Backing was given, the kernel is asked whether it has let go (disk.InUse). If not the bytes stay counted, as those of a
// held entry do, and the kernel is asked again each second and before anything else is evicted. No fill waits for that.
//
// # Memory
//
// An item, with its disk.File and content, is there while its entry is filled, held, or read from in the background. An entry
// that is whole and idle has a record in idleList alone, of 96 bytes, and acquire makes its item again. So nothing may keep an
// item beyond its last reference: what comes back to an entry later asks for its key, and for when it was created if no other
// entry of the key will do.
//
// # Locks
//
//	index.mu      all of the accounting
//	content.mu    the size and the waiters of one entry
//	unproven.mu   which entries are to be checked
//	lent.mu       which removed files the kernel still reads from
//	disk.File.mu  what is known of one entry's file
//	sizes.mu      the sizes
//
// content.mu and disk.File.mu may be taken with index.mu held, never the other way round. The others are taken alone. No file
// is read, written, renamed or removed under any of them. A read of bytes that have come takes no lock.
package cache
