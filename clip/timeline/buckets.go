package timeline

import (
	"maps"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"clipfs/clip/archive"
	"clipfs/clip/timeline/packed"
)

// How much is kept in memory: of the hours used last a quarter of a day of fragments of 2 s, some 2 MB, and more that are packed, 7 MB at most.
// Hours without any fragments weigh next to nothing.
const (
	maxHeldFragments  = 200_000
	maxLooseFragments = 15_000
	maxHeldHours      = 50_000
	// maxReadDays bounds how many days are remembered as read.
	maxReadDays = 10_000
)

// buckets keeps the hours used last, up to a number of fragments. Those that were used some time ago are packed, which takes a
// millisecond an hour each way. It is not safe for concurrent use.
type buckets struct {
	// lru has hours without their fragments, which lists has.
	lru   *simplelru.LRU[bucketKey, bucket]
	lists *packed.Lists[bucketKey]
	// held is how many fragments there are.
	held int
	// read has the days whose files were read.
	read map[dayKey]bool
	// serial is that of the hour that was put last.
	serial uint64
}

func newBuckets() *buckets {
	b := &buckets{lists: packed.NewLists[bucketKey](maxLooseFragments), read: make(map[dayKey]bool)}
	var err error
	b.lru, err = simplelru.NewLRU(maxHeldHours, func(k bucketKey, _ bucket) {
		b.held -= b.lists.Remove(k)
		delete(b.read, k.day())
	})
	if err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return b
}

// get counts as use. It unpacks the fragments, and keeps them so for a while.
func (b *buckets) get(k bucketKey) (bucket, bool) {
	v, ok := b.lru.Get(k)
	v.fragments = b.lists.Get(k)
	return v, ok
}

// peek is get with the fragments as they are kept, packed as a rule.
func (b *buckets) peek(k bucketKey) (bucket, bool) {
	v, ok := b.lru.Get(k)
	v.fragments = b.lists.Peek(k)
	return v, ok
}

// put adds an hour and drops others for it.
func (b *buckets) put(k bucketKey, v bucket) {
	b.held += v.fragments.Len() - b.lists.Remove(k)
	b.lists.Put(k, v.fragments)
	v.fragments = packed.List{}
	b.serial++
	v.serial = b.serial
	b.lru.Add(k, v)
	for b.held > maxHeldFragments && b.lru.Len() > 1 {
		b.lru.RemoveOldest()
	}
}

func (b *buckets) remove(k bucketKey) { b.lru.Remove(k) }

func (b *buckets) removeStream(name archive.StreamName) {
	for _, k := range b.lru.Keys() {
		if k.stream == name {
			b.lru.Remove(k)
		}
	}
	maps.DeleteFunc(b.read, func(k dayKey, _ bool) bool { return k.stream == name })
}
