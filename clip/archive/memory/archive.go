// Package memory is an archive for tests: a service in memory with the rules of Kinesis Video Streams, and faults on demand.
// Its payloads are real MP4, whose bytes tell from which fragment they come.
package memory

import (
	"context"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"clipfs/clip/archive"
)

// Archive is a service in memory. Fields are set before the first call, or within Change.
type Archive struct {
	// Retention, Created and ARN are those of every stream; the name of the stream is added to the ARN, and when it was made.
	Retention time.Duration
	Created   time.Time
	ARN       string
	// MoovLast puts the head of a payload behind its media.
	MoovLast bool
	// Lengths announces the length of bodies.
	Lengths bool
	// Answer changes the fragments that a GetClip call brings, or gives its error.
	Answer func(fragments []archive.Fragment) ([]archive.Fragment, error)
	// KeepsHoles has payloads keep the time between fragments that do not follow each other; else they close it.
	KeepsHoles bool
	// Syncs says which pictures of a payload are sync samples, counted from 0; nil stands for the first of each fragment.
	Syncs func(i int) bool
	// Twice says what GetClip does with footage that was ingested over older footage.
	Twice Overlapped
	// Rewrite changes each payload; nil leaves it as it is.
	Rewrite func(payload []byte) []byte
	// Slow is how long each 16 KiB of a body take.
	Slow time.Duration
	// Body changes the body of a GetClip call before it is sent; n counts calls from 1. A body with a method
	// Wait(context.Context) error is waited for before each read.
	Body func(n int, payload []byte) io.Reader
	// Unread is how many bytes of each body have come that are not read.
	Unread int64
	// Image changes the answer to GetImages call n, or gives its error; Imaging is how long such a call takes.
	Image   func(n int, images []archive.Image) ([]archive.Image, error)
	Imaging time.Duration
	// RefusePayload gives the error of GetClip call n, RefuseListing that of a ListFragments call, RefuseStreams is that
	// of ListStreams calls; each may be nil.
	RefusePayload func(n int) error
	RefuseListing func() error
	RefuseStreams error
	// Page is how long a page of a listing takes.
	Page time.Duration
	// Ordered has listings come in the order of ingestion; as a rule they come in none.
	Ordered bool

	// mu guards the rest, and all fields in Change.
	mu sync.Mutex
	// Recorded is what each stream has, in the order of ingestion.
	Recorded map[archive.StreamName][]archive.Fragment
	// Describes counts DescribeStream calls.
	Describes               int
	payloads, lists, probes int
	// Asked has the GetImages calls.
	Asked []archive.ImageQuery
	// sent counts the bytes of bodies that were read; MostReading is how many bodies were read at once at most.
	sent                 int64
	reading, MostReading int
}

var _ archive.Service = (*Archive)(nil)

// New gives an archive without streams.
func New() *Archive {
	return &Archive{Retention: 40 * 365 * 24 * time.Hour, Recorded: make(map[archive.StreamName][]archive.Fragment)}
}

// Base is when the footage of tests begins: a full hour in the past, by the wall clock and by that of a synctest bubble,
// which begins in 2000.
func Base() time.Time { return time.Date(1999, 12, 31, 20, 0, 0, 0, time.UTC) }

// Change sets fields while calls may be under way.
func (a *Archive) Change(set func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	set()
}

// Record adds count fragments of a length to a stream, from start on, as a camera sends them while it records.
func (a *Archive) Record(name archive.StreamName, start time.Time, count int, length time.Duration) {
	a.Upload(name, start, count, length, start.Add(100*time.Millisecond))
}

// Upload adds count fragments of a length that were recorded from start on and arrive from another time on.
func (a *Archive) Upload(name archive.StreamName, start time.Time, count int, length time.Duration, arrival time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range count {
		later := time.Duration(i) * length
		a.Recorded[name] = append(a.Recorded[name], archive.Fragment{
			ID:       archive.FragmentID(fmt.Sprintf("%047d", arrival.UnixMilli()*1000+int64(i))),
			Producer: start.Add(later).UTC(), Server: arrival.Add(later).UTC(),
			Length: length - lastFrame, Size: 4000,
		})
	}
}

// Calls counts GetClip calls, pages of listings, and ListFragments calls with a limit.
func (a *Archive) Calls() (payloads, lists, probes int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.payloads, a.lists, a.probes
}

// Sent counts the bytes of bodies that were read.
func (a *Archive) Sent() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sent
}

// stream describes a stream.
func (a *Archive) stream(name archive.StreamName) archive.Stream {
	arn := a.ARN + "/" + string(name)
	if !a.Created.IsZero() {
		arn += fmt.Sprintf("/%d", a.Created.UnixMilli())
	}
	return archive.Stream{Name: name, ARN: arn, Created: a.Created, Retention: a.Retention}
}

// Streams yields all streams.
func (a *Archive) Streams(context.Context) iter.Seq2[archive.Stream, error] {
	return func(yield func(archive.Stream, error) bool) {
		a.mu.Lock()
		refused := a.RefuseStreams
		var streams []archive.Stream
		for name := range a.Recorded {
			streams = append(streams, a.stream(name))
		}
		a.mu.Unlock()
		if refused != nil {
			yield(archive.Stream{}, refused)
			return
		}
		for _, s := range streams {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// Stream describes a stream that has a place in Recorded.
func (a *Archive) Stream(_ context.Context, name archive.StreamName) (archive.Stream, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Describes++
	if _, ok := a.Recorded[name]; !ok {
		return archive.Stream{}, archive.ErrNoStream
	}
	return a.stream(name), nil
}

// Selected gives the fragments of a span by time.
func (a *Archive) Selected(name archive.StreamName, by archive.Selector, span archive.Span) []archive.Fragment {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []archive.Fragment
	for _, f := range a.Recorded[name] {
		if span.Contains(f.Time(by)) {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(f, g archive.Fragment) int { return f.Time(by).Compare(g.Time(by)) })
	return out
}

// Fragments yields the fragments of a span, in no order unless Ordered says otherwise.
func (a *Archive) Fragments(ctx context.Context, q archive.FragmentQuery) iter.Seq2[archive.Fragment, error] {
	return func(yield func(archive.Fragment, error) bool) {
		a.mu.Lock()
		refuse := a.RefuseListing
		a.mu.Unlock()
		if refuse != nil {
			if err := refuse(); err != nil {
				yield(archive.Fragment{}, err)
				return
			}
		}
		found := a.Selected(q.Stream, q.Selector, q.Span)
		a.turnPage(q.Limit > 0)
		if !a.Ordered {
			rand.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
		}
		if q.Limit > 0 && len(found) > q.Limit {
			found = found[:q.Limit]
		}
		for i, f := range found {
			if i > 0 && i%1000 == 0 {
				a.turnPage(false)
			}
			if ctx.Err() != nil {
				yield(archive.Fragment{}, context.Cause(ctx))
				return
			}
			if !yield(f, nil) {
				return
			}
		}
	}
}

// turnPage counts a page of a listing, or a probe, and takes the time of one.
func (a *Archive) turnPage(probe bool) {
	a.mu.Lock()
	if probe {
		a.probes++
	} else {
		a.lists++
	}
	a.mu.Unlock()
	time.Sleep(a.Page)
}
