package clip

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"clipfs/cache"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// maxVersions bounds how many heads are remembered.
const maxVersions = 16_384

// versions remembers what the head of each payload was, so that a payload fetched again is known to be the same one
// before any of it is served, and counts the times that it was not.
type versions struct {
	cache *cache.Cache

	// mu guards byKey.
	mu    sync.Mutex
	byKey *simplelru.LRU[cache.Key, version]
}

// version is what is known of one payload.
type version struct {
	// number goes up each time that a payload came back different.
	number int
	// seen tells that digest and size are those of a head that was served.
	seen   bool
	digest [sha256.Size]byte
	size   int64
}

// newVersions gives an empty memory; exact sizes are noted in the cache.
func newVersions(c *cache.Cache) *versions {
	byKey, err := simplelru.NewLRU[cache.Key, version](maxVersions, nil)
	if err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return &versions{cache: c, byKey: byKey}
}

// current gives the number of the version that a payload is now.
func (v *versions) current(key cache.Key) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, _ := v.byKey.Get(key)
	return known.number
}

// seen reports whether a head of the payload was served since we started.
func (v *versions) seen(key cache.Key) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, _ := v.byKey.Peek(key)
	return known.seen
}

// check compares a payload's head with the one seen before, by size of the whole payload and digest of the head. The
// first is remembered. ErrChanged if it differs; the new one is remembered then, as the next version.
func (v *versions) check(key cache.Key, size int64, digest [sha256.Size]byte) error {
	noted, wasNoted := v.cache.KnownSize(key)
	v.mu.Lock()
	known, _ := v.byKey.Get(key)
	same := !wasNoted || noted == size
	if known.seen {
		same = known.size == size && known.digest == digest
	}
	next := version{number: known.number, seen: true, digest: digest, size: size}
	if !same {
		next.number++
	}
	v.byKey.Add(key, next)
	v.mu.Unlock()

	if !wasNoted || noted != size {
		v.cache.NoteSize(key, size)
	}
	if !same {
		return fmt.Errorf("payload %s differs from the one fetched before: %w", key, ErrChanged)
	}
	return nil
}
