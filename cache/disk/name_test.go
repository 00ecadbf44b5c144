package disk_test

import (
	"testing"

	"clipfs/cache/disk"
)

// roundTrip parses a file name and writes it again; false if it is not one of ours.
func roundTrip(s string) (string, bool) {
	n, ok := disk.ParseName(s)
	return n.String(), ok
}

func TestFileNames(t *testing.T) {
	tests := []struct {
		name string
		want bool
	}{
		{"k.0.0", true}, {"k-1.12.34", true}, {"k.1.2.data", true}, {"k.1.2.checks", true}, {"k.1.data", false}, {"k.checks", false},
		{"k.1.2.data.checks", false}, {"k.1.2.part", false}, {"k.34.part", true}, {"k.9223372036854775807.1", true},
		{"k", false}, {"k.1", false}, {"k.1.2.3", false}, {".1.2", false}, {"k.01.2", false}, {"k.1.02", false},
		{"k.-1.2", false}, {"k.+1.2", false}, {"k.1.", false}, {"k..1", false}, {"k.part.1", false},
		{"k.9223372036854775808.1", false}, {"K.1.2", false}, {"k.1.2\n", false}, {"k.part.part", false},
	}
	for _, test := range tests {
		got, ok := roundTrip(test.name)
		if ok != test.want || (ok && got != test.name) {
			t.Errorf("%q: got %q, %t; want %t", test.name, got, ok, test.want)
		}
	}
}

// FuzzFileName: a name in the cache's directory is one of ours in its only spelling, or is left alone.
func FuzzFileName(f *testing.F) {
	f.Add("p-0123.100.1700000000000000000")
	f.Add("p-0123.100.1700000000000000000.data")
	f.Add("p-0123.100.1700000000000000000.checks")
	f.Add("p-0123.1700000000000000000.part")
	f.Fuzz(func(t *testing.T, name string) {
		if again, ok := roundTrip(name); ok && again != name {
			t.Errorf("%q is taken for %q", name, again)
		}
	})
}
