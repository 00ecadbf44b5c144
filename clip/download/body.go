package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/bandwidth"
	"clipfs/clip/meter"
)

// maxPayload is the longest body that is taken in, in bytes. GetClip sends 100 MB at most (API reference, GetClip); a
// longer body is not the service's, and would push all else out of the cache.
const maxPayload = 256 << 20

// errLongPayload: a body is longer than any that the service sends. It is an ErrMedia.
var errLongPayload = fmt.Errorf("more than %d bytes, which GetClip never sends: %w", maxPayload, archive.ErrMedia)

// body is the body of one GetClip call. A read takes no more than the limits on bytes and on length allow, is counted, and
// then pays for its bandwidth. A read that brings no byte for a while ends the call; paying does not count as such a while,
// nor does the time between reads, so a paused download does not stall.
//
// Bodies that are read at the same time exceed the limit on bytes by one read each at most, and by what is on its way.
type body struct {
	from      io.Reader
	meter     *meter.Meter
	bandwidth *bandwidth.Limiter
	// count is told of all bytes read.
	count func(n int)
	// pay waits until the bandwidth allows n bytes.
	pay func(n int) error
	// after is how long a read may take; silent adds up what reads took that brought nothing.
	after  func() time.Duration
	silent *time.Duration
	cancel context.CancelCauseFunc
	stall  *time.Timer
	// left is how many bytes may still come.
	left  int64
	ended bool
}

// start begins the counting and the watch for stalls. finish has to follow.
func (b *body) start() *body {
	b.left = maxPayload
	b.stall = time.AfterFunc(time.Hour, func() { b.cancel(fmt.Errorf("body stalled: %w", archive.ErrUnreachable)) })
	b.stall.Stop()
	b.meter.Begin()
	return b
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	may, err := b.meter.Left()
	if err != nil {
		b.cancel(err) // whatever the parser of the body makes of the error
		return 0, err
	}
	p = p[:min(int64(b.bandwidth.Most(len(p))), may)]
	over := b.left <= 0
	if over {
		p = make([]byte, 1) // a body that ends just here is fine
	} else {
		p = p[:min(int64(len(p)), b.left)]
	}
	n, err := b.read(p)
	b.left -= int64(n)
	switch {
	case over && n > 0:
		return 0, errLongPayload
	case err != nil:
		b.ended = errors.Is(err, io.EOF)
		return n, err
	}
	return n, b.pay(n)
}

// read reads and counts what there is.
func (b *body) read(p []byte) (int, error) {
	begun := time.Now()
	b.stall.Reset(b.after())
	defer b.stall.Stop()
	n, err := b.from.Read(p)
	if n == 0 {
		*b.silent += time.Since(begun)
	}
	b.count(n)
	b.meter.Add(int64(n))
	return n, err
}

// finish also counts what the service has sent and nobody reads, as unread tells; it may be nil.
func (b *body) finish(unread func() int64) {
	if !b.ended && unread != nil {
		b.meter.Add(unread())
	}
	b.meter.End()
}
