package packed_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"

	"clipfs/clip/timeline/packed"
)

// TestMembersOfOneWriter: what packs members keeps nothing of the one before, however many are made at once.
func TestMembersOfOneWriter(t *testing.T) {
	var m packed.Members
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			want := strings.Repeat(strconv.Itoa(i), 1000+i)
			member, err := m.Encode(want)
			if err != nil {
				t.Error(err)
				return
			}
			z, err := gzip.NewReader(bytes.NewReader(member))
			if err != nil {
				t.Error(err)
				return
			}
			var got string
			if err := json.NewDecoder(z).Decode(&got); err != nil || got != want {
				t.Errorf("%d: %d bytes, %v; want %d", i, len(got), err, len(want))
			}
		})
	}
	all.Wait()
	if _, err := m.Encode(func() {}); err == nil {
		t.Error("no error of what has no JSON")
	}
	if member, err := m.Encode(1); err != nil || len(member) == 0 {
		t.Errorf("%d bytes after an error, %v", len(member), err)
	}
}

// BenchmarkMembers makes a member of an hour's length.
func BenchmarkMembers(b *testing.B) {
	var m packed.Members
	hour := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Encode(hour); err != nil {
			b.Fatal(err)
		}
	}
}
