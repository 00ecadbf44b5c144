package clip

import (
	"iter"
	"maps"
	"math/bits"
	"slices"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"clipfs/clip/archive"
)

// How much a timeline holds in memory: some 35 MB of fragments, and hours without any, which weigh next to nothing.
const (
	maxHeldFragments = 200_000
	maxHeldHours     = 50_000
	// maxReadDays bounds of how many days it is remembered that their files were read.
	maxReadDays = 10_000
)

// bucketKey names an hour of a stream.
type bucketKey struct {
	stream archive.StreamName
	hour   int64 // seconds since 1970, a multiple of bucketLength
}

// keyOf gives the key of the hour in which t lies.
func keyOf(stream archive.StreamName, t time.Time) bucketKey {
	return bucketKey{stream, t.Truncate(bucketLength).Unix()}
}

// hoursOf gives the keys of the hours that a span touches.
func hoursOf(stream archive.StreamName, span archive.Span) []bucketKey {
	var keys []bucketKey
	for h := span.Start.Truncate(bucketLength); h.Before(span.End); h = h.Add(bucketLength) {
		keys = append(keys, keyOf(stream, h))
	}
	return keys
}

// span is the hour.
func (k bucketKey) span() archive.Span {
	start := time.Unix(k.hour, 0).UTC()
	return archive.Span{Start: start, End: start.Add(bucketLength)}
}

// minutes is a set of minutes of an hour, a bit each.
type minutes uint64

const (
	minutesOfHour         = int(bucketLength / time.Minute)
	allMinutes    minutes = 1<<minutesOfHour - 1
)

// minutes gives those of the hour that a span touches.
func (k bucketKey) minutes(span archive.Span) minutes {
	hour := k.span()
	if span = span.Intersect(hour); span.Empty() {
		return 0
	}
	from := span.Start.Sub(hour.Start) / time.Minute
	to := (span.End.Sub(hour.Start) + time.Minute - 1) / time.Minute
	return allMinutes << from & (allMinutes >> (minutesOfHour - int(to)))
}

// runs gives the spans of those minutes of the hour that stand side by side.
func (k bucketKey) runs(m minutes) iter.Seq[archive.Span] {
	return func(yield func(archive.Span) bool) {
		hour := k.span().Start
		for at := 0; m>>at != 0; {
			at += bits.TrailingZeros64(uint64(m >> at))
			n := bits.TrailingZeros64(^uint64(m >> at))
			if !yield(archive.NewSpan(hour.Add(time.Duration(at)*time.Minute), time.Duration(n)*time.Minute)) {
				return
			}
			at += n
		}
	}
}

// bucket is an hour of a stream, or some minutes of one, as the archive told it, immutable.
type bucket struct {
	fragments []archive.Fragment // of the minutes that are known, by time, each once
	known     minutes
	// asked is when it was asked for; if it was in pieces, for the first of them.
	asked time.Time
	// settled says that the hour was over when it was asked for: only footage that is uploaded late can change it.
	settled bool
	// expires is when an hour that is not settled has to be asked for again.
	expires time.Time
}

// with gives the hour as it is known once more of its minutes were asked for: those in the place of what was known of
// them, and beside them what holds of the rest.
func (b bucket) with(more bucket, by archive.Selector) bucket {
	if b.known&^more.known == 0 || b.settled != more.settled || !b.settled && !more.asked.Before(b.expires) {
		return more
	}
	minuteOf := func(f archive.Fragment) minutes { return 1 << (f.Time(by).Unix() / 60 % int64(minutesOfHour)) }
	all := make([]archive.Fragment, 0, len(b.fragments)+len(more.fragments))
	for _, f := range b.fragments {
		if more.known&minuteOf(f) == 0 {
			all = append(all, f)
		}
	}
	all = append(all, more.fragments...)
	slices.SortStableFunc(all, func(a, b archive.Fragment) int { return a.Time(by).Compare(b.Time(by)) })
	more.fragments, more.known = all, b.known|more.known
	if b.asked.Before(more.asked) {
		more.asked = b.asked
	}
	if b.expires.Before(more.expires) {
		more.expires = b.expires
	}
	return more
}

// buckets holds hours, those last used, up to a number of fragments. It is not safe for concurrent use.
type buckets struct {
	lru  *simplelru.LRU[bucketKey, bucket]
	held int
	// read has the days of which everything on disk is held.
	read map[dayKey]bool
}

// dayKey names a day (UTC) of a stream, as files on disk are.
type dayKey struct {
	stream archive.StreamName
	day    int64 // seconds since 1970
}

// day gives the day in which the hour lies.
func (k bucketKey) day() dayKey {
	const day = int64(24 * time.Hour / time.Second)
	return dayKey{k.stream, k.hour / day * day}
}

// newBuckets gives an empty one.
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

// get gives an hour and counts that as use.
func (b *buckets) get(k bucketKey) (bucket, bool) { return b.lru.Get(k) }

// put holds an hour and lets go of others for it.
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

// remove lets go of an hour.
func (b *buckets) remove(k bucketKey) { b.lru.Remove(k) }

// removeStream lets go of all hours of a stream.
func (b *buckets) removeStream(name archive.StreamName) {
	for _, k := range b.lru.Keys() {
		if k.stream == name {
			b.lru.Remove(k)
		}
	}
	maps.DeleteFunc(b.read, func(k dayKey, _ bool) bool { return k.stream == name })
}
