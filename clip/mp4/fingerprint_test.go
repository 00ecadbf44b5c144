package mp4_test

import (
	"bytes"
	"testing"
	"time"

	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/mp4test"
)

// TestFingerprint: it stays the same when the file was made later or its boxes stand elsewhere, and changes with
// anything that says which bytes are shown when.
func TestFingerprint(t *testing.T) {
	movie := func(change func(*isom.Output)) isom.Output {
		out := isom.Output{
			Created: time.Unix(1_700_000_000, 0),
			Tracks: []isom.OutputTrack{{
				Handler: isom.Video, Name: "video", Timescale: 1000, Width: 64, Height: 64,
				Entries: [][]byte{isom.NewAVCEntry([]byte{1, 66, 0, 30, 0xff, 0xe1, 0, 1, 0x67, 1, 0, 1, 0x68}, 64, 64)},
				Samples: []isom.SampleRun{{Count: 1, Duration: 40, Size: 100, Sync: true}, {Count: 9, Duration: 40, Size: 50}},
			}},
			Chunks: []isom.OutputChunk{
				{Samples: 5, Data: isom.Slices{make([]byte, 300)}}, {Samples: 5, Data: isom.Slices{make([]byte, 250)}},
			},
		}
		if change != nil {
			change(&out)
		}
		return out
	}
	fingerprint := func(out isom.Output) [32]byte {
		file := mp4test.Build(t, out)
		m, err := mp4.ParseMovie(mp4test.Moov(t, bytes.NewReader(file)))
		if err != nil {
			t.Fatal(err)
		}
		s := mp4.NewScanner(bytes.NewReader(file))
		for {
			b, err := s.Next()
			if err != nil {
				t.Fatal(err)
			}
			if b.Type == mp4.TypeMdat {
				return m.Fingerprint(b.Position + int64(b.HeaderSize))
			}
		}
	}
	want := fingerprint(movie(nil))
	for name, change := range map[string]func(*isom.Output){
		"made later":     func(o *isom.Output) { o.Created = o.Created.Add(time.Hour) },
		"moov last":      func(o *isom.Output) { o.MoovLast = true },
		"another name":   func(o *isom.Output) { o.Tracks[0].Name = "a much longer name, which moves the media" },
		"another tongue": func(o *isom.Output) { o.Tracks[0].Language = "deu" },
	} {
		if got := fingerprint(movie(change)); got != want {
			t.Errorf("%s: another fingerprint", name)
		}
	}
	for name, change := range map[string]func(*isom.Output){
		"movie's timescale": func(o *isom.Output) { o.Timescale = 600 },
		"timescale":         func(o *isom.Output) { o.Tracks[0].Timescale = 1001 },
		"duration":          func(o *isom.Output) { o.Tracks[0].Samples[1].Duration = 41 },
		"offset":            func(o *isom.Output) { o.Tracks[0].Samples[1].Offset = 40 },
		"sync":              func(o *isom.Output) { o.Tracks[0].Samples[1].Sync = true },
		"sizes": func(o *isom.Output) {
			o.Tracks[0].Samples = []isom.SampleRun{{Count: 1, Duration: 40, Size: 99, Sync: true},
				{Count: 1, Duration: 40, Size: 51}, {Count: 8, Duration: 40, Size: 50}}
		},
		"chunks": func(o *isom.Output) {
			o.Chunks = []isom.OutputChunk{{Samples: 4, Data: isom.Slices{make([]byte, 250)}}, {Samples: 6, Data: isom.Slices{make([]byte, 300)}}}
		},
		"entry": func(o *isom.Output) {
			o.Tracks[0].Entries = [][]byte{isom.NewAVCEntry([]byte{1, 66, 0, 31, 0xff, 0xe1, 0, 1, 0x67, 1, 0, 1, 0x68}, 64, 64)}
		},
		"edit": func(o *isom.Output) {
			o.Tracks[0].Edits = []isom.Edit{{Duration: 400, MediaTime: 0}}
		},
	} {
		if got := fingerprint(movie(change)); got == want {
			t.Errorf("%s: same fingerprint", name)
		}
	}
}
