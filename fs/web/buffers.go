package web

import (
	"io"
	"os"
	"sync"
	"time"
)

const (
	// A body is sent with a large buffer, unless so many others are under way that a small one has to do: whoever takes nothing of what he
	// asked for keeps it.
	largeBuffer, smallBuffer = 512 << 10, 16 << 10
	largeBuffers             = 64
	// stalledFor is how long a client may take none of what is sent before it is taken to be gone.
	stalledFor = 2 * time.Minute
)

// buffers are for bodies under way. It is safe for concurrent use.
type buffers struct {
	large, small sync.Pool
	places       chan struct{}
}

func newBuffers() *buffers {
	return &buffers{
		large: sync.Pool{New: func() any { return new([largeBuffer]byte) }}, small: sync.Pool{New: func() any { return new([smallBuffer]byte) }},
		places: make(chan struct{}, largeBuffers),
	}
}

// take gives a buffer until give gets it back.
func (b *buffers) take() []byte {
	select {
	case b.places <- struct{}{}:
		buffer, _ := b.large.Get().(*[largeBuffer]byte)
		return buffer[:]
	default:
		buffer, _ := b.small.Get().(*[smallBuffer]byte)
		return buffer[:]
	}
}

func (b *buffers) give(buffer []byte) {
	if len(buffer) == largeBuffer {
		b.large.Put((*[largeBuffer]byte)(buffer))
		<-b.places
		return
	}
	b.small.Put((*[smallBuffer]byte)(buffer))
}

// extent is bytes on the disk that are sent as they are: a connection of this server has the kernel do that, any other reads them.
type extent struct {
	file     *os.File
	at, left int64
	// failed says that it was the disk, not the client, that gave an error.
	failed bool
}

// Read implements io.Reader.
func (e *extent) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.file.ReadAt(p[:min(int64(len(p)), e.left)], e.at)
	e.at, e.left = e.at+int64(n), e.left-int64(n)
	if n > 0 {
		err = nil // what comes next fails again
	}
	e.failed = err != nil
	return n, err
}
