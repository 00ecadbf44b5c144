package download

import (
	"bytes"
	"fmt"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
)

// output is where the bodies of one fetch go. What a later body repeats of an earlier one is compared with what was
// handed on; only what goes beyond that is handed on, and only if it was the same.
type output struct {
	writer *cache.Writer
	// position is how many bytes of the current body have come.
	position int64
	// size is that of the payload, if sized; told says that readers know it, and so may have read what was handed on.
	size        int64
	sized, told bool
	// err is the error of the cache that ended the fetch, if one did.
	err error
	// silent is how long the archive has kept the fetch waiting since a byte was last handed on: for answers, for bytes that did
	// not come, and until it was asked again.
	silent time.Duration
}

// restart begins another body.
func (o *output) restart() { o.position = 0 }

// write takes the next bytes of a body.
func (o *output) write(p []byte) error {
	if repeat := o.writer.Written() - o.position; repeat > 0 && len(p) > 0 {
		n := min(int64(len(p)), repeat)
		if err := o.repeats(p[:n]); err != nil {
			return err
		}
		p = p[n:]
		if n == repeat {
			if err := o.tell(); err != nil {
				return err
			}
		}
	}
	if len(p) == 0 {
		return nil
	}
	o.position += int64(len(p))
	o.silent = 0
	o.err = o.writer.Append(p)
	return o.err
}

// errUnread: a body differs from one before it of which nothing was read. It is a cache.ErrAbandoned: the payload can be
// fetched from its beginning again.
var errUnread = fmt.Errorf("another body than before: %w", cache.ErrAbandoned)

// differs gives the error of a body that differs from one before it: ErrChanged, or errUnread where nothing can have been read.
func (o *output) differs(format string, args ...any) error {
	if !o.told {
		return errUnread
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), archive.ErrChanged)
}

// repeats compares what a body repeats with what was handed on.
func (o *output) repeats(p []byte) error {
	before := make([]byte, len(p))
	if _, err := o.writer.ReadAt(before, o.position); err != nil {
		o.err = fmt.Errorf("what has come cannot be read again: %w: %v", cache.ErrAbandoned, err) //nolint:errorlint // io.EOF would be taken for the end
		return o.err
	}
	if !bytes.Equal(p, before) {
		return o.differs("bytes %d to %d came back different", o.position, o.position+int64(len(p)))
	}
	o.position += int64(len(p))
	return nil
}

// announce tells readers the size, once what was handed on is known to belong to a payload of that size.
func (o *output) announce(size int64) error {
	if o.sized && o.size != size {
		return o.differs("%d bytes, and %d before", size, o.size)
	}
	if size < o.writer.Written() {
		return o.shrunk(size)
	}
	o.size, o.sized = size, true
	if o.position < o.writer.Written() {
		return nil // what is repeated is compared first
	}
	return o.tell()
}

// tell tells readers the size, once, if it is known.
func (o *output) tell() error {
	if o.told || !o.sized {
		return nil
	}
	o.told = true
	o.err = o.writer.Announce(o.size)
	return o.err
}

// shrunk is the error of a payload that is shorter than what was handed on.
func (o *output) shrunk(size int64) error {
	return o.differs("%d bytes, of which %d were served", size, o.writer.Written())
}

// finish tells that the body ended where the payload does.
func (o *output) finish() error {
	if o.position < o.writer.Written() {
		return o.shrunk(o.position)
	}
	return nil
}
