// Package tier is the vocabulary of places where other hosts may have put payloads. Package clip/shared is such a place, and
// clip/download asks it.
package tier

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
)

// Tier is a place where other hosts may have put payloads. What cannot be had of it is a miss, and it never fails a read. It is
// asked behind the Store and before the archive, and takes no quota.
type Tier interface {
	// Head gives the record of the head of a payload; nil is a miss. Others may wait then until the head is offered, or Abandon says
	// that it will not be.
	Head(ctx context.Context, id ID) *Head
	// Open gives a payload from its first byte on; nil is a miss, and the fetch may follow then. ctx also bounds the reading of it.
	Open(ctx context.Context, id ID, fetch Fetch) *Payload
	// Abandon tells that what was not there is not fetched.
	Abandon(id ID, head bool)
	// Offer has a payload or the record of a head put there. It waits for nothing.
	Offer(id ID, o Offer)
	// Hour gives what another host has written of an hour of a stream; nil is a miss. OfferHour has that put there, over what is there;
	// ingested is when the archive took in the oldest fragment of it. It waits for nothing.
	Hour(ctx context.Context, stream archive.Stream, by archive.Selector, hour time.Time) []byte
	OfferHour(stream archive.Stream, by archive.Selector, hour, ingested time.Time, text []byte)
}

// ID names a payload in a Tier.
type ID struct {
	Stream archive.Stream
	Key    cache.Key
	// Start is when its footage begins: hosts agree on who fetches by the hour.
	Start time.Time
}

// Fetch is a fetch of what is not there. With the zero value nothing is fetched.
type Fetch struct {
	// Whole tells whether all of it is fetched by now: others may wait for it then, as for a head.
	Whole func() bool
	// Wake has all of it fetched, because another host wants it; nil where it cannot be.
	Wake func()
	// Waited says that it has waited for another host before, and does not again.
	Waited bool
}

// Head is the record of a head, and of which payload.
type Head struct {
	Identity Identity
	Record   []byte
}

// Payload is a payload that begins to come. An error before its end says that no more of it can be had. Close has to follow.
type Payload struct {
	Identity Identity
	Body     io.ReadCloser
}

// Offer is what a Tier may put where other hosts find it.
type Offer struct {
	// Head says that it is the record of a head.
	Head bool
	Size int64
	// Content gives its bytes until release is called, ErrGone where they are not there any more.
	Content func() (content io.ReaderAt, release func(), err error)
	// Confirm makes sure that it may be offered, which can take calls, and tells what it is. ErrPrivate where it may not be,
	// ErrEarly where it may not be yet.
	Confirm func(ctx context.Context) (Confirmed, error)
}

// Confirmed is what is told of an offer.
type Confirmed struct {
	Identity Identity
	// Ingested is when the archive took in the oldest fragment; Start and End bound the footage.
	Ingested, Start, End time.Time
	Fragments            []archive.FragmentID
}

// ErrGone says that the bytes of an offer are not there any more, ErrPrivate that it may not be offered, ErrEarly that it may be once it is fetched
// again later. An ErrEarly is an ErrPrivate.
var (
	ErrGone    = errors.New("evicted before it was offered")
	ErrPrivate = errors.New("not what may be offered")
	ErrEarly   = fmt.Errorf("%w yet", ErrPrivate)
)

// Identity is what tells one payload from another of its key.
type Identity struct {
	// Size is that of the whole payload in bytes.
	Size int64
	// Digest tells all heads apart.
	Digest [sha256.Size]byte
	// Tables tells those heads apart whose samples differ. It holds where Understood is set.
	Tables     [sha256.Size]byte
	Understood bool
}

// None is a Tier that has nothing and takes nothing.
type None struct{}

var _ Tier = None{}

// Head gives nothing.
func (None) Head(context.Context, ID) *Head { return nil }

// Open gives nothing.
func (None) Open(context.Context, ID, Fetch) *Payload { return nil }

// Abandon does nothing.
func (None) Abandon(ID, bool) {}

// Offer does nothing.
func (None) Offer(ID, Offer) {}

// Hour gives nothing.
func (None) Hour(context.Context, archive.Stream, archive.Selector, time.Time) []byte { return nil }

// OfferHour does nothing.
func (None) OfferHour(archive.Stream, archive.Selector, time.Time, time.Time, []byte) {}
