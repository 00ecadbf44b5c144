package memory

import (
	"bytes"
	"encoding/binary"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/emulator/isom"
)

// lastFrame is how long the last frame of each fragment is, which the length of a fragment leaves out.
const lastFrame = 40 * time.Millisecond

// footage is what a payload is made of.
type footage struct {
	fragments            []archive.Fragment
	moovLast, keepsHoles bool
	syncs                func(i int) bool
	created              time.Time
}

// Movie makes the payload of some fragments.
func Movie(fragments []archive.Fragment, moovLast bool, created time.Time) []byte {
	return footage{fragments: fragments, moovLast: moovLast, created: created}.movie()
}

// movie makes a payload of two frames a fragment. The first is a key frame as a rule.
func (f footage) movie() []byte {
	config := []byte{1, 66, 0, 30, 0xff, 0xe1, 0, 4, 0x67, 66, 0, 30, 1, 0, 4, 0x68, 0xce, 0x38, 0x80}
	out := isom.Output{
		Created: f.created, MoovLast: f.moovLast,
		Tracks: []isom.OutputTrack{{
			Handler: isom.Video, Name: "video", Timescale: 1000, Width: 64, Height: 64,
			Entries: [][]byte{isom.NewAVCEntry(config, 64, 64)},
		}},
	}
	sync := func(i int) bool { return f.syncs == nil && i%2 == 0 || f.syncs != nil && f.syncs(i) }
	for i, one := range f.fragments {
		data := make([]byte, one.Size)
		for i := 0; i+8 <= len(data); i += 8 {
			binary.BigEndian.PutUint64(data[i:], uint64(one.Producer.UnixMilli())+uint64(i))
		}
		half := uint32(len(data) / 2)
		lasts := uint32((one.Length + lastFrame).Milliseconds() / 2)
		last := lasts
		if f.keepsHoles && i+1 < len(f.fragments) {
			last = uint32(f.fragments[i+1].Producer.Sub(one.Producer).Milliseconds()) - lasts
		}
		out.Tracks[0].Samples = append(out.Tracks[0].Samples,
			isom.SampleRun{Count: 1, Duration: lasts, Size: half, Sync: sync(2 * i)},
			isom.SampleRun{Count: 1, Duration: last, Size: half, Sync: sync(2*i + 1)})
		out.Chunks = append(out.Chunks, isom.OutputChunk{Samples: 2, Data: isom.Slices{data}})
	}
	w, err := isom.NewWriter(out)
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		panic(err)
	}
	return b.Bytes()
}
