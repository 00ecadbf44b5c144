package shared

import (
	"errors"
	"fmt"
	"io"
)

// Body gives the bytes of an object, each block once its check was made. It is not safe for concurrent use.
type Body struct {
	key    Key
	from   io.Reader
	checks []byte
	// left is how many bytes have not been read from it.
	left int64
	// ready are those that were checked and not handed on, in buffer.
	ready, buffer []byte
	err           error
}

var _ io.Reader = (*Body)(nil)

// Read implements io.Reader. ErrObject for a block that is not what it was.
func (b *Body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(b.ready) == 0 && b.err == nil {
		b.err = b.next()
	}
	if len(b.ready) == 0 {
		return 0, b.err
	}
	n := copy(p, b.ready)
	b.ready = b.ready[n:]
	return n, nil
}

// next reads and checks a block.
func (b *Body) next() error {
	if b.left == 0 {
		return io.EOF
	}
	if b.buffer == nil {
		b.buffer = make([]byte, min(block, b.left))
	}
	p := b.buffer[:min(block, b.left)]
	if _, err := io.ReadFull(b.from, p); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("%d bytes before the end: %w", b.left, err)
	}
	size := b.key.checkSize()
	if string(b.key.check(p)) != string(b.checks[:size]) {
		return bad("the block %d bytes before its end is damaged", b.left)
	}
	b.checks, b.left, b.ready = b.checks[size:], b.left-int64(len(p)), p
	return nil
}
