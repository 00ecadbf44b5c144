package fs

import (
	"runtime"
	"sync"
	"time"
	"weak"

	"clipfs/fs/tree"
)

// stickFor is how long a LOOKUP gives the version whose OPEN was answered ESTALE, even if there is a newer one.
const stickFor = 2 * time.Second

// versions is the table of the versions that any inode stands for, so that two lookups of the same footage give the
// same inode. It holds them weakly: a version goes when the kernel has forgotten its inode.
type versions struct {
	// mu guards the rest.
	mu      sync.Mutex
	lastGen uint64
	live    map[versionID]weak.Pointer[version]
	stuck   map[uint64]stuckVersion
}

// versionID is a path and the tree.File.Version found there.
type versionID struct {
	ino uint64
	key string
}

type stuckVersion struct {
	version *version
	until   time.Time
}

func newVersions() *versions {
	return &versions{live: make(map[versionID]weak.Pointer[version]), stuck: make(map[uint64]stuckVersion)}
}

// of gives the version of a file that was found at the path with that inode number.
func (t *versions) of(ino uint64, file *tree.File) *version {
	id := versionID{ino: ino, key: file.Version}
	t.mu.Lock()
	defer t.mu.Unlock()
	if v := t.live[id].Value(); v != nil {
		return v
	}
	t.lastGen++
	v := &version{file: file, ino: ino, gen: t.lastGen, exact: notTold, told: notTold}
	t.live[id] = weak.Make(v)
	runtime.AddCleanup(v, t.forget, id)
	return v
}

// forget removes a version that nothing points to any more, unless the same footage was looked up again since.
func (t *versions) forget(id versionID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live[id].Value() == nil {
		delete(t.live, id)
	}
}

// stick makes lookups of the version's path give this version for a moment.
func (t *versions) stick(v *version, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for ino, s := range t.stuck {
		if !now.Before(s.until) {
			delete(t.stuck, ino)
		}
	}
	t.stuck[v.ino] = stuckVersion{version: v, until: now.Add(stickFor)}
}

// unstick lets the next lookup of the version's path find what is there now.
func (t *versions) unstick(v *version) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.stuck, v.ino)
}

// stuckAt gives the version that the path with that inode number keeps now; nil if none.
func (t *versions) stuckAt(ino uint64, now time.Time) *version {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.stuck[ino]
	if !ok {
		return nil
	}
	if !now.Before(s.until) {
		delete(t.stuck, ino)
		return nil
	}
	return s.version
}
