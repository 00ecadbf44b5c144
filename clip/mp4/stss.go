package mp4

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// syncNumberSize is one entry of stss in bytes.
const syncNumberSize = 4

// Syncs is a sync sample table, stss (ISO/IEC 14496-12 8.6.2): the numbers of the samples at which decoding can
// begin. The zero value is the table that is absent: every sample is one. That is not the same as an empty one.
type Syncs struct {
	raw     []byte
	present bool
}

// All reports whether the table is absent, so that every sample is a sync sample.
func (t Syncs) All() bool { return !t.present }

// Len is the number of entries.
func (t Syncs) Len() int { return len(t.raw) / syncNumberSize }

// Number gives entry i of Len: a sample number, counted from 1.
func (t Syncs) Number(i int) uint32 { return binary.BigEndian.Uint32(t.raw[i*syncNumberSize:]) }

// Numbers yields the entries in order.
func (t Syncs) Numbers() iter.Seq[uint32] { return rows(t.Len(), t.Number) }

// check refuses numbers that do not increase or that no sample has.
func (t Syncs) check(samples uint64) error {
	var last uint32
	for n := range t.Numbers() {
		if n <= last || uint64(n) > samples {
			return fmt.Errorf("box %s: sample %d after %d of %d: %w", TypeStss, n, last, samples, ErrMalformed)
		}
		last = n
	}
	return nil
}

// add appends count samples from number first on, to a table that was begun empty.
func (t *Syncs) add(first, count uint32) {
	for i := range count {
		t.raw = binary.BigEndian.AppendUint32(t.raw, first+i)
	}
}

// WithFirst is the table with sample 1 in it.
func (t Syncs) WithFirst() Syncs {
	if t.All() || t.Len() > 0 && t.Number(0) == 1 {
		return t
	}
	return Syncs{present: true, raw: append(binary.BigEndian.AppendUint32(nil, 1), t.raw...)}
}
