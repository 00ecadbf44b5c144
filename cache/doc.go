// Package cache keeps payloads on disk, within bounds that are never exceeded, and lets any number of readers follow one
// that is still being written.
//
// # What it is
//
// A Cache is a directory. An Entry is one immutable sequence of bytes under a Key. Acquire gives the entry of a key:
// from disk if it is there whole, else the one that is being filled, else a new one, for which it starts the caller's
// Fill in a goroutine of its own. Readers wait only for the bytes they asked for. When a Fill returns without an error
// the file is completed and renamed to its final name; until then it has a temporary one, and nothing partial is ever
// found again.
//
// # Data flow
//
//	Acquire(key, request) ─→ whole: on disk  ─→ Entry on a whole file
//	                      └→ live: or new    ─→ Entry on a growing file ←─ Writer.Append ←─ Fill
//	                                                └ and on memory, from where the disk took no more
//
//	live ──(fill ended well)──→ whole and held ⇄ whole and idle ──(space needed, expired)──→ removed
//	  │                       └→ whole in memory ──(last holder has gone)──→ gone
//	  └──(failed, abandoned)──→ not found any more; its bytes count until the last holder has gone
//
// A fill outlives any one reader: its context ends when the last holder of the entry has released it and Linger has
// passed, or when the cache closes. While nobody holds the entry it is parked: Append blocks, so that nothing more is
// fetched.
//
// # On disk
//
//	DIR/lock                       flock: one process a directory; its pid, and until when if it will leave
//	DIR/sizes                      exact sizes that outlive their entries (sizes.go)
//	DIR/data/KEY.CREATED.part      growing
//	DIR/data/KEY.SIZE.CREATED      whole; its modification time is that of its last use
//
// A whole file has its SIZE bytes at their offsets and a tail behind them: what it is, when it expires, and a CRC-32C of
// every 64 KiB (tail.go). How long the tail is follows from SIZE, so a file's name tells its length and its cost.
//
// A fill always makes a file of a new name, so removing an old file cannot hit a new one. Another process may remove
// files at any time: a missing one is a miss, a file whose length is not the one in its name is dropped. Inspect, Verify and
// Clear work so, without the lock. If the directories themselves are removed they are made anew, and locked again. A kill at any moment leaves growing files, which the next Open removes, and whole ones.
//
// # Checks
//
// Of an entry that was found on disk each 64 KiB are checked when they are first read, by the read that wants them, in
// the bytes that it hands on; so a read of a large entry waits for no more than the blocks it touches. A block is not
// checked again before the next start, unless others have changed the file: its change time (st_ctime) tells, which
// nobody can set. It is looked at when the file is opened and closed, so what is changed under a holder he may see. What does not fit, or what the disk cannot read (EIO), drops the entry: the
// reader gets ErrDamaged, and the next Acquire fills it again.
//
// # Start
//
// Open takes the lock and returns; the rest runs in the background, in three steps, once Begin is called or somebody asks
// for an entry if Options.Lazy says so. The directory is listed: names tell
// keys and costs, so from then on entries are found and the budget is right. Acquire, Has, Drop and Stats wait for this
// step alone, some milliseconds for ten thousand entries. Then each file is looked at (length, last use): evictions wait
// for this, as they need the order. Then the tails are read, and what has expired is removed. From then on that is looked
// for once a minute, and so are entries whose files others have removed, so that they do not count any more.
//
// # Bounds
//
// Append takes what it will write from the budget before it writes, in blocks, the tail counted; a file's bytes go back
// only after it was removed and closed. So all files together, also those that are open but have no name any more, never
// take more than MaxBytes. Nor is the file system's free space ever taken below MinFree: bytes that were taken and are
// not yet written are summed up, and Append writes only if what statfs says, asked after the sum was raised, leaves
// MinFree beside it. The one who raises the sum last sees all others, so parallel fills cannot go past it together. What
// other programs write in between is theirs.
//
// An entry that is held is never evicted. What is idle goes first, least recently used first; then fills that are parked
// are given up, longest parked first.
//
// On top of that a fill claims what it will still need: what its Request expects, and from Announce on the exact rest.
// A claim is of space that is free or idle, so it evicts nothing before the bytes come: sixteen downloads that are given
// up after their heads have cost nobody his place. It is taken in the order of coming and no further than there is space,
// is given back while the fill is parked, and holds against later fills. Only the first 1 MiB of an entry goes past
// the claims of others, so that in a small cache heads can still be had while two large fills have claimed all of it.
// Claims order who gets the space; they are not what keeps the budget. A fill never waits for another's claim, so
// there is nothing to deadlock on: it waits only for what is being removed or given up, which ends by itself.
//
// A fill that gets no more space on disk, or whose disk is full or fails, goes on in memory from where it is, up to
// MemoryBytes; past that Append fails with ErrFull. Such an entry is acquired and followed like any other, and vanishes with
// its last holder. After EIO no fill uses the disk for a minute.
//
// # Locks
//
// Cache.mu guards the index, the table of live entries, the count of bytes, and of each body who holds it. body.mu guards
// how far an entry has grown and who waits for it. room.mu guards what caches share of memory and of the disk's free
// space. Cache.mu may be taken first, never after one of these, which are not taken together. sizeIndex.mu guards the
// sizes and is taken with no other. Cache.remaking orders the making anew of a directory; Cache.mu may be taken with it held. No file is read, written, renamed or removed under any of them: who needs the
// disk in between takes a reference, which pins the entry, and unlocks. A read of bytes that are there takes no lock.
package cache
