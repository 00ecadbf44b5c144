package timeline

import (
	"iter"
	"math/bits"
	"slices"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/timeline/packed"
)

const (
	bucketLength = time.Hour
	// maxBucketItems bounds the fragments of one hour: 3,600 of 1 s, and many times that.
	maxBucketItems = 100_000
	// EdgeAge is how long after its end an hour still counts as the live edge: what is persisted shows up in listings
	// within a second as a rule, and producers may be late by more.
	EdgeAge = time.Minute
	// edgeTTL is how long an answer about the live edge is valid.
	edgeTTL = 2 * time.Second
)

// bucketKey names an hour of a stream.
type bucketKey struct {
	stream archive.StreamName
	hour   int64 // seconds since 1970, a multiple of bucketLength
}

func keyOf(stream archive.StreamName, t time.Time) bucketKey {
	return bucketKey{stream, t.Truncate(bucketLength).Unix()}
}

// hoursOf gives the hours that a span touches.
func hoursOf(stream archive.StreamName, span archive.Span) []bucketKey {
	var keys []bucketKey
	for h := span.Start.Truncate(bucketLength); h.Before(span.End); h = h.Add(bucketLength) {
		keys = append(keys, keyOf(stream, h))
	}
	return keys
}

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
	fragments packed.List // of the minutes that are known, by time, each once
	known     minutes
	// asked is when it was asked for; if it was in pieces, for the first of them.
	asked time.Time
	// settled says that the hour was over when it was asked for: only footage that is uploaded late can change it.
	settled bool
	// validUntil is when an hour that is not settled has to be asked for again.
	validUntil time.Time
	// serial tells it from every other hour that was kept before: buckets.put numbers them, from 1 on.
	serial uint64
}

// with gives the hour once more of its minutes were asked for. They replace what was known of them; of the rest, what is still valid stays.
func (b bucket) with(more bucket, by archive.Selector) bucket {
	if b.known&^more.known == 0 || b.settled != more.settled || !b.settled && !more.asked.Before(b.validUntil) {
		return more
	}
	minuteOf := func(f archive.Fragment) minutes { return 1 << (f.Time(by).Unix() / 60 % int64(minutesOfHour)) }
	all := make([]archive.Fragment, 0, b.fragments.Len()+more.fragments.Len())
	for _, f := range b.fragments.Fragments() {
		if more.known&minuteOf(f) == 0 {
			all = append(all, f)
		}
	}
	all = more.fragments.AppendTo(all)
	slices.SortStableFunc(all, func(a, b archive.Fragment) int { return a.Time(by).Compare(b.Time(by)) })
	more.fragments, more.known = packed.Of(all), b.known|more.known
	if b.asked.Before(more.asked) {
		more.asked = b.asked
	}
	if b.validUntil.Before(more.validUntil) {
		more.validUntil = b.validUntil
	}
	return more
}

// dayKey names a day (UTC) of a stream, as files on disk are.
type dayKey struct {
	stream archive.StreamName
	day    int64 // seconds since 1970
}

func (k bucketKey) day() dayKey {
	const day = int64(24 * time.Hour / time.Second)
	return dayKey{k.stream, k.hour / day * day}
}
