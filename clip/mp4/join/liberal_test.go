package join_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/join"
	"clipfs/clip/mp4/mp4test"
)

// smallBox gives a box of a type.
func smallBox(kind string, body ...byte) []byte {
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), kind...), body...)
}

// TestJoinTakes checks what single payloads may have and players play: it does not keep a part from being joined, and
// pictures and sound are where they are without it.
func TestJoinTakes(t *testing.T) {
	entry, _ := avc(0)
	changed := func(change func(o *isom.Output)) []byte {
		o := isom.Output{
			Tracks: []isom.OutputTrack{
				{Handler: isom.Video, Timescale: 1000, Entries: [][]byte{entry}, Width: 320, Height: 180,
					Samples: []isom.SampleRun{{Count: 25, Duration: 40, Offset: 40, Size: 1, Sync: true}}},
				{Handler: isom.Sound, Timescale: 8000, Entries: [][]byte{isom.NewG711Entry(isom.ALaw, 8000, 1)},
					Samples: []isom.SampleRun{{Count: 50, Duration: 160, Size: 160, Sync: true}}},
			},
			Chunks: []isom.OutputChunk{
				{Samples: 25, Data: isom.Slices{make([]byte, 25)}},
				{Track: 1, Samples: 50, Data: isom.Slices{make([]byte, 8000)}},
			},
		}
		o.Tracks[0].Edits = []isom.Edit{{Duration: 1000, MediaTime: 40}}
		change(&o)
		return mp4test.Build(t, o)
	}
	withEntry := func(boxes []byte, name string) []byte {
		e := append(bytes.Clone(entry), boxes...)
		binary.BigEndian.PutUint32(e, uint32(len(e)))
		copy(e[8+42:], append([]byte{byte(len(name))}, name...))
		return e
	}
	plain := changed(func(*isom.Output) {})
	for _, c := range []struct {
		name    string
		payload []byte
		left    int // tracks
	}{
		{"two contiguous edits", changed(func(o *isom.Output) {
			o.Tracks[0].Edits = []isom.Edit{{Duration: 360, MediaTime: 40}, {Duration: 640, MediaTime: 400}}
		}), 0},
		{"an empty edit at the end", changed(func(o *isom.Output) {
			o.Tracks[0].Edits = append(o.Tracks[0].Edits, isom.Edit{Duration: 7, MediaTime: -1})
		}), 0},
		{"two tracks of sound", changed(func(o *isom.Output) {
			o.Tracks = append(o.Tracks, o.Tracks[1])
			o.Chunks = append(o.Chunks, isom.OutputChunk{Track: 2, Samples: 50, Data: isom.Slices{make([]byte, 8000)}})
		}), 1},
		{"two tracks of pictures", changed(func(o *isom.Output) {
			o.Tracks = append(o.Tracks, o.Tracks[0])
			o.Chunks = append(o.Chunks, isom.OutputChunk{Track: 2, Samples: 25, Data: isom.Slices{make([]byte, 25)}})
		}), 1},
		{"pasp, colr and another compressor", changed(func(o *isom.Output) {
			o.Tracks[0].Entries = [][]byte{withEntry(slices.Concat(smallBox("pasp", 0, 0, 0, 1, 0, 0, 0, 2), smallBox("colr", []byte("nclx0000000")...)), "another")}
		}), 0},
	} {
		parts := []join.Part{partOf(t, plain, 0), partOf(t, c.payload, ms(1000)), partOf(t, plain, ms(2000))}
		j, file := joined(t, parts, [][]byte{plain, c.payload, plain}, join.Options{})
		m := mp4test.Parse(t, bytes.NewReader(file))
		if got := len(m.Video().Entries); got != 1 || len(m.Tracks) != 2 {
			t.Errorf("%s: %d sample entries in %d tracks, want 1 in 2", c.name, got, len(m.Tracks))
		}
		for i, f := range expand(t, file, mp4.HandlerVideo) {
			if f.pts != ms(40*int64(i)) {
				t.Fatalf("%s: picture %d at %v", c.name, i, f.pts)
			}
		}
		for i, f := range expand(t, file, mp4.HandlerSound) {
			if f.pts != ms(20*int64(i)) {
				t.Fatalf("%s: sound %d at %v", c.name, i, f.pts)
			}
		}
		left := 0
		for _, out := range j.LeftOut() {
			left += out.Tracks
			if out.Part != 1 || out.Pictures+out.Sounds > 0 {
				t.Errorf("%s: left out %+v", c.name, out)
			}
		}
		if left != c.left {
			t.Errorf("%s: %d tracks left out, want %d", c.name, left, c.left)
		}
	}
	announced := mp4test.Parse(t, bytes.NewReader(plain))
	announced.Fragmented = true // mvex, in a file that has no fragments
	if _, err := join.Make(t.Context(), []join.Part{partOf(t, plain, 0), {Head: held(announced), Start: ms(1000)}}, join.Options{}); err != nil {
		t.Errorf("mvex: %v", err)
	}
	skips := changed(func(o *isom.Output) {
		o.Tracks[0].Edits = []isom.Edit{{Duration: 200, MediaTime: 40}, {Duration: 600, MediaTime: 440}}
	})
	if _, err := join.Make(t.Context(), []join.Part{partOf(t, skips, 0)}, join.Options{}); err == nil {
		t.Error("edits that skip a fifth of a second were joined as if they did not")
	}
}
