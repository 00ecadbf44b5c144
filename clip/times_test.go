package clip_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/emulator/isom"
	"clipfs/clip/sidecar"
)

// positions is what a clip's ".times.json" says.
type positions struct {
	Exact  bool
	Gaps   string
	Points []struct {
		Position float64 `json:"position_seconds"`
		Time     time.Time
	}
}

// time gives the time of day of a position.
func (p positions) time(at time.Duration) time.Time {
	k := 0
	for k+1 < len(p.Points) && p.Points[k+1].Position <= at.Seconds()+1e-6 {
		k++
	}
	return p.Points[k].Time.Add(at - time.Duration(p.Points[k].Position*1e9))
}

// positionsOf reads the form of a clip that tells of positions.
func positionsOf(t *testing.T, c *clip.Clip) positions {
	t.Helper()
	form := sidecar.NewTimes(c)
	estimate, exact := form.Size()
	if exact {
		t.Error("the size is exact before the first open")
	}
	text, err := form.Text(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, exact := form.Size(); !exact || n != int64(len(text)) || n > estimate {
		t.Errorf("%d bytes exact %t after the open, %d read, %d estimated", n, exact, len(text), estimate)
	}
	var p positions
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Points) == 0 {
		t.Fatalf("no points:\n%s", text)
	}
	return p
}

// TestPositions: what a clip's media tells of its positions is right to the millisecond where it says so, for one part and
// for many, whether gaps are closed, kept, or so small that only the service closed them. The media of memory's payloads
// follows without a gap, whatever the listing says.
func TestPositions(t *testing.T) {
	for _, test := range []struct {
		name  string
		holes []time.Duration // before each ten fragments but the first
		o     clip.Options
	}{
		{"one part", nil, clip.Options{}},
		{"one part, holes that the service closes", []time.Duration{14 * time.Second, 300 * time.Millisecond}, clip.Options{Gap: 20 * time.Second}},
		{"many parts, closed", []time.Duration{5 * time.Second, 40 * time.Second}, clip.Options{}},
		{"many parts, kept", []time.Duration{5 * time.Second, 40 * time.Second}, clip.Options{Gaps: clip.KeepGaps}},
		{"many parts, holes in them, closed", []time.Duration{700 * time.Millisecond, 5 * time.Second, 600 * time.Millisecond}, clip.Options{}},
		{"many parts, holes in them, kept", []time.Duration{700 * time.Millisecond, 5 * time.Second, 600 * time.Millisecond}, clip.Options{Gaps: clip.KeepGaps}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := memory.New()
			at := memory.Base()
			for i := range len(test.holes) + 1 {
				if i > 0 {
					at = at.Add(test.holes[i-1])
				}
				m.Record("cam", at, 10, 2*time.Second)
				at = at.Add(20 * time.Second)
			}
			l, _ := library(t, m, test.o)
			c := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 10*time.Minute))
			got := positionsOf(t, c)
			if !got.Exact {
				t.Errorf("not exact: %+v", got)
			}
			payloads, _, _ := m.Calls()
			file, err := readAll(t, c)
			if err != nil {
				t.Fatal(err)
			}
			marks, shown := frames(t, file)
			for i := 0; i < len(marks); i += 2 {
				want := time.UnixMilli(int64(marks[i])).UTC()
				if off := got.time(shown[i]).Sub(want).Abs(); off > time.Millisecond {
					t.Fatalf("fragment %d, at %v, was recorded %v off what the points say: %+v", i/2, shown[i], off, got)
				}
			}
			if again, _, _ := m.Calls(); again != payloads {
				t.Errorf("%d GetClip calls for what the clip's own open needed too", payloads)
			}
		})
	}
}

// TestPositionsThatAreNotExact: where the media does not fit the listing, no position is called exact.
func TestPositionsThatAreNotExact(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 10, 2*time.Second)
	m.Answer = func(fragments []archive.Fragment) ([]archive.Fragment, error) {
		fragments[4].Length += 500 * time.Millisecond // its pictures stand longer than the listing says
		return fragments, nil
	}
	l, _ := library(t, m, clip.Options{})
	if got := positionsOf(t, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute))); got.Exact {
		t.Errorf("exact: %+v", got)
	}
}

// TestPositionsWithSound: sound that leads is at its fragment's time, and the picture that much later.
func TestPositionsWithSound(t *testing.T) {
	config := []byte{1, 66, 0, 30, 0xff, 0xe1, 0, 4, 0x67, 66, 0, 30, 1, 0, 4, 0x68, 0xce, 0x38, 0x80}
	out := isom.Output{Tracks: []isom.OutputTrack{
		{
			Handler: isom.Video, Timescale: 1000, Width: 64, Height: 64, Entries: [][]byte{isom.NewAVCEntry(config, 64, 64)},
			Edits:   []isom.Edit{{Duration: 93, MediaTime: -1}, {Duration: 4000}},
			Samples: []isom.SampleRun{{Count: 2, Duration: 2000, Size: 8, Sync: true}},
		},
		{
			Handler: isom.Sound, Timescale: 8000, Entries: [][]byte{isom.NewAACEntry([]byte{0x15, 0x88}, 8000, 1)},
			Samples: []isom.SampleRun{{Count: 32, Duration: 1024, Size: 2, Sync: true}},
		},
	}, Chunks: []isom.OutputChunk{{Track: 1, Samples: 32, Data: isom.Slices{make([]byte, 64)}}, {Samples: 2, Data: isom.Slices{make([]byte, 16)}}}}
	w, err := isom.NewWriter(out)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := w.WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	begin, at, err := clip.ShownPictures(file.Bytes())
	if err != nil || begin != 0 || len(at) != 2 || at[0] != 93*time.Millisecond || at[1] != 2093*time.Millisecond {
		t.Errorf("begins at %v, pictures at %v, %v; want 0, 93 ms and 2.093 s", begin, at, err)
	}
}
