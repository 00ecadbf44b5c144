package join_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/join"
	"clipfs/clip/mp4/mp4test"
)

// law is a payload of pictures of 200 ms and of G.711 with one byte a channel in each sample, in chunks of so many.
type law struct {
	coding   mp4.FourCC
	rate     uint32
	channels uint16
	pictures uint32
	chunks   []uint32
	data     []byte
}

// build writes the payload.
func (l law) build(t testing.TB) []byte {
	t.Helper()
	entry, _ := avc(0)
	samples := uint32(0)
	chunks := []isom.OutputChunk{{Samples: l.pictures, Data: isom.Slices{make([]byte, l.pictures)}}}
	for _, n := range l.chunks {
		from := int(samples) * int(l.channels)
		samples += n
		data := l.data[from : from+int(n)*int(l.channels)]
		chunks = append(chunks, isom.OutputChunk{Track: 1, Samples: n, Data: isom.Slices{data}})
	}
	return mp4test.Build(t, isom.Output{
		Tracks: []isom.OutputTrack{
			{Handler: isom.Video, Timescale: 1000, Entries: [][]byte{entry},
				Samples: []isom.SampleRun{{Count: l.pictures, Duration: 200, Size: 1, Sync: true}}},
			{Handler: isom.Sound, Timescale: l.rate, Entries: [][]byte{isom.NewG711Entry(l.coding.String(), l.rate, l.channels)},
				Samples: []isom.SampleRun{{Count: samples, Duration: 1, Size: uint32(l.channels), Sync: true}}},
		},
		Chunks: chunks,
	})
}

// noise is so many bytes that do not repeat, the same for the same seed.
func noise(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 7))
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

// TestJoinGroups checks which samples chunks of G.711 become: of a tenth of a second at most, alike, and as long as
// their bytes; they begin where the chunks did. (Found with GStreamer: a constant size makes it take a chunk for one
// sample, so that sizes have to be listed.)
func TestJoinGroups(t *testing.T) {
	for _, c := range []struct {
		name     string
		rate     uint32
		channels uint16
		chunks   []uint32
		want     []uint32
	}{
		{"a second", 8000, 1, []uint32{8000}, []uint32{800, 800, 800, 800, 800, 800, 800, 800, 800, 800}},
		{"two channels", 8000, 2, []uint32{1600, 320}, []uint32{1600, 1600, 640}},
		{"alike to a byte", 8000, 1, []uint32{1603}, []uint32{534, 534, 535}},
		{"a tenth of a second", 16000, 1, []uint32{1600, 1601}, []uint32{1600, 800, 801}},
		{"small chunks", 8000, 1, []uint32{160, 1, 7}, []uint32{160, 1, 7}},
		{"a rate of 100 Hz", 100, 1, []uint32{256}, []uint32{128, 128}},
	} {
		t.Run(c.name, func(t *testing.T) {
			total := uint32(0)
			for _, n := range c.chunks {
				total += n
			}
			l := law{mp4.CodingULaw, c.rate, c.channels, 5, c.chunks, noise(int(total)*int(c.channels), 1)}
			payload := l.build(t)
			_, file := joined(t, []join.Part{partOf(t, payload, 0)}, [][]byte{payload}, join.Options{})
			track := mp4test.Parse(t, bytes.NewReader(file)).Sound()
			var got []uint32
			var media []byte
			for _, s := range mp4test.Samples(t, track) {
				got = append(got, s.Size)
				media = append(media, file[s.Position:s.Position+int64(s.Size)]...)
				if s.Duration*uint32(c.channels) != s.Size {
					t.Errorf("sample of %d bytes lasts %d ticks", s.Size, s.Duration)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("samples of %d bytes, want %d", got, c.want)
			}
			if !bytes.Equal(media, l.data) {
				t.Error("bytes differ")
			}
			if track.Sizes.Constant() != 0 || track.ChunkOffsets.Len() != len(c.chunks) {
				t.Errorf("constant size %d, %d chunks", track.Sizes.Constant(), track.ChunkOffsets.Len())
			}
		})
	}
}

// TestJoinBlocks checks that G.711 in larger samples keeps them, with their sizes listed.
func TestJoinBlocks(t *testing.T) {
	entry, _ := avc(0)
	payload := mp4test.Build(t, isom.Output{
		Tracks: []isom.OutputTrack{
			{Handler: isom.Video, Timescale: 1000, Entries: [][]byte{entry},
				Samples: []isom.SampleRun{{Count: 1, Duration: 100, Size: 1, Sync: true}}},
			{Handler: isom.Sound, Timescale: 8000, Entries: [][]byte{isom.NewG711Entry(isom.ALaw, 8000, 1)},
				Samples: []isom.SampleRun{{Count: 5, Duration: 160, Size: 160, Sync: true}}},
		},
		Chunks: []isom.OutputChunk{{Samples: 1, Data: isom.Slices{{1}}}, {Track: 1, Samples: 5, Data: isom.Slices{make([]byte, 800)}}},
	})
	_, file := joined(t, []join.Part{partOf(t, payload, 0)}, [][]byte{payload}, join.Options{})
	track := mp4test.Parse(t, bytes.NewReader(file)).Sound()
	if n, size, constant := track.Sizes.Len(), track.Sizes.At(4), track.Sizes.Constant(); n != 5 || size != 160 || constant != 0 {
		t.Errorf("%d samples, the last of %d bytes, constant size %d", n, size, constant)
	}
}

// dayOfLaw gives the heads of 24 h of A-law at 8 kHz in parts of 2 min, with chunks of a second; a gap in the middle.
func dayOfLaw(t testing.TB) []join.Part {
	t.Helper()
	const minutes = 2
	chunks := make([]uint32, 60*minutes)
	for i := range chunks {
		chunks[i] = 8000
	}
	l := law{mp4.CodingALaw, 8000, 1, 300 * minutes, chunks, make([]byte, 8000*60*minutes)}
	moov := mp4test.Moov(t, bytes.NewReader(l.build(t)))
	var parts []join.Part
	for i := range 24 * 60 / minutes {
		p := join.Part{Head: parsed(moov), Start: time.Duration(i) * minutes * time.Minute}
		if i == 12*60/minutes {
			p.GapBefore = true
		}
		if i >= 12*60/minutes {
			p.Start += time.Minute
		}
		parts = append(parts, p)
	}
	return parts
}

// TestJoinLawTables checks that the tables of 24 h of A-law with a gap are small, and merged by runs.
func TestJoinLawTables(t *testing.T) {
	j, err := join.Make(t.Context(), dayOfLaw(t), join.Options{Gaps: join.KeepGaps})
	if err != nil {
		t.Fatal(err)
	}
	var head bytes.Buffer
	if err := j.WriteHead(t.Context(), &head); err != nil {
		t.Fatal(err)
	}
	track := mp4test.Parse(t, &head).Sound()
	const seconds = 24 * 60 * 60
	if got := track.Sizes.Len(); got != 10*seconds {
		t.Errorf("%d samples, want %d", got, 10*seconds)
	}
	if got := track.Durations.Len(); got != 3 {
		t.Errorf("%d runs of durations, want 3: the gap and what is before and after it", got)
	}
	if got := track.ChunkRuns.Len(); got != 1 {
		t.Errorf("%d runs of chunks, want 1", got)
	}
	if got := track.ChunkOffsets.Len(); got != seconds {
		t.Errorf("%d chunks, want %d", got, seconds)
	}
	if size := j.HeadSize(); size > 6<<20 {
		t.Errorf("head of %d bytes", size)
	}
}

// TestJoinLawDrift checks that G.711 whose clock is not the video's stays with it, without the video being moved: each
// part begins at its time within 20 ms, and what is taken out of its end shows nowhere else.
func TestJoinLawDrift(t *testing.T) {
	small := func(n uint32) []uint32 {
		var chunks []uint32
		for i := uint32(0); n > 0; i++ {
			k := min(n, 160+i%2*80)
			chunks = append(chunks, k)
			n -= k
		}
		return chunks
	}
	for _, c := range []struct {
		name   string
		chunks []uint32
	}{
		{"long", []uint32{8000, 8200}},
		{"short", []uint32{8000, 7800}},
		{"long, small chunk last", []uint32{8000, 7900, 300}},
		{"long, one byte last", []uint32{8000, 8199, 1}},
		{"long, small chunks", small(16200)},
		{"much too long", []uint32{8000, 8470}},
	} {
		t.Run(c.name, func(t *testing.T) {
			total := 0
			for _, n := range c.chunks {
				total += int(n)
			}
			l := law{mp4.CodingALaw, 8000, 1, 10, c.chunks, noise(total, 2)}
			payload := l.build(t)
			var parts []join.Part
			var payloads [][]byte
			for i := range 30 {
				parts = append(parts, partOf(t, payload, time.Duration(i)*2*time.Second))
				payloads = append(payloads, payload)
			}
			j, file := joined(t, parts, payloads, join.Options{})
			if len(j.Times()) != 1 {
				t.Errorf("times %v: video was moved", j.Times())
			}
			sound := expand(t, file, mp4.HandlerSound)
			from := 0
			for i, f := range sound {
				if i > 0 && f.pts <= sound[i-1].pts {
					t.Fatalf("sample %d at %v after %v", i, f.pts, sound[i-1].pts)
				}
				want := time.Duration(from/total)*2*time.Second + time.Duration(from%total)*time.Second/8000
				if off := f.pts - want; off > ms(21) || off < -ms(60) || from%total == 0 && off < -ms(21) {
					t.Fatalf("sample %d, %d bytes into part %d, is off by %v", i, from%total, from/total, off)
				}
				from += len(f.data)
			}
			if from != 30*total {
				t.Errorf("%d bytes, want %d", from, 30*total)
			}
		})
	}
}

// pcmOf has ffmpeg decode sound to 16 bits.
func pcmOf(t *testing.T, input ...string) string {
	t.Helper()
	args := append([]string{"-v", "error", "-nostdin", "-xerror"}, input...)
	return mp4test.Run(t, "ffmpeg", append(args, "-map", "0:a", "-f", "s16le", "-")...)
}

// gstreamerPCM has GStreamer decode sound to 16 bits, with silence where there is none.
func gstreamerPCM(t *testing.T, path, format string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "sound")
	mp4test.Run(t, "gst-launch-1.0", "-q", "filesrc", "location="+path, "!", "qtdemux", "name=d", "d.audio_0", "!", "queue", "!", format+"dec",
		"!", "audiorate", "!", "filesink", "location="+out)
	f := mp4test.Open(t, out)
	content, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
