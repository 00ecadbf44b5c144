// Package counts counts what clients ask for, and what has left for them: by operation and stream.
//
// Table.mu guards the counts, Conn.mu what of a connection's last answer has been counted; a table is told while a connection's lock is held.
package counts

import (
	"cmp"
	"slices"
	"sync"

	"clipfs/clip/emulator/wire"
)

// Count says what was asked of one API for one stream. Operations that name no stream, or none that exists, are
// counted under the empty name.
type Count struct {
	API    wire.API        `json:"api"`
	Stream wire.StreamName `json:"stream"`
	// Calls that arrived, whatever their answer.
	Calls int64 `json:"calls"`
	// Fragments that were listed or whose media was asked for.
	Fragments int64 `json:"fragments"`
	// Bytes of answers, headers left out, that were sent. What a client that gives up did not take any more is left out.
	Bytes int64 `json:"bytes"`
	// Throttled calls were refused for a quota, Errors were refused for anything else.
	Throttled int64 `json:"throttled"`
	Errors    int64 `json:"errors"`
}

// Table holds counts. The zero value is empty. It is safe for concurrent use.
type Table struct {
	mu    sync.Mutex // mu guards byKey, whose keys are an API and a stream without counts
	byKey map[Count]*Count
}

// Add adds what d holds to the counts of its API and stream.
func (t *Table) Add(d Count) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := Count{API: d.API, Stream: d.Stream}
	n := t.byKey[key]
	if n == nil {
		if t.byKey == nil {
			t.byKey = make(map[Count]*Count)
		}
		n = new(key)
		t.byKey[key] = n
	}
	n.Calls += d.Calls
	n.Fragments += d.Fragments
	n.Bytes += d.Bytes
	n.Throttled += d.Throttled
	n.Errors += d.Errors
}

// TakeBack makes bytes that were counted count no more, unless the counts were forgotten since.
func (t *Table) TakeBack(key Count, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.byKey[key]; n != nil {
		n.Bytes = max(0, n.Bytes-bytes)
	}
}

// List gives the counts by API and stream.
func (t *Table) List() []Count {
	t.mu.Lock()
	all := make([]Count, 0, len(t.byKey))
	for _, n := range t.byKey {
		all = append(all, *n)
	}
	t.mu.Unlock()
	slices.SortFunc(all, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.API, b.API), cmp.Compare(a.Stream, b.Stream))
	})
	return all
}

// Reset forgets every count.
func (t *Table) Reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byKey = nil
}
