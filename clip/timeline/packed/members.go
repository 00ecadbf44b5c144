package packed

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"sync"
)

// Members makes gzip members of JSON, one at a time. What packs them is used again: it takes more than a MB, where a member has a KB of it. The zero value
// works. It is safe for concurrent use.
type Members struct {
	// mu has one be made at a time, which takes a millisecond; writers keeps what packs it until memory is needed.
	mu      sync.Mutex
	writers sync.Pool
}

// Encode gives a member of a value.
func (m *Members) Encode(v any) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var member bytes.Buffer
	z, ok := m.writers.Get().(*gzip.Writer)
	if ok {
		z.Reset(&member)
	} else {
		z, _ = gzip.NewWriterLevel(&member, gzip.BestSpeed) // callers wait for it; only a level that is none is an error
	}
	err := errors.Join(json.NewEncoder(z).Encode(v), z.Close())
	z.Reset(nil) // it is not to hold what it wrote to
	m.writers.Put(z)
	return member.Bytes(), err
}
