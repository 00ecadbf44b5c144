package disk

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"
)

// SealFooter gives a footer that says what a text has in the place of its numbers and words, with checksums that are right.
func SealFooter(size int64, text []byte) []byte {
	b := make([]byte, footerSize(size))
	copy(b[24:], text)
	m := magic()
	copy(b, m[:])
	le := binary.LittleEndian
	le.PutUint64(b[16:], uint64(size))
	le.PutUint32(b[12:], Castagnoli(0, b[headerSize:]))
	le.PutUint32(b[8:], Castagnoli(0, b[16:headerSize]))
	return b
}

// ProofRoundTrip reads a proof and writes it again; false if it is none.
func ProofRoundTrip(b []byte) ([]byte, bool) {
	p, ok := readProof(bytes.NewReader(append(make([]byte, footerSize(0)), b...)), 0)
	return p.encode(), ok
}

// BootID gives what tells this start of the machine, in bytes.
func BootID() []byte {
	b := bootID()
	return b[:]
}

// MaxWritten is how many pairs wait for their proof at most.
const MaxWritten = maxWritten

// DueWritten gives the data that was written first, as if its proof were due.
func DueWritten(t testing.TB, d *Directory) *Written {
	t.Helper()
	d.written.mu.Lock()
	for _, w := range d.written.queue {
		w.due = time.Time{}
	}
	d.written.mu.Unlock()
	w, _ := d.NextWritten()
	if w == nil {
		t.Fatal("no data waits for its proof")
	}
	return w
}

// NoBoot has a directory know nothing of the start of the machine; OtherBoot has it know another one.
func NoBoot(d *Directory)    { d.boot = boot{} }
func OtherBoot(d *Directory) { d.boot[0]++ }
