// Package cache keeps payloads on disk, within a budget of bytes, and lets any number of readers follow one that is
// still being written.
//
// # What it is
//
// A Cache is a directory. An Entry is one immutable sequence of bytes under a Key. Acquire gives the entry of a key:
// from disk if it is there whole, else the one that is being filled, else a new one, for which it starts the caller's
// Fill in a goroutine of its own. Readers wait only for the bytes they asked for. When a Fill returns without an error
// the file is renamed to its final name; until then it has a temporary one, and nothing partial is ever found again.
//
// # Data flow
//
//	Acquire(key, fill) ─→ whole: on disk  ─→ Entry on a whole file
//	                   └→ live: or new    ─→ Entry on a growing file ←─ Writer.Append ←─ Fill
//
//	live ──(fill ended well)──→ whole and held ⇄ whole and idle ──(space needed)──→ removed
//	  └──(failed, abandoned)──→ not found any more; its bytes count until the last holder has gone
//
// A fill outlives any one reader: its context ends when the last holder of the entry has released it and Linger has
// passed, or when the cache closes. While nobody holds the entry it is parked: Append blocks, so that nothing more is
// fetched.
//
// # On disk
//
//	DIR/lock                       flock: one process a directory
//	DIR/sizes                      exact sizes that outlive their entries (sizes.go)
//	DIR/data/KEY.CREATED.part      growing
//	DIR/data/KEY.SIZE.CREATED      whole; its modification time is that of its last use
//
// A fill always makes a file of a new name, so removing an old file cannot hit a new one. Another process may remove
// files at any time: a missing one is a miss, a file whose size is not the one in its name is dropped.
//
// # Budget
//
// Append takes what it will write from the budget before it writes; a file's bytes go back only after it was removed
// and closed. So all files together, also those that are open but have no name any more, never take more than the
// budget. An entry that is held is never evicted. What is idle goes first, least recently used first; then fills that
// are parked are given up, longest parked first; when all else is held, Append fails with ErrFull.
//
// # Locks
//
// Cache.mu guards the index, the table of live entries, the count of bytes, and of each body who holds it. body.mu guards
// how far an entry has grown and who waits for it. Cache.mu may be taken first, never after a body's. sizeIndex.mu guards
// the sizes and is taken with no other. No file is read, written, renamed or removed under any of them: who needs the
// disk in between takes a reference, which pins the entry, and unlocks. A read of bytes that are there takes no lock.
package cache
