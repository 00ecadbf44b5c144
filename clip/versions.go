package clip

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"clipfs/cache"
	"clipfs/clip/archive"
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

// version is what is known of one payload, or of the file of a clip of many parts.
type version struct {
	// number goes up each time that it came back different.
	number int
	// seen tells that last is of a head that was served.
	seen bool
	last look
	// doubted tells that the size noted on disk is that of an older version.
	doubted bool
	// vouched tells that the payload on disk was found whole.
	vouched bool
}

// look is what a payload's head looks like.
type look struct {
	size int64
	// digest tells all heads apart.
	digest [sha256.Size]byte
	// tables tells those apart whose samples differ; it holds where understood is set.
	tables     [sha256.Size]byte
	understood bool
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

// size gives the exact size of a version, as it was noted in this or an earlier run.
func (v *versions) size(key cache.Key, number int) (int64, bool) {
	v.mu.Lock()
	known, _ := v.byKey.Peek(key)
	v.mu.Unlock()
	if known.number != number || known.doubted {
		return 0, false
	}
	return v.cache.KnownSize(key)
}

// seen reports whether a head of the payload was served since we started.
func (v *versions) seen(key cache.Key) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, _ := v.byKey.Peek(key)
	return known.seen
}

// vouches reports whether the payload on disk is known to be whole.
func (v *versions) vouches(key cache.Key) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, _ := v.byKey.Peek(key)
	return known.seen || known.vouched
}

// vouch notes that the payload on disk is whole.
func (v *versions) vouch(key cache.Key) {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, _ := v.byKey.Get(key)
	known.vouched = true
	v.byKey.Add(key, known)
}

// keeps reports whether nothing is known that speaks against a payload having these tables.
func (v *versions) keeps(key cache.Key, tables [sha256.Size]byte) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, _ := v.byKey.Peek(key)
	return !known.seen || !known.last.understood || known.last.tables == tables
}

// outdate makes a version give way to the next, unless it has already.
func (v *versions) outdate(key cache.Key, number int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, _ := v.byKey.Get(key)
	if known.number == number {
		v.byKey.Add(key, version{number: number + 1, doubted: true})
	}
}

// forget drops what is known of a payload that is not served, as its key can be that of the clip that is made instead.
func (v *versions) forget(key cache.Key) {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, _ := v.byKey.Get(key)
	v.byKey.Add(key, version{number: known.number, doubted: true})
}

// check compares a payload's head with the one seen before, by size of the whole payload and digest of the head. The
// first is remembered. ErrChanged if it differs; the new one is remembered then, as the next version.
func (v *versions) check(key cache.Key, now look) error {
	noted, wasNoted := v.cache.KnownSize(key)
	v.mu.Lock()
	known, _ := v.byKey.Get(key)
	same := !wasNoted || known.doubted || noted == now.size
	if known.seen {
		same = known.last.size == now.size && known.last.digest == now.digest
	}
	next := version{number: known.number, seen: true, last: now}
	if !same {
		next.number++
	}
	v.byKey.Add(key, next)
	v.mu.Unlock()

	if !wasNoted || noted != now.size {
		v.cache.NoteSize(key, now.size)
	}
	if !same {
		return fmt.Errorf("the payload differs from the one fetched before: %w", archive.ErrChanged)
	}
	return nil
}

// agrees compares what a version of a file is with what it was before in this run, as check does, but neither knows its size nor
// notes it: it is that of another key.
func (v *versions) agrees(key cache.Key, now look) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, _ := v.byKey.Get(key)
	same := !known.seen || known.last.size == now.size && known.last.digest == now.digest
	next := version{number: known.number, seen: true, last: now, doubted: true}
	if !same {
		next.number++
	}
	v.byKey.Add(key, next)
	if !same {
		return fmt.Errorf("clip %s differs from the one made before: %w", key, archive.ErrChanged)
	}
	return nil
}

// recognise compares the head of a payload that has just come with what is known of it: since we started, and, of its
// tables, since it was first part of a clip of many. ErrChanged if it is another one; it is known by that from then on.
func (l *Library) recognise(key cache.Key, now look) error {
	if now.understood && !l.versions.seen(key) {
		if stored, ok := l.heads.stored(context.Background(), key); ok && stored.split == 0 && stored.tables != now.tables {
			l.heads.drop(key)
			l.versions.outdate(key, l.versions.current(key))
			l.versions.adopt(key, now)
			return fmt.Errorf("the payload differs from the one whose head was kept: %w", archive.ErrChanged)
		}
	}
	kept := !now.understood || l.versions.keeps(key, now.tables)
	err := l.versions.check(key, now)
	if !kept {
		l.heads.drop(key)
	}
	return err
}

// adopt remembers a head as that of the present version.
func (v *versions) adopt(key cache.Key, now look) {
	v.mu.Lock()
	known, _ := v.byKey.Get(key)
	v.byKey.Add(key, version{number: known.number, seen: true, last: now})
	v.mu.Unlock()
	v.cache.NoteSize(key, now.size)
}
