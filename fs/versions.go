package fs

import (
	"maps"
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
	// back has what callers were answered ESTALE for, so that each finds it again whatever others opened at the path since.
	back map[callerAt]stuckVersion
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

// callerAt is a thread and the path that it opens.
type callerAt struct {
	ino uint64
	pid uint32
}

func newVersions() *versions {
	return &versions{
		live:  make(map[versionID]weak.Pointer[version]),
		stuck: make(map[uint64]stuckVersion), back: make(map[callerAt]stuckVersion),
	}
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

// stick makes lookups of the version's path give this version for a moment, and those of the caller that was sent back until
// it has come back.
func (t *versions) stick(v *version, pid uint32, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.stuck, func(_ uint64, s stuckVersion) bool { return !now.Before(s.until) })
	maps.DeleteFunc(t.back, func(_ callerAt, s stuckVersion) bool { return !now.Before(s.until) })
	t.stuck[v.ino] = stuckVersion{version: v, until: now.Add(stickFor)}
	if pid != unknownPID && len(t.back) < maxSentBack {
		t.back[callerAt{v.ino, pid}] = stuckVersion{version: v, until: now.Add(sentBackFor)}
	}
}

// unstick lets the next lookup of the version's path find what is there now.
func (t *versions) unstick(v *version) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.stuck, v.ino)
	for at, s := range t.back {
		if s.version == v {
			t.back[at] = stuckVersion{until: s.until} // it still comes back
		}
	}
}

// cameBack is called when a caller opens a version, and forgets that it was sent back to its path. It reports whether that
// was with another version: then what the kernel knows of this one is as young as its lookup.
func (t *versions) cameBack(v *version, pid uint32, now time.Time) (toAnother bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.back[callerAt{v.ino, pid}]
	delete(t.back, callerAt{v.ino, pid})
	return ok && now.Before(s.until) && s.version != v
}

// stuckAt gives the version that the path with that inode number keeps now for a caller; nil if none.
func (t *versions) stuckAt(ino uint64, pid uint32, now time.Time) *version {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.back[callerAt{ino, pid}]; s.version != nil && now.Before(s.until) {
		return s.version
	}
	if s, ok := t.stuck[ino]; ok && now.Before(s.until) {
		return s.version
	}
	return nil
}
