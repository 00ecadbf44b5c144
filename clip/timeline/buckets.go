package timeline

import (
	"maps"
	"slices"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"clipfs/clip/archive"
	"clipfs/clip/timeline/packed"
)

// How much is kept in memory: of the hours used last a day of fragments of 2 s, some 9 MB, and more that are packed, 6 MB at most.
// Hours without any fragments weigh next to nothing.
const (
	maxHeldFragments  = 200_000
	maxLooseFragments = 50_000
	maxHeldHours      = 50_000
	// maxReadDays bounds how many days are remembered as read.
	maxReadDays = 10_000
)

// buckets keeps the hours used last, up to a number of fragments. Those that were used some time ago are packed, which takes a
// millisecond an hour each way. It is not safe for concurrent use.
type buckets struct {
	lru  *simplelru.LRU[bucketKey, *kept]
	held int
	// loose has the hours that have fragments which are not packed, and how many; unpacked is how many in all.
	loose    *simplelru.LRU[bucketKey, int]
	unpacked int
	// read has the days whose files were read.
	read map[dayKey]bool
}

// kept is an hour in memory. Where packed is not nil it has its fragments.
type kept struct {
	bucket
	packed []byte
	count  int
}

func newBuckets() *buckets {
	b := &buckets{read: make(map[dayKey]bool)}
	var err, looseErr error
	b.lru, err = simplelru.NewLRU(maxHeldHours, func(k bucketKey, v *kept) {
		b.held -= v.count
		b.forgetLoose(k)
		delete(b.read, k.day())
	})
	b.loose, looseErr = simplelru.NewLRU[bucketKey, int](maxHeldHours, nil)
	if err != nil || looseErr != nil {
		panic("a size is not positive")
	}
	return b
}

// get counts as use.
func (b *buckets) get(k bucketKey) (bucket, bool) {
	v, ok := b.lru.Get(k)
	if !ok {
		return bucket{}, false
	}
	if v.packed != nil {
		all, err := packed.Unpack(v.packed, v.count)
		if err != nil {
			b.lru.Remove(k) // cannot be: it was unpacked before
			return bucket{}, false
		}
		v.fragments, v.packed = all, nil
	}
	found := v.bucket
	b.loosen(k, v.count)
	return found, true
}

// put adds an hour and drops others for it.
func (b *buckets) put(k bucketKey, v bucket) {
	if before, ok := b.lru.Peek(k); ok {
		b.held -= before.count
	}
	v.fragments = slices.Clone(v.fragments) // else they keep all of an answer that they are a part of
	b.lru.Add(k, &kept{bucket: v, count: len(v.fragments)})
	b.held += len(v.fragments)
	for b.held > maxHeldFragments && b.lru.Len() > 1 {
		b.lru.RemoveOldest()
	}
	b.loosen(k, len(v.fragments))
}

// loosen notes that an hour with so many fragments is not packed and was used, and packs those that were used longest ago.
func (b *buckets) loosen(k bucketKey, n int) {
	b.forgetLoose(k)
	if n == 0 {
		return
	}
	b.loose.Add(k, n)
	b.unpacked += n
	for b.unpacked > maxLooseFragments && b.loose.Len() > 1 {
		old, n, _ := b.loose.RemoveOldest()
		b.unpacked -= n
		if v, ok := b.lru.Peek(old); ok {
			v.pack()
		}
	}
}

func (b *buckets) forgetLoose(k bucketKey) {
	if n, ok := b.loose.Peek(k); ok {
		b.unpacked -= n
		b.loose.Remove(k)
	}
}

// pack packs the fragments of an hour, if they come out as they were.
func (v *kept) pack() {
	if !packed.Able(v.fragments) {
		return
	}
	p := packed.Pack(v.fragments)
	if again, err := packed.Unpack(p, v.count); err == nil && slices.Equal(again, v.fragments) {
		v.packed, v.fragments = p, nil
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
