// Package cache keeps payloads on disk within bounds that are never exceeded. Any number of readers can follow one
// that is still being written.
//
// A Cache is a directory. An Entry is an immutable sequence of bytes under a Key. Acquire returns the entry of a key: the
// whole one on disk, else the one that is being filled, else a new one. For a new one it starts the caller's Fill in a
// goroutine. Readers wait only for the bytes they ask for. When a Fill returns nil the file is completed and renamed to
// its final name. Until then it has a temporary name, and a later start removes it.
//
// # Layers
//
// Each layer uses only those below it.
//
//	entries     cache.go writer.go fill.go entry.go acquire.go   what callers see; runs fills, and does the I/O that the
//	            tend.go                                          accounting asks for
//	accounting  index.go pause.go budget.go holders.go           which entries there are, what each costs, which are held,
//	                                                             which goes next; does no I/O, knows no files
//	content     content.go                                       how far an entry has come, and which readers wait
//	disk        footer.go checks.go storage.go file.go           an entry's file, or memory where the disk takes no more
//	            lock.go directory.go space.go inspect.go         the directory, its lock, free space, a look into it
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
// A fill outlives any one reader. Its context ends when the entry has had no holder for Linger, or when the cache closes.
// While the entry has no holder the fill is paused: Append blocks, so nothing more is fetched.
//
// # On disk
//
//	DIR/lock                       flock: one process per directory; its pid, and until when if it will leave
//	DIR/sizes                      exact sizes that outlive their entries (sizes.go)
//	DIR/data/KEY.CREATED.part      growing
//	DIR/data/KEY.SIZE.CREATED      whole; its modification time is that of its last use
//
// A whole file has its SIZE bytes at their offsets and a footer behind them: what the entry is, when it expires, and a
// CRC-32C of every 64 KiB (footer.go). The length of the footer follows from SIZE, so the name of a file tells its length
// and its cost.
//
// A fill always makes a file with a new name, so removing an old file cannot hit a new one. Another process may remove
// files at any time: a missing file is a miss, and a file of another length than its name says is dropped. Inspect, Verify
// and Clear rely on that and take no lock. If the directories themselves are removed they are made and locked again. A
// kill at any moment leaves whole files, and growing ones that the next Open removes.
//
// # Checks
//
// Each 64 KiB of an entry found on disk are checked by the first read that wants them, in the bytes that it returns. So a
// read of a large entry waits only for the blocks it touches. A block is checked once per start, unless another program
// has changed the file. Its change time (st_ctime), which nobody can set, tells that. The change time is compared when the
// file is opened and closed, so an open reader may see such changes. A block that does not match, or that the disk cannot
// read (EIO), drops the entry: the reader gets ErrDamaged, and the next Acquire fills it again.
//
// # Start
//
// Open takes the lock and returns. The rest runs in the background, at once or, with Options.Lazy, when Begin is called or
// an entry is asked for. First the directory is listed: names tell keys and costs, so from then on entries are found and
// the budget is right. Acquire, Has, Drop and Stats wait for this step, some milliseconds for ten thousand entries. Then
// each file's length and last use are read; evictions wait for this, as they need the order. Then the footers are read,
// and expired entries are removed. Once a minute this is repeated, and entries whose files others have removed go.
//
// # Bounds
//
// Append takes what it will write from the budget before it writes, in blocks, with the footer. A file's bytes go back
// only after it was removed and closed. So all files together never take more than MaxBytes, even those that are open but
// have no name any more. Nor does the file system's free space ever fall below MinFree because of us: bytes that were
// taken and are not yet written are summed up. Append asks statfs after it has raised the sum, and writes only if that
// leaves MinFree beside the sum. The last to raise the sum sees all others, so parallel fills cannot pass it together.
//
// A held entry is never evicted. Idle entries go first, least recently used first. Then paused fills are given up, longest
// paused first.
//
// A fill also claims what it will still need: what its Request expects, and from Announce on the exact rest. A claim is of
// space that is free or idle, so it evicts nothing before the bytes come: sixteen downloads that are given up after their
// heads have cost no other entry its place. Claims are granted in the order of coming, no further than there is space.
// A claim is given back while the fill is paused, and holds against later fills. Only the first 1 MiB of an entry passes
// the claims of others, so a small cache still takes heads while two large fills have claimed all of it. Claims order
// which fill gets the space; they do not keep the budget. A fill never waits for another's claim, so there is no deadlock:
// it waits only for what is being removed or given up, which ends by itself.
//
// A fill that gets no more space on disk, or whose disk is full or fails, goes on in memory, up to MemoryBytes. Past that
// Append fails with ErrFull. Such an entry is acquired and followed like any other, and goes with its last holder. After
// EIO no fill uses the disk for a minute.
//
// # Locks
//
//	index.mu      all of the accounting
//	content.mu    the size and the waiters of one entry
//	file.mu       what is known of one entry's file
//	memory.mu     memory, shared by caches beside each other
//	space.mu      bytes on their way to the disk, shared likewise
//	sizes.mu      the sizes
//
// index.mu may be held when content.mu or memory.mu is taken, never the other way round. The others are taken alone. No
// file is read, written, renamed or removed under any of them. A read of bytes that have come takes no lock.
package cache
