package packed_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/timeline/packed"
)

// TestList: whatever a list is kept as, it has the same fragments, and those that packing would change are not packed.
func TestList(t *testing.T) {
	t.Parallel()
	exact := hour(1)
	change := func(change func(*archive.Fragment)) []archive.Fragment {
		all := slices.Clone(exact)
		change(&all[7])
		return all
	}
	for name, test := range map[string]struct {
		fragments []archive.Fragment
		packs     bool
	}{
		"none":                        {nil, false},
		"of an hour":                  {exact, true},
		"a number that is no digits":  {hour(9), false},
		"a number of too many digits": {change(func(f *archive.Fragment) { f.ID = archive.FragmentID(fmt.Sprintf("%0256d", 1)) }), false},
		"microseconds":                {change(func(f *archive.Fragment) { f.Server = f.Server.Add(time.Microsecond) }), false},
		"a length in microseconds":    {change(func(f *archive.Fragment) { f.Length += time.Microsecond }), false},
		"another time zone":           {change(func(f *archive.Fragment) { f.Producer = f.Producer.In(time.FixedZone("", 3600)) }), false},
		"a length that cannot be":     {change(func(f *archive.Fragment) { f.Length = 25 * time.Hour }), false},
	} {
		loose := packed.Of(test.fragments)
		both, tight := loose.Packed(), loose.Tight()
		for how, l := range map[string]packed.List{"loose": loose, "both": both, "tight": tight, "tight of both": both.Tight()} {
			if l.Len() != len(test.fragments) || !slices.Equal(l.Fragments(), test.fragments) {
				t.Errorf("%s, %s: it does not have the same %d fragments", name, how, len(test.fragments))
			}
			if got := l.AppendTo(slices.Clone(exact[:3])); !slices.Equal(got[:3], exact[:3]) || !slices.Equal(got[3:], test.fragments) {
				t.Errorf("%s, %s: they are not added to others", name, how)
			}
		}
		if got := both.Bytes() != nil; got != test.packs || test.packs && (!both.Loose() || tight.Loose()) {
			t.Errorf("%s: packed %t, want %t", name, got, test.packs)
		}
	}
}

// TestStored: what stands in JSON is the list, to the millisecond, whether it can be packed or not; what cannot be is an error.
func TestStored(t *testing.T) {
	t.Parallel()
	for i, want := range [][]archive.Fragment{nil, hour(1), hour(9)} {
		text, err := json.Marshal(packed.Of(want).Stored())
		if err != nil {
			t.Fatal(err)
		}
		var s packed.Stored
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		got, err := s.List(1800)
		if err != nil || got.Len() != len(want) || !slices.Equal(got.Fragments(), want) {
			t.Errorf("%d: got %d fragments, %v, want %d", i, got.Len(), err, len(want))
		}
		if _, err := s.List(1799); len(want) > 0 && err == nil {
			t.Errorf("%d: no error of more than there may be", i)
		}
	}
	for _, p := range []packed.Plain{{}, {ID: "1", Length: -1}, {ID: "1", Length: 25 * 3600 * 1000}, {ID: "1", Size: -1}, {ID: "1", Producer: -1}} {
		if _, err := (packed.Stored{Fragments: []packed.Plain{p}}).List(10); err == nil {
			t.Errorf("%+v: no error", p)
		}
	}
}

// TestPackedHasNoRoom: what is kept packed has no memory behind it.
func TestPackedHasNoRoom(t *testing.T) {
	t.Parallel()
	if p := packed.Pack(hour(1)); cap(p)-len(p) > 8<<10 { // a large allocation is of whole pages
		t.Errorf("%d bytes are in %d", len(p), cap(p))
	}
}

// BenchmarkPack packs an hour of fragments of 2 s, and unpacks it.
func BenchmarkPack(b *testing.B) {
	all := hour(1)
	p := packed.Pack(all)
	for name, f := range map[string]func(){
		"pack":       func() { packed.Pack(all) },
		"pack exact": func() { packed.Of(all).Packed() },
		"unpack":     func() { _, _ = packed.Unpack(p, len(all)) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}
