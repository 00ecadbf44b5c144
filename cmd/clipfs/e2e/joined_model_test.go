//go:build e2e

package e2e_test

import (
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
)

// placed is one coded frame of video, or one frame or block of audio, and when a clip of many parts shows it, counted
// from its first picture.
type placed struct {
	at       time.Duration
	recorded time.Time
	data     []byte
}

// lay puts fragments on the time of a clip of many parts. It knows nothing of parts, nor of the code that joins them.
//
// A fragment stands at its own time. One whose first picture would not come after all before it (an overlap) stands
// where those end, and what follows moves alike, until a gap. A gap is where nothing is shown for more than a second:
// what follows stands at its own time again if gaps are kept, and else where the picture before the gap ends.
func lay(fragments []footage.Fragment, keep bool) (video, audio []placed) {
	var shift, shown, end time.Duration // the last picture so far, and when it ends
	var ends time.Time                  // the same by the clock
	for i, f := range fragments {
		recorded := f.Producer.Sub(fragments[0].Producer)
		at := recorded + shift
		switch gap := f.Producer.Sub(ends) > time.Second; {
		case i == 0:
		case gap && keep:
			at = max(recorded, end)
		case gap, at <= shown:
			at = end
		}
		shift = at - recorded
		for _, s := range f.Video() {
			video = append(video, placed{at: at + s.PTS, recorded: f.Producer.Add(s.PTS), data: s.Data})
			shown, end = max(shown, at+s.PTS), max(end, at+s.PTS+s.Duration)
		}
		for _, s := range f.Audio() {
			audio = append(audio, placed{at: at + s.PTS, recorded: f.Producer.Add(s.PTS), data: s.Data})
		}
		ends = f.Producer.Add(end - at)
	}
	return video, audio
}

// footageOf opens all footage of a stream and gives what the emulator has of it in a span.
func footageOf(t *testing.T, specs []string, from, to time.Time) []footage.Fragment {
	t.Helper()
	var parts []footage.Source
	for _, s := range specs {
		spec, err := footage.ParseSpec(s)
		if err != nil {
			t.Fatal(err)
		}
		source, err := spec.Open(t.Context(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, source)
	}
	return footage.NewSource(parts...).Fragments(footage.ByProducer, from, to.Add(-time.Millisecond))
}

// TestModel: what the model makes of footage of which the answer is plain.
func TestModel(t *testing.T) {
	from := time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC)
	// Two pictures a second for as many seconds as there are fragments, each of which starts where it is told.
	fragments := func(starts ...time.Duration) []footage.Fragment {
		var all []footage.Fragment
		for i, s := range starts {
			picture := func(at time.Duration) footage.Sample {
				return footage.Sample{PTS: at, Sync: at == 0, Data: []byte{0, 0, 0, 2, 0x65, byte(i)}}
			}
			track := footage.Track{Codec: footage.H264, Private: []byte{1, 66, 0, 30, 0xff, 0xe0, 0}, Width: 64, Height: 36}
			f, err := footage.NewFragment(footage.FragmentNumber(from, uint64(i)), from.Add(s), from.Add(s), track,
				[]footage.Sample{picture(0), picture(time.Second / 2)}, nil, nil, time.Second/2)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, f)
		}
		return all
	}
	for _, test := range []struct {
		name        string
		starts      []float64
		keep, close []float64 // of the first pictures
	}{
		{"in a row", []float64{0, 1, 2}, []float64{0, 1, 2}, []float64{0, 1, 2}},
		{"a second of nothing is no gap", []float64{0, 2, 3}, []float64{0, 2, 3}, []float64{0, 2, 3}},
		{"a gap", []float64{0, 2.001, 3.001}, []float64{0, 2.001, 3.001}, []float64{0, 1, 2}},
		{"early, but after all before it", []float64{0, 0.6, 1.6}, []float64{0, 0.6, 1.6}, []float64{0, 0.6, 1.6}},
		{"an overlap", []float64{0, 0.5, 1.5, 2.5}, []float64{0, 1, 2, 3}, []float64{0, 1, 2, 3}},
		{"an overlap up to a gap", []float64{0, 0.5, 9}, []float64{0, 1, 9}, []float64{0, 1, 2}},
		{"a gap that is less than what overlapped", []float64{0, 0.1, 0.2, 0.3, 0.4, 2.5}, []float64{0, 1, 2, 3, 4, 5}, []float64{0, 1, 2, 3, 4, 5}},
	} {
		for _, policy := range []struct {
			keep bool
			want []float64
		}{{true, test.keep}, {false, test.close}} {
			var starts []time.Duration
			for _, s := range test.starts {
				starts = append(starts, time.Duration(s*1e9))
			}
			video, _ := lay(fragments(starts...), policy.keep)
			for i, want := range policy.want {
				if got := video[2*i].at; got != time.Duration(want*1e9) || video[2*i+1].at != got+time.Second/2 {
					t.Errorf("%s, keep %v: fragment %d at %v, want %vs", test.name, policy.keep, i, got, want)
				}
			}
		}
	}
}
