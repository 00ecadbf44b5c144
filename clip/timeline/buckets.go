package timeline

import (
	"maps"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"clipfs/clip/archive"
)

// How much is kept in memory: some 35 MB of fragments, and hours without any, which weigh next to nothing.
const (
	maxHeldFragments = 200_000
	maxHeldHours     = 50_000
	// maxReadDays bounds how many days are remembered as read.
	maxReadDays = 10_000
)

// buckets keeps the hours used last, up to a number of fragments. It is not safe for concurrent use.
type buckets struct {
	lru  *simplelru.LRU[bucketKey, bucket]
	held int
	// read has the days whose files were read.
	read map[dayKey]bool
}

func newBuckets() *buckets {
	b := &buckets{read: make(map[dayKey]bool)}
	var err error
	b.lru, err = simplelru.NewLRU(maxHeldHours, func(k bucketKey, v bucket) {
		b.held -= len(v.fragments)
		delete(b.read, k.day())
	})
	if err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return b
}

// get counts as use.
func (b *buckets) get(k bucketKey) (bucket, bool) { return b.lru.Get(k) }

// put adds an hour and drops others for it.
func (b *buckets) put(k bucketKey, v bucket) {
	if before, ok := b.lru.Peek(k); ok {
		b.held -= len(before.fragments)
	}
	b.lru.Add(k, v)
	b.held += len(v.fragments)
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
