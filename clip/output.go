package clip

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"time"

	"clipfs/cache"
)

// output is where the bodies of one fetch go. What a later body repeats of an earlier one is compared, by checksum,
// with what was handed on; only what goes beyond that is handed on, and only if it was the same.
type output struct {
	writer *cache.Writer
	// served is the running checksum of all that was handed on.
	served hash.Hash
	// repeated is the running checksum of what the current body has repeated of it.
	repeated hash.Hash
	// position is how many bytes of the current body have come.
	position int64
	size     int64
	sized    bool
	// err is the error of the cache that ended the fetch, if one did.
	err error
}

// newOutput gives the output of a fetch into w.
func newOutput(w *cache.Writer) *output { return &output{writer: w, served: sha256.New()} }

// restart begins a new body.
func (o *output) restart() *output {
	o.position, o.repeated = 0, sha256.New()
	return o
}

// write takes the next bytes of a body.
func (o *output) write(p []byte) error {
	if repeat := o.writer.Written() - o.position; repeat > 0 && len(p) > 0 {
		n := min(int64(len(p)), repeat)
		o.repeated.Write(p[:n])
		o.position += n
		p = p[n:]
		if n == repeat && [sha256.Size]byte(o.repeated.Sum(nil)) != o.sum() {
			return fmt.Errorf("the first %d bytes came back different: %w", o.position, ErrChanged)
		}
	}
	if len(p) == 0 {
		return nil
	}
	o.served.Write(p)
	o.position += int64(len(p))
	o.err = o.writer.Append(p)
	return o.err
}

// sum is the checksum of what was handed on.
func (o *output) sum() [sha256.Size]byte { return [sha256.Size]byte(o.served.Sum(nil)) }

// announce tells readers the size. ErrChanged if an earlier body of the fetch had another.
func (o *output) announce(size int64) error {
	if o.sized {
		if o.size != size {
			return fmt.Errorf("%d bytes, and %d before: %w", size, o.size, ErrChanged)
		}
		return nil
	}
	if size < o.writer.Written() {
		return fmt.Errorf("%d bytes, of which %d were served: %w", size, o.writer.Written(), ErrChanged)
	}
	o.size, o.sized = size, true
	o.err = o.writer.Announce(size)
	return o.err
}

// finish tells that the body ended where the payload does. ErrChanged if an earlier body was longer.
func (o *output) finish() error {
	if o.position < o.writer.Written() {
		return fmt.Errorf("%d bytes, of which %d were served: %w", o.position, o.writer.Written(), ErrChanged)
	}
	return nil
}

// stallReader reads a body and cancels the call when no byte comes for a while.
type stallReader struct {
	body  io.Reader
	after time.Duration
	timer *time.Timer
}

// newStallReader gives a reader that cancels with ErrUnreachable when a read takes longer than after. Time between
// reads does not count: a body that is parked does not stall.
func newStallReader(body io.Reader, after time.Duration, cancel context.CancelCauseFunc) *stallReader {
	timer := time.AfterFunc(after, func() {
		cancel(fmt.Errorf("no byte for %s: %w", after, ErrUnreachable))
	})
	timer.Stop()
	return &stallReader{body: body, after: after, timer: timer}
}

// Read implements io.Reader.
func (r *stallReader) Read(p []byte) (int, error) {
	r.timer.Reset(r.after)
	defer r.timer.Stop()
	return r.body.Read(p)
}
