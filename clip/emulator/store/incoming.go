package store

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"clipfs/clip/emulator/footage"
)

// ErrNotKept says that a fragment could not be written, as on a disk that is full.
var ErrNotKept = errors.New("fragment not kept")

// Incoming is a fragment that is still arriving: a file under another name, or memory. Stream.Add keeps it. It is not safe for
// concurrent use.
type Incoming struct {
	// file is nil in memory.
	file   *os.File
	memory memory
	size   int64
	// done says that it was kept or dropped.
	done bool
}

var _ footage.Sink = (*Incoming)(nil)

// newIncoming begins a fragment in a directory, or in memory if that is empty.
func newIncoming(dir string, spare *sync.Pool) (*Incoming, error) {
	if dir == "" {
		return &Incoming{memory: memory{spare: spare}}, nil
	}
	file, err := os.CreateTemp(dir, partPrefix+"*")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	return &Incoming{file: file}, nil
}

// Write implements footage.Sink. Errors wrap ErrNotKept.
func (in *Incoming) Write(b []byte) (int, error) {
	if in.file == nil {
		in.memory.append(b)
		in.size += int64(len(b))
		return len(b), nil
	}
	n, err := in.file.Write(b)
	in.size += int64(n)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	return n, err
}

// WriteAt implements footage.Sink.
func (in *Incoming) WriteAt(b []byte, at int64) (int, error) {
	if in.file == nil {
		in.memory.replace(b, at)
		return len(b), nil
	}
	n, err := in.file.WriteAt(b, at)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	return n, err
}

// Drop drops a fragment that was not added; one that was stays.
func (in *Incoming) Drop() {
	if in.done {
		return
	}
	in.done = true
	if in.file == nil {
		in.memory.drop()
		return
	}
	// A file that is left behind is removed by the next Open.
	_ = in.file.Close()
	_ = os.Remove(in.file.Name())
}

// chunkSize is how much memory a fragment takes at a time while it arrives.
const chunkSize = 256 << 10

// memory is bytes that arrive one after the other, without copies and without more room than there are chunks.
type memory struct {
	chunks [][]byte
	// spare has chunks that nothing uses.
	spare *sync.Pool
}

// append puts bytes at the end.
func (m *memory) append(b []byte) {
	for len(b) > 0 {
		last := len(m.chunks) - 1
		if last < 0 || len(m.chunks[last]) == chunkSize {
			m.chunks = append(m.chunks, m.chunk())
			continue
		}
		c := m.chunks[last]
		n := min(len(b), chunkSize-len(c))
		m.chunks[last], b = append(c, b[:n]...), b[n:]
	}
}

// replace writes over bytes that are there.
func (m *memory) replace(b []byte, at int64) {
	for len(b) > 0 {
		n := copy(m.chunks[at/chunkSize][at%chunkSize:], b)
		b, at = b[n:], at+int64(n)
	}
}

// chunk gives an empty chunk.
func (m *memory) chunk() []byte {
	if spare, ok := m.spare.Get().(*[chunkSize]byte); ok {
		return spare[:0]
	}
	return make([]byte, 0, chunkSize)
}

// trim gives back what the last chunk has too much.
func (m *memory) trim() {
	if last := len(m.chunks) - 1; last >= 0 && len(m.chunks[last]) < chunkSize {
		c := m.chunks[last]
		m.chunks[last] = slices.Clone(c)
		m.spare.Put((*[chunkSize]byte)(c[:chunkSize]))
	}
}

// drop gives all of it back.
func (m *memory) drop() {
	for _, c := range m.chunks {
		m.spare.Put((*[chunkSize]byte)(c[:chunkSize]))
	}
	m.chunks = nil
}

// bytes gives all of it in one piece.
func (m *memory) bytes() []byte {
	if len(m.chunks) == 1 {
		return m.chunks[0]
	}
	return slices.Concat(m.chunks...)
}

// take gives the bytes of a fragment that is not added.
func (in *Incoming) take() ([]byte, error) {
	if in.file != nil {
		data := make([]byte, in.size)
		_, err := in.file.ReadAt(data, 0)
		return data, err
	}
	in.done = true
	in.memory.trim()
	return in.memory.bytes(), nil
}
