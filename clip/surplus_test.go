package clip_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// TestSurplus: payloads bring a fragment more than was listed. A clip of one part is its payload as it is, one of many has
// each frame once, at its time; both have a note that says so.
func TestSurplus(t *testing.T) {
	for _, test := range []struct {
		name   string
		length time.Duration
		note   string
	}{
		{"one part", time.Minute, "the payload has more than was listed"},
		{"many parts", 20 * time.Minute, "payloads, from 1999-12-31T20:00:00.000Z on, have more than was listed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := memory.New()
			m.Record("cam", memory.Base(), 700, 2*time.Second)
			all := slices.Clone(m.Recorded["cam"])
			m.Answer = func(found []archive.Fragment) ([]archive.Fragment, error) {
				last := slices.IndexFunc(all, func(f archive.Fragment) bool { return f.ID == found[len(found)-1].ID })
				return append(slices.Clip(found), all[last+1]), nil
			}
			l, _ := library(t, m, clip.Options{})
			c := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), test.length))
			file, err := readAll(t, c)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Note(); !strings.Contains(got, test.note) || strings.Contains(got, "\n") {
				t.Errorf("note %q, want %q", got, test.note)
			}
			marks, at := frames(t, file)
			n := int(test.length / (2 * time.Second))
			if test.name == "one part" {
				if want := memory.Movie(all[:n+1], false, memory.Base()); len(file) != len(want) || !bytes.Equal(file[len(file)-100:], want[len(want)-100:]) {
					t.Errorf("%d bytes, want the payload of %d", len(file), len(want))
				}
				return
			}
			if len(marks) != 2*n {
				t.Fatalf("%d pictures, want %d", len(marks), 2*n)
			}
			for i, mark := range marks {
				if i%2 == 0 && (mark != uint64(all[i/2].Producer.UnixMilli()) || at[i] != all[i/2].Producer.Sub(memory.Base())) {
					t.Fatalf("picture %d is %d, at %v", i, mark, at[i])
				}
			}
		})
	}
}
