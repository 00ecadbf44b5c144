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
//	Acquire(key, fill) ─→ index (simplelru) hit  ─→ Entry on a whole file
//	                   └→ live table             ─→ Entry on a growing file ←─ Writer.Append ←─ Fill
//
// A fill outlives any one reader: its context ends when the last holder of the entry has released it and Linger has
// passed, or when the cache closes. While nobody holds the entry, Append blocks, so that nothing more is fetched.
//
// # Locks
//
// Cache.mu guards the index, the table of live entries and the count of bytes; an entry's own mu guards how far it has
// grown. Cache.mu may be taken first, never after an entry's. No file is read, written, renamed or removed under either.
package cache
