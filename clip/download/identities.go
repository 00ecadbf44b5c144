package download

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/recent"
	"clipfs/clip/tier"
)

// maxIdentities bounds how many identities are remembered.
const maxIdentities = 16_384

// Identity is what tells one payload from another of its key.
type Identity = tier.Identity

// Identities remembers what each payload was, so that a payload that is fetched again is known to be the same before any
// of it is served, and counts its versions. It acquires no entry.
type Identities struct {
	sizes sizes

	// mu guards byKey.
	mu    sync.Mutex
	byKey *simplelru.LRU[cache.Key, version]
}

// version is what is known of one payload, or of the file of a clip of many parts.
type version struct {
	// number goes up each time that it came back different.
	number int
	// seen says that last is of a head that was served.
	seen bool
	last Identity
	// kept has the tables of the head on disk, where recalled says so.
	kept     [sha256.Size]byte
	recalled bool
	// doubted says that the size on disk is that of an older version.
	doubted bool
	// vouched says that the payload on disk was found whole.
	vouched bool
}

// newIdentities gives an empty memory.
func newIdentities(s sizes) *Identities {
	return &Identities{sizes: s, byKey: recent.List[cache.Key, version](maxIdentities)}
}

// of gives what is known of a key.
func (i *Identities) of(key cache.Key) version {
	i.mu.Lock()
	defer i.mu.Unlock()
	known, _ := i.byKey.Get(key)
	return known
}

// change changes what is known of a key.
func (i *Identities) change(key cache.Key, change func(v *version)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	known, _ := i.byKey.Get(key)
	change(&known)
	i.byKey.Add(key, known)
}

// Current gives the number of the present version.
func (i *Identities) Current(key cache.Key) int { return i.of(key).number }

// Size gives the exact size of a version, as it was noted in this or an earlier run.
func (i *Identities) Size(key cache.Key, number int) (int64, bool) {
	if known := i.of(key); known.number != number || known.doubted {
		return 0, false
	}
	return i.sizes.KnownSize(key)
}

// Keeps reports whether nothing is known that speaks against a payload having these tables.
func (i *Identities) Keeps(key cache.Key, tables [sha256.Size]byte) bool {
	known := i.of(key)
	return !known.seen || !known.last.Understood || known.last.Tables == tables
}

// Outdate makes a version give way to the next, unless it has already.
func (i *Identities) Outdate(key cache.Key, number int) {
	i.change(key, func(v *version) {
		if v.number == number {
			*v = version{number: number + 1, doubted: true}
		}
	})
}

// Forget drops what is known of a payload that is not served: its key can be that of the clip that is made instead.
func (i *Identities) Forget(key cache.Key) {
	i.change(key, func(v *version) { *v = version{number: v.number, doubted: true} })
}

// vouches reports whether the payload on disk is known to be whole.
func (i *Identities) vouches(key cache.Key) bool {
	known := i.of(key)
	return known.seen || known.vouched
}

// vouch notes that the payload on disk is whole.
func (i *Identities) vouch(key cache.Key) { i.change(key, func(v *version) { v.vouched = true }) }

// recall notes the tables of the head on disk.
func (i *Identities) recall(key cache.Key, tables [sha256.Size]byte) {
	i.change(key, func(v *version) { v.kept, v.recalled = tables, true })
}

// forgetHead notes that there is no head on disk.
func (i *Identities) forgetHead(key cache.Key) {
	i.change(key, func(v *version) { v.recalled = false })
}

// allows reports whether nothing is known that speaks against what another host has being this payload.
func (i *Identities) allows(key cache.Key, other Identity) bool {
	noted, wasNoted := i.sizes.KnownSize(key)
	known := i.of(key)
	switch {
	case known.seen:
		return known.last.Size == other.Size && known.last.Digest == other.Digest
	case known.recalled && known.kept != other.Tables:
		return false
	}
	return !wasNoted || known.doubted || noted == other.Size
}

// Check compares what came under a key with what was there before, by size and digest; before this run by size, and by the
// tables of the head on disk. What came is remembered. ErrChanged if it differs: it is the next version then.
func (i *Identities) Check(key cache.Key, now Identity) error {
	_, err := i.recognise(key, now)
	return err
}

// recognise is Check. It also reports whether the head on disk is that of another payload.
func (i *Identities) recognise(key cache.Key, now Identity) (otherHead bool, err error) {
	noted, wasNoted := i.sizes.KnownSize(key)
	if !wasNoted || noted != now.Size {
		defer i.sizes.NoteSize(key, now.Size)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	known, _ := i.byKey.Get(key)
	next := version{number: known.number, seen: true, last: now, kept: known.kept, recalled: known.recalled}
	before, same := "fetched before", !wasNoted || known.doubted || noted == now.Size
	switch {
	case known.seen:
		same = known.last.Size == now.Size && known.last.Digest == now.Digest
		otherHead = known.last.Understood && now.Understood && known.last.Tables != now.Tables
	case known.recalled && now.Understood && known.kept != now.Tables:
		before, same, otherHead = "whose head was kept", false, true
	}
	if otherHead {
		next.recalled = false
	}
	if !same {
		next.number++
		err = fmt.Errorf("the payload differs from the one %s: %w", before, archive.ErrChanged)
	}
	i.byKey.Add(key, next)
	return otherHead, err
}

// Agrees compares what a version of a file is with what it was before in this run, as Check does, but neither knows its size
// nor notes it: it is that of another key.
func (i *Identities) Agrees(key cache.Key, now Identity) (err error) {
	i.change(key, func(v *version) {
		next := version{number: v.number, seen: true, last: now, doubted: true}
		if v.seen && (v.last.Size != now.Size || v.last.Digest != now.Digest) {
			next.number++
			err = fmt.Errorf("clip %s differs from the one made before: %w", key, archive.ErrChanged)
		}
		*v = next
	})
	return err
}
