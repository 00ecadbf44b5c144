package cache

import (
	"context"

	"clipfs/cache/disk"
)

// Holder returns the process that has the cache in a directory open; held is false if there is none. It has the lock for a
// moment, shared with others that ask: a mount that starts just then finds the directory in use, and has to try again.
func Holder(dir string) (pid int, held bool, err error) { return disk.Holder(dir) }

// Inspect lists what is in the directory of a cache, least recently used first. It needs no lock: a cache that is in use
// may have other entries by the time it returns. A missing directory is empty.
func Inspect(dir string) ([]Info, error) { return disk.Inspect(dir) }

// Verify reads every whole entry in the directory of a cache and yields each with what is wrong with it in Err. It needs
// no lock. Entries that go meanwhile are left out. Between entries it ends early with the cause of ctx.
func Verify(ctx context.Context, dir string, yield func(Info)) error {
	return disk.Verify(ctx, dir, yield)
}

// Clear removes the entries in the directory of a cache that match, and returns what they were. It needs no lock: a cache
// that is in use takes a removed entry for a miss, and its holders can read it to its end. Growing entries are left to the
// process that fills them; those that such a process left when it ended are removed too.
func Clear(dir string, match func(Info) bool) ([]Info, error) { return disk.Clear(dir, match) }
