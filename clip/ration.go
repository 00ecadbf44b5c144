package clip

import (
	"context"
	"errors"
	"io"

	"clipfs/clip/archive"
)

// ration is the body of a GetClip call under the limits on bytes and on bandwidth. It goes around the reader that sees
// to stalls, so that what the bandwidth limit holds back does not count as one.
type ration struct {
	body   io.Reader
	ledger *ledger
	most   func(int) int
	pay    func(n int) error
	cancel context.CancelCauseFunc
	// unread tells what has come and was not read; nil where that is not known.
	unread func() int64
	ended  bool
}

// rationed gives the body of a call whose context ends with cancel. finish has to be called before it is closed.
func (f *fetch) rationed(ctx context.Context, body io.Reader, unread func() int64, demand *archive.Demand, cancel context.CancelCauseFunc) *ration {
	l := f.library
	l.ledger.begin()
	return &ration{
		body: body, ledger: l.ledger, most: l.bandwidth.most, unread: unread, cancel: cancel,
		pay: func(n int) error { return l.bandwidth.pay(ctx, demand, n) },
	}
}

// Read implements io.Reader. It reads no more than may be fetched. Others who read at the same time may do so too: all
// of them together go beyond the limit by one read each at most, which is copyBuffer bytes or less, and by what the
// network has on its way.
func (r *ration) Read(p []byte) (int, error) {
	left, err := r.ledger.left()
	if err != nil {
		r.cancel(err) // whatever the parser of the body makes of the error
		return 0, err
	}
	n, err := r.body.Read(p[:min(int64(r.most(len(p))), left)])
	r.ledger.add(int64(n))
	if err != nil {
		r.ended = errors.Is(err, io.EOF)
		return n, err
	}
	return n, r.pay(n)
}

// finish counts what came and was not read: whoever gives a body up has been sent that too.
func (r *ration) finish() {
	if !r.ended && r.unread != nil {
		r.ledger.add(r.unread())
	}
	r.ledger.end()
}
