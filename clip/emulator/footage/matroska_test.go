package footage_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/payload"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"
)

// cluster is a cluster with blocks of either kind.
type cluster struct {
	Timecode    uint64       `ebml:"Timecode"`
	SimpleBlock []ebml.Block `ebml:"SimpleBlock"`
	BlockGroup  []blockGroup `ebml:"BlockGroup"`
}

type blockGroup struct {
	Block          ebml.Block `ebml:"Block"`
	BlockDuration  uint64     `ebml:"BlockDuration,omitempty"`
	ReferenceBlock int64      `ebml:"ReferenceBlock,omitempty"`
}

// avcC is a minimal codec private data of H.264, nal a NAL unit of a type.
func avcC() []byte { return []byte{1, 0x64, 0, 0x1f, 0xff, 0xe0, 0} }

func nal(kind, fill byte) []byte { return []byte{0, 0, 0, 3, kind, fill, fill} }

// header is the beginning of a Matroska file with H.264 and A-law.
func header(t testing.TB, tracks ...webm.TrackEntry) []byte {
	t.Helper()
	var b bytes.Buffer
	head := struct {
		Header  webm.EBMLHeader `ebml:"EBML"`
		Segment struct {
			Info   webm.Info   `ebml:"Info"`
			Tracks webm.Tracks `ebml:"Tracks"`
		} `ebml:"Segment,size=unknown"`
	}{Header: webm.EBMLHeader{DocType: "matroska"}}
	head.Segment.Info.TimecodeScale = 1_000_000
	head.Segment.Tracks.TrackEntry = tracks
	if err := ebml.Marshal(&head, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func videoEntry() webm.TrackEntry {
	return webm.TrackEntry{TrackNumber: 1, TrackUID: 1, TrackType: 1, CodecID: "V_MPEG4/ISO/AVC", CodecPrivate: avcC(),
		Video: &webm.Video{PixelWidth: 64, PixelHeight: 48}}
}

func alawEntry() webm.TrackEntry {
	return webm.TrackEntry{TrackNumber: 2, TrackUID: 2, TrackType: 2, CodecID: "A_MS/ACM",
		CodecPrivate: []byte{6, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0, 0, 0},
		Audio:        &webm.Audio{SamplingFrequency: 8000, Channels: 1}}
}

// marshal writes clusters; unknown says that they have no size.
func marshal(t testing.TB, unknown bool, clusters ...cluster) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, c := range clusters {
		var err error
		if unknown {
			err = ebml.Marshal(&struct {
				Cluster cluster `ebml:"Cluster,size=unknown"`
			}{c}, &b)
		} else {
			err = ebml.Marshal(&struct {
				Cluster cluster `ebml:"Cluster"`
			}{c}, &b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// TestMatroskaForms: lacing, block groups, clusters without a size, elements that nobody knows.
func TestMatroskaForms(t *testing.T) {
	laced := [][]byte{bytes.Repeat([]byte{1}, 160), bytes.Repeat([]byte{2}, 160), bytes.Repeat([]byte{3}, 320)}
	unknownElement := []byte{0x4f, 0xfe, 0x83, 1, 2, 3}
	for _, tt := range []struct {
		name    string
		lacing  ebml.LacingMode
		frames  [][]byte
		unknown bool
	}{
		{"no lacing", ebml.LacingNo, laced[:1], false},
		{"EBML lacing", ebml.LacingEBML, laced, false},
		{"Xiph lacing, no cluster sizes", ebml.LacingXiph, laced, true},
		{"fixed lacing, no cluster sizes", ebml.LacingFixed, laced[:2], true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clusters := []cluster{
				{Timecode: 5000, SimpleBlock: []ebml.Block{
					{TrackNumber: 1, Keyframe: true, Data: [][]byte{nal(5, 1)}},
					{TrackNumber: 2, Timecode: 10, Keyframe: true, Lacing: tt.lacing, Data: tt.frames},
					{TrackNumber: 3, Data: [][]byte{{9}}}}},
				{Timecode: 6000, BlockGroup: []blockGroup{
					{Block: ebml.Block{TrackNumber: 1, Timecode: -40, Data: [][]byte{nal(1, 2)}}, ReferenceBlock: -960},
					{Block: ebml.Block{TrackNumber: 1, Timecode: 500, Data: [][]byte{nal(5, 3)}}, BlockDuration: 70}}},
			}
			data := slices.Concat(header(t, videoEntry(), alawEntry()), unknownElement, marshal(t, tt.unknown, clusters...))
			m, err := footage.ParseMedia(data)
			if err != nil {
				t.Fatal(err)
			}
			_, video := m.Video()
			wantTimes := []time.Duration{0, 960 * time.Millisecond, 1500 * time.Millisecond}
			if len(video) != 3 || m.Duration() != 1570*time.Millisecond {
				t.Fatalf("got %d frames in %v, want 3 in 1.57 s", len(video), m.Duration())
			}
			for i, s := range video {
				if s.PTS != wantTimes[i] || s.Sync != (i != 1) || s.Data[5] != byte(i+1) {
					t.Errorf("frame %d: got %+v", i, s)
				}
			}
			_, audio, _ := m.Audio()
			if len(audio) != len(tt.frames) {
				t.Fatalf("got %d blocks of audio, want %d", len(audio), len(tt.frames))
			}
			for i, s := range audio {
				if want := time.Duration(10+20*i) * time.Millisecond; s.PTS != want || !bytes.Equal(s.Data, tt.frames[i]) {
					t.Errorf("block %d: got %v at %v, want it at %v", i, s.Data[0], s.PTS, want)
				}
			}
			if n := len(footage.NewRecording(m, day()).Fragments(footage.ByProducer, day(), day().Add(time.Hour))); n != 2 {
				t.Errorf("got %d fragments, want 2", n)
			}
		})
	}
}

// TestMatroskaErrors: what is broken or cannot be served is said so.
func TestMatroskaErrors(t *testing.T) {
	noPrivate, vp9, opus := videoEntry(), videoEntry(), alawEntry()
	noPrivate.CodecPrivate = nil
	vp9.CodecID = "V_VP9"
	opus.CodecID = "A_OPUS"
	key := marshal(t, false, cluster{SimpleBlock: []ebml.Block{{TrackNumber: 1, Keyframe: true, Data: [][]byte{nal(5, 1)}}}})
	tests := []struct {
		name string
		data []byte
		want error
	}{
		{"no private data", append(header(t, noPrivate), key...), footage.ErrNoCodecPrivateData},
		{"VP9", append(header(t, vp9), key...), footage.ErrUnsupportedMedia},
		{"Opus", append(header(t, videoEntry(), opus), key...), footage.ErrUnsupportedMedia},
		{"no video", append(header(t, alawEntry()), key...), footage.ErrUnsupportedMedia},
		{"no frames", header(t, videoEntry()), footage.ErrUnsupportedMedia},
		{"cut off", append(header(t, videoEntry()), key[:len(key)-1]...), footage.ErrInvalidMedia},
		{"size beyond the end", append(header(t, videoEntry()), 0x1f, 0x43, 0xb6, 0x75, 0x08, 0xff, 0xff, 0xff, 0xff), footage.ErrInvalidMedia},
		{"timecode out of range", append(header(t, videoEntry()), marshal(t, false, cluster{Timecode: 1 << 62})...), footage.ErrInvalidMedia},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := footage.ParseMedia(tt.data); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func FuzzParseMedia(f *testing.F) {
	clusters := []cluster{{Timecode: 5, SimpleBlock: []ebml.Block{
		{TrackNumber: 1, Keyframe: true, Data: [][]byte{nal(5, 1)}},
		{TrackNumber: 2, Lacing: ebml.LacingEBML, Data: [][]byte{{1}, {2, 2}, {3}}},
		{TrackNumber: 2, Lacing: ebml.LacingXiph, Data: [][]byte{{1}, {2, 2}, {3}}},
		{TrackNumber: 2, Lacing: ebml.LacingFixed, Data: [][]byte{{1}, {2}}},
	}, BlockGroup: []blockGroup{{Block: ebml.Block{TrackNumber: 1, Timecode: 40, Data: [][]byte{nal(1, 1)}}, ReferenceBlock: -1}}}}
	head := header(f, videoEntry(), alawEntry())
	f.Add(append(slices.Clone(head), marshal(f, false, clusters...)...))
	f.Add(append(slices.Clone(head), marshal(f, true, clusters...)...))
	m, err := footage.ParseMedia(append(slices.Clone(head), marshal(f, true, clusters...)...))
	if err != nil {
		f.Fatal(err)
	}
	p, err := payload.Plan(footage.NewRecording(m, day()).Fragments(footage.ByProducer, day(), day()), payload.Options{})
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := p.WriteTo(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := footage.ParseMedia(data)
		if err != nil {
			return
		}
		frags := footage.NewLoop(m, day(), footage.Options{}).Fragments(footage.ByProducer, day(), day().Add(m.Duration()))
		if len(frags) == 0 {
			t.Fatal("media without fragments")
		}
		frags = frags[:min(len(frags), 50)]
		var b bytes.Buffer
		if err := footage.WriteMatroska(&b, frags[:1]); err == nil && int64(b.Len()) != frags[0].Size {
			t.Errorf("got size %d, stored are %d bytes", frags[0].Size, b.Len())
		}
		p, err := payload.Plan(frags, payload.Options{})
		if err != nil {
			return
		}
		b.Reset()
		if n, err := p.WriteTo(&b); err != nil || n != p.Size() {
			t.Errorf("wrote %d bytes of %d: %v", n, p.Size(), err)
		}
	})
}
