package join_test

import (
	"bytes"
	"slices"
	"testing"

	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4/join"
	"clipfs/clip/mp4/mp4test"
)

// TestJoinSyncs: a joined clip can be sought in at the beginning of each part, even if the parts list none or few of the
// pictures at which decoding can begin, as open groups of pictures may.
func TestJoinSyncs(t *testing.T) {
	entry, _ := avc(0)
	pictures := func(syncs ...int) []byte {
		track := isom.OutputTrack{Handler: isom.Video, Timescale: 1000, Entries: [][]byte{entry}, Width: 320, Height: 180}
		for i := range 25 {
			track.Samples = append(track.Samples, isom.SampleRun{Count: 1, Duration: 40, Size: 1, Sync: slices.Contains(syncs, i)})
		}
		return mp4test.Build(t, isom.Output{Tracks: []isom.OutputTrack{track}, Chunks: []isom.OutputChunk{{Samples: 25, Data: isom.Slices{make([]byte, 25)}}}})
	}
	for _, test := range []struct {
		name  string
		parts [][]int
		want  []uint32
	}{
		{"each first", [][]int{{0, 10}, {0}, {0, 20}}, []uint32{1, 11, 26, 51, 71}},
		{"none", [][]int{{}, {}, {}}, []uint32{1, 26, 51}},
		{"one in the middle", [][]int{{0}, {12}, {}}, []uint32{1, 26, 38, 51}},
	} {
		var parts []join.Part
		var payloads [][]byte
		for i, syncs := range test.parts {
			payloads = append(payloads, pictures(syncs...))
			parts = append(parts, partOf(t, payloads[i], ms(1000*int64(i))))
		}
		_, file := joined(t, parts, payloads, join.Options{})
		got := slices.Collect(mp4test.Parse(t, bytes.NewReader(file)).Video().Syncs.Numbers())
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: sync samples %d, want %d", test.name, got, test.want)
		}
	}
}
