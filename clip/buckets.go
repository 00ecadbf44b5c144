package clip

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// How much a timeline holds in memory: some 35 MB of fragments, and hours without any, which weigh next to nothing.
const (
	maxHeldFragments = 200_000
	maxHeldHours     = 50_000
)

// bucketKey names an hour of a stream.
type bucketKey struct {
	stream StreamName
	hour   int64 // seconds since 1970, a multiple of bucketLength
}

// keyOf gives the key of the hour in which t lies.
func keyOf(stream StreamName, t time.Time) bucketKey {
	return bucketKey{stream, t.Truncate(bucketLength).Unix()}
}

// span is the hour.
func (k bucketKey) span() Span {
	start := time.Unix(k.hour, 0).UTC()
	return Span{Start: start, End: start.Add(bucketLength)}
}

// bucket is one hour of a stream as the archive told it, immutable.
type bucket struct {
	fragments []Fragment // by time, each once
	spacing   spacing
	asked     time.Time
	// settled says that the hour was over when it was asked for: only footage that is uploaded late can change it.
	settled bool
	// expires is when an hour that is not settled has to be asked for again.
	expires time.Time
}

// buckets holds hours, those last used, up to a number of fragments. It is not safe for concurrent use.
type buckets struct {
	lru  *simplelru.LRU[bucketKey, bucket]
	held int
}

// newBuckets gives an empty one.
func newBuckets() *buckets {
	b := &buckets{}
	var err error
	b.lru, err = simplelru.NewLRU(maxHeldHours, func(_ bucketKey, v bucket) { b.held -= len(v.fragments) })
	if err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return b
}

// get gives an hour and counts that as use.
func (b *buckets) get(k bucketKey) (bucket, bool) { return b.lru.Get(k) }

// put holds an hour and lets go of others for it.
func (b *buckets) put(k bucketKey, v bucket) {
	b.lru.Remove(k)
	b.lru.Add(k, v)
	b.held += len(v.fragments)
	for b.held > maxHeldFragments && b.lru.Len() > 1 {
		b.lru.RemoveOldest()
	}
}

// remove lets go of an hour.
func (b *buckets) remove(k bucketKey) { b.lru.Remove(k) }

// removeStream lets go of all hours of a stream.
func (b *buckets) removeStream(name StreamName) {
	for _, k := range b.lru.Keys() {
		if k.stream == name {
			b.lru.Remove(k)
		}
	}
}
