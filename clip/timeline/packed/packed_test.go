package packed_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/timeline/packed"
)

// TestPacked: whatever is packed comes back as it was, and of what is cut or changed nothing that cannot be.
func TestPacked(t *testing.T) {
	base := time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC)
	var all []archive.Fragment
	for i, id := range []string{"0", "007", "91343852333181432392682062607743920146264498176", "12", strings.Repeat("9", 128)} {
		at := base.Add(time.Duration(i*i) * 1796 * time.Millisecond)
		all = append(all, archive.Fragment{
			ID: archive.FragmentID(id), Producer: at, Server: at.Add(time.Duration(3-i) * time.Hour), Length: time.Duration(i) * time.Second, Size: int64(i) << 40,
		})
	}
	for n := range len(all) + 1 {
		if got, err := packed.Unpack(packed.Pack(all[:n]), 100); err != nil || !slices.Equal(got, all[:n]) {
			t.Errorf("%v, %v; want %v", got, err, all[:n])
		}
	}
	whole := packed.Pack(all)
	for n := range whole {
		got, err := packed.Unpack(whole[:n], 100)
		if err == nil && !slices.Equal(got, all[:len(got)]) {
			t.Errorf("of %d bytes of %d: %v", n, len(whole), got)
		}
	}
}

// FuzzPacked: whatever is unpacked can have been listed, and is the same once it was packed again.
func FuzzPacked(f *testing.F) {
	f.Add(packed.Pack([]archive.Fragment{{ID: "123", Producer: time.UnixMilli(1704103200000), Server: time.UnixMilli(1704103200250), Length: 1796e6, Size: 1000}}))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := packed.Unpack(text, 1000)
		if err != nil {
			return
		}
		for _, fragment := range all {
			if fragment.ID == "" || fragment.Size < 0 || fragment.Length < 0 || fragment.Length > 24*time.Hour ||
				fragment.Producer.Year() < 1970 || fragment.Producer.Year() > 9999 {
				t.Errorf("got fragment %+v, which cannot be", fragment)
			}
		}
		if again, err := packed.Unpack(packed.Pack(all), 1000); err != nil || !slices.Equal(again, all) {
			t.Errorf("got %v, %v; want %v", again, err, all)
		}
	})
}
