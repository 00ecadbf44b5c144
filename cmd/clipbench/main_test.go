package main_test

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"testing"

	"clipfs/cache"
	main "clipfs/cmd/clipbench"
)

func TestMedianAndPercentile(t *testing.T) {
	t.Parallel()
	twenty := []float64{20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}
	for _, test := range []struct {
		name      string
		got, want float64
	}{
		{"median of none", main.Median(nil), 0},
		{"median of one", main.Median([]float64{3}), 3},
		{"median of five", main.Median([]float64{9, 1, 5, 2, 4}), 4},
		{"median of four", main.Median([]float64{4, 1, 2, 3}), 2.5},
		{"p95 of none", main.Percentile(nil, 95), 0},
		{"p95 of one", main.Percentile([]float64{7}, 95), 7},
		{"p95 of twenty", main.Percentile(twenty, 95), 19},
		{"p50 of twenty", main.Percentile(twenty, 50), 10},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %g, want %g", test.name, test.got, test.want)
		}
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value, limit float64
		atLeast      bool
		want         bool
	}{{0.95, 0.95, true, true}, {0.94, 0.95, true, false}, {1.3, 1.3, false, true}, {1.31, 1.3, false, false}} {
		if got := main.OK(test.value, test.limit, test.atLeast); got != test.want {
			t.Errorf("%+v: got %t", test, got)
		}
	}
}

func TestRowsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, name := range main.Names() {
		if seen[name] {
			t.Errorf("two rows are called %q", name)
		}
		seen[name] = true
	}
}

// TestMemoryThatLookingAdds: what a mount has in all stays what the first row is of, and the second has what it had before taken off, of all and of what is no file's.
func TestMemoryThatLookingAdds(t *testing.T) {
	t.Parallel()
	values, notes, rounds := main.CrowdMemoryRows([2]float64{34, 14}, [2]float64{102, 79}, [2]float64{72, 50})
	if want := [2]float64{102, 68}; values != want {
		t.Errorf("got %v, want %v", values, want)
	}
	wantNotes := [2]string{
		"34.0 MiB (14.0 of it no file's) before anything was looked at, 102.0 MiB (79.0 of it no file's) at most, 72.0 MiB (50.0 of it no file's) at the end",
		"68.0 MiB (65.0 of it no file's) at most, 38.0 MiB (36.0 of it no file's) at the end",
	}
	if notes != wantNotes {
		t.Errorf("got %q, want %q", notes, wantNotes)
	}
	const anonymous = "MiB of it no file's"
	want := [2]map[string][]float64{
		{"MiB before, at most, at the end": {34, 102, 72}, anonymous: {14, 79, 50}}, {"MiB at most, at the end": {68, 38}, anonymous: {65, 36}},
	}
	if !reflect.DeepEqual(rounds, want) {
		t.Errorf("got %v, want %v", rounds, want)
	}
}

func TestByteStream(t *testing.T) {
	t.Parallel()
	avcC := []byte{1, 66, 0, 30, 0xff, 0xe1, 0, 2, 0x67, 1, 1, 0, 3, 0x68, 2, 3}
	got, err := main.Parameters(avcC)
	if want := []byte{0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 2, 3}; err != nil || !bytes.Equal(got, want) {
		t.Errorf("parameters: got %x, %v, want %x", got, err, want)
	}
	for n := range avcC {
		if _, err := main.Parameters(avcC[:n]); err == nil {
			t.Errorf("%d of %d bytes: no error", n, len(avcC))
		}
	}
	got = main.ByteStream([]byte{0, 0, 0, 2, 0x65, 9, 0, 0, 0, 1, 7})
	if want := []byte{0, 0, 0, 1, 0x65, 9, 0, 0, 0, 1, 7}; !bytes.Equal(got, want) {
		t.Errorf("sample: got %x, want %x", got, want)
	}
}

// TestMultiply: what is made of one entry of a cache is a cache of many that the cache itself takes for whole.
func TestMultiply(t *testing.T) {
	t.Parallel()
	dir, made := t.TempDir(), 0
	for _, want := range []int{5, 40} {
		if err := main.Multiply(t.Context(), dir, made, want); err != nil {
			t.Fatal(err)
		}
		made = want
		if got, err := main.Index(t.Context(), dir); err != nil || got != want {
			t.Errorf("got %d entries, %v, want %d", got, err, want)
		}
	}
	checked := 0
	if err := cache.Verify(t.Context(), dir, func(i cache.Info) {
		if checked++; i.Err != nil {
			t.Errorf("%v", i.Err)
		}
	}); err != nil || checked != made {
		t.Errorf("%d entries checked, %v, want %d", checked, err, made)
	}
}

func TestWrongFlags(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ flag, value, want string }{
		{"--rounds", "0", "at least 1"},
		{"--row", "(", "--row"},
		{"--row", "no such row", "no row matches"},
		{"--bandwidth", "fast", "bytes a second"},
	} {
		var stderr strings.Builder
		if got := main.Run(t.Context(), []string{test.flag, test.value}, io.Discard, &stderr); got != 1 {
			t.Errorf("%s %s: exit code %d", test.flag, test.value, got)
		}
		if !strings.Contains(stderr.String(), test.want) {
			t.Errorf("%s %s: %q does not say %q", test.flag, test.value, stderr.String(), test.want)
		}
	}
}
