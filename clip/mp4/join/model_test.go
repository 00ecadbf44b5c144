package join_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/join"
	"clipfs/clip/mp4/mp4test"
)

// joined writes a joined file to memory and checks its segments and sizes.
func joined(t testing.TB, parts []join.Part, payloads [][]byte, o join.Options) (*join.File, []byte) {
	t.Helper()
	j, err := join.Make(t.Context(), parts, o)
	if err != nil {
		t.Fatal(err)
	}
	return j, assemble(t, j, payloads)
}

// assemble puts a joined file together as its segments say.
func assemble(t testing.TB, j *join.File, payloads [][]byte) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := j.WriteHead(t.Context(), &file); err != nil {
		t.Fatal(err)
	}
	if got, want := int64(file.Len()), j.HeadSize(); got != want {
		t.Fatalf("head of %d bytes, announced %d", got, want)
	}
	first := true
	for s := range j.Segments() {
		if first {
			if s.Offset != 0 || s.Length != j.HeadSize() || s.Part != -1 {
				t.Fatalf("first segment %+v", s)
			}
			first = false
			continue
		}
		if s.Offset != int64(file.Len()) || s.Length <= 0 {
			t.Fatalf("segment %+v at %d", s, file.Len())
		}
		if s.Part < 0 {
			if int64(len(s.Bytes)) != s.Length {
				t.Fatalf("segment %+v with %d bytes", s, len(s.Bytes))
			}
			file.Write(s.Bytes)
			continue
		}
		file.Write(payloads[s.Part][s.PayloadOffset : s.PayloadOffset+s.Length])
	}
	if got, want := int64(file.Len()), j.Size(); got != want {
		t.Fatalf("file of %d bytes, announced %d", got, want)
	}
	return file.Bytes()
}

// avc is a sample entry with one SPS and one PPS that end in mark, and how they stand in-band.
func avc(mark byte) (entry, inBand []byte) {
	sps, pps := []byte{0x67, 66, 0, 30, mark}, []byte{0x68, mark}
	config := append([]byte{1, 66, 0, 30, 0xff, 0xe1, 0, 5}, sps...)
	config = append(append(config, 1, 0, 2), pps...)
	inBand = append(append([]byte{0, 0, 0, 5}, sps...), 0, 0, 0, 2)
	return isom.NewAVCEntry(config, 320, 180), append(inBand, pps...)
}

// frame is one sample of the plain model: its times from the first part's start on, and its bytes.
type frame struct {
	dts, pts, duration time.Duration
	data               []byte
	sync               bool
	entry              []byte
	// part is which one a frame of the model is of.
	part int
}

// ms is a number of milliseconds.
func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// expand reads a file sample by sample, edits applied; 0 is where the file begins.
func expand(t testing.TB, file []byte, handler mp4.FourCC) []frame {
	t.Helper()
	m := mp4test.Parse(t, bytes.NewReader(file))
	for _, track := range m.Tracks {
		if track.Handler != handler {
			continue
		}
		if len(track.Edits) > 1 {
			t.Fatalf("%d edits", len(track.Edits))
		}
		shift := int64(0)
		if len(track.Edits) == 1 {
			shift = track.Edits[0].MediaTime
		}
		at := func(v int64) time.Duration {
			return time.Duration(float64(v-shift) / float64(track.Timescale) * 1e9).Round(time.Microsecond)
		}
		var all []frame
		for _, s := range mp4test.Samples(t, track) {
			all = append(all, frame{
				dts: at(s.DTS), pts: at(s.PTS()), duration: at(s.DTS+int64(s.Duration)) - at(s.DTS),
				data: file[s.Position : s.Position+int64(s.Size)], sync: s.Sync, entry: track.Entries[s.Entry].Raw,
			})
		}
		return all
	}
	return nil
}

// randomPart makes up a payload: video with its reordering, sound of G.711 or none, chunks that take turns.
func randomPart(r *rand.Rand, entry []byte, timescale uint32, sound bool) isom.Output {
	tick := timescale / 1000 // a millisecond
	video := isom.OutputTrack{
		Handler: isom.Video, Timescale: timescale, Width: 320, Height: 180, Entries: [][]byte{entry},
	}
	delay := int32(r.IntN(3)) * 40 * int32(tick)
	n := 1 + r.IntN(12)
	for i := range n {
		run := isom.SampleRun{
			Count: 1, Duration: (10 + r.Uint32N(50)) * tick, Offset: delay, Size: 1 + r.Uint32N(9), Sync: i == 0 || r.IntN(4) == 0,
		}
		if i > 0 && delay > 0 {
			run.Offset = int32(r.IntN(3)) * 20 * int32(tick)
		}
		video.Samples = append(video.Samples, run)
	}
	if r.IntN(2) == 0 {
		video.Edits = []isom.Edit{{Duration: 1 << 20, MediaTime: int64(delay)}}
	}
	out := isom.Output{MoovLast: r.IntN(2) == 0, Tracks: []isom.OutputTrack{video}}
	bytesOf := func(n uint32) isom.Slices {
		p := make([]byte, n)
		for i := range p {
			p[i] = byte(r.Uint32())
		}
		return isom.Slices{p}
	}
	for _, s := range video.Samples {
		out.Chunks = append(out.Chunks, isom.OutputChunk{Samples: 1, Data: bytesOf(s.Size)})
	}
	if !sound {
		return out
	}
	samples := randomSound(r)
	out.Tracks = append(out.Tracks, isom.OutputTrack{
		Handler: isom.Sound, Timescale: 8000, Entries: [][]byte{isom.NewG711Entry(isom.ALaw, 8000, 1)}, Samples: samples,
		Edits: []isom.Edit{{Duration: uint64(r.IntN(90)), MediaTime: -1}, {Duration: 1 << 20}},
	})
	left := uint32(0)
	for _, s := range samples {
		left += s.Count
	}
	for at := 0; left > 0; at++ { // the chunks of sound in their order between those of video
		at += r.IntN(len(out.Chunks) - at + 1)
		count := left
		if r.IntN(3) > 0 {
			count = 1 + r.Uint32N(left)
		}
		left -= count
		chunk := isom.OutputChunk{Track: 1, Samples: count, Data: bytesOf(samples[0].Size * count)}
		out.Chunks = slices.Insert(out.Chunks, at, chunk)
	}
	return out
}

// randomSound makes up samples of G.711: blocks of 20 ms, or single bytes of which some can last long.
func randomSound(r *rand.Rand) []isom.SampleRun {
	if r.IntN(2) == 0 {
		return []isom.SampleRun{{Count: 1 + r.Uint32N(20), Duration: 160, Size: 160, Sync: true}}
	}
	var samples []isom.SampleRun
	for range 1 + r.IntN(3) {
		samples = append(samples, isom.SampleRun{Count: 1 + r.Uint32N(1500), Duration: 1, Size: 1, Sync: true})
		if r.IntN(2) == 0 {
			samples = append(samples, isom.SampleRun{Count: 1, Duration: 1 + r.Uint32N(900), Size: 1, Sync: true})
		}
	}
	return samples
}

// partOf gives a payload as a part.
func partOf(t testing.TB, payload []byte, start time.Duration) join.Part {
	t.Helper()
	return join.Part{Head: held(mp4test.Parse(t, bytes.NewReader(payload))), Start: start}
}

// TestJoinRandom joins random payloads and compares with a plain model, sample by sample.
func TestJoinRandom(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 4))
		timescale := []uint32{1000, 90000, 1000}[r.IntN(3)]
		withSound, change := r.IntN(3) > 0, r.IntN(2) == 0
		var parts []join.Part
		var payloads [][]byte
		var video, sound []frame
		changed, first, start, shown := false, byte(0), time.Duration(0), time.Duration(0)
		for i := range 1 + r.IntN(6) {
			mark := byte(0)
			if change {
				mark = byte(r.IntN(2))
			}
			if i == 0 {
				first = mark
			}
			entry, inBand := avc(mark)
			changed = changed || mark != first
			payload := mp4test.Build(t, randomPart(r, entry, timescale, withSound && r.IntN(3) > 0))
			p := partOf(t, payload, 0)
			p.GapBefore = r.IntN(2) == 0
			model := expand(t, payload, mp4.HandlerVideo)
			// The earlier of the first picture and the first sound stands at the part's start.
			zero, empty := model[0].pts, time.Duration(0)
			if s := mp4test.Parse(t, bytes.NewReader(payload)).Sound(); s != nil {
				empty = ms(int64(s.Edits[0].Duration))
				zero = min(zero, empty)
			}
			earliest, latest := model[0].pts, model[0].pts
			for _, f := range model {
				earliest, latest = min(earliest, f.pts), max(latest, f.pts)
			}
			if n := len(video); n > 0 { // pictures may not overlap, which would move them
				start = max(start, shown+ms(5)+zero-earliest)
			}
			if n := len(sound); n > 0 { // nor sound, which would be left out
				end := sound[n-1].pts + sound[n-1].duration
				start = max(start, (end - empty + zero + ms(1) - 1).Truncate(ms(1)))
			}
			p.Start = start
			for _, f := range model {
				data := f.data
				if changed && f.sync {
					data = append(bytes.Clone(inBand), data...)
				}
				video = append(video, frame{pts: start + f.pts - zero, data: data, sync: f.sync, entry: entry})
			}
			for _, f := range expandFlat(t, payload, mp4.HandlerSound) {
				sound = append(sound, frame{pts: start + f.pts + empty - zero, duration: f.duration, data: f.data, part: i})
			}
			parts, payloads = append(parts, p), append(payloads, payload)
			shown = start + latest - zero
			start = shown + ms(int64(r.IntN(60))+int64(r.IntN(2))*int64(r.IntN(5000)))
		}
		j, file := joined(t, parts, payloads, join.Options{Gaps: join.KeepGaps})
		lead := -j.Times()[0].Clip
		compareFrames(t, video, expand(t, file, mp4.HandlerVideo), lead)
		compareSound(t, sound, expand(t, file, mp4.HandlerSound), lead)
		if len(j.Times()) != 1 {
			t.Errorf("times %v, want one: nothing was moved", j.Times())
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// expandFlat is expand for a track whose edits are an empty one and one from 0 on, without the empty one.
func expandFlat(t testing.TB, file []byte, handler mp4.FourCC) []frame {
	t.Helper()
	m := mp4test.Parse(t, bytes.NewReader(file))
	var all []frame
	for _, track := range m.Tracks {
		if track.Handler != handler {
			continue
		}
		for _, s := range mp4test.Samples(t, track) {
			tick := time.Second / time.Duration(track.Timescale)
			all = append(all, frame{
				pts: time.Duration(s.PTS()) * tick, duration: time.Duration(s.Duration) * tick,
				data: file[s.Position : s.Position+int64(s.Size)],
			})
		}
	}
	return all
}

// compareFrames compares what a joined file has of video with the model.
func compareFrames(t *testing.T, want, got []frame, lead time.Duration) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d pictures, want %d", len(got), len(want))
		return
	}
	for i, g := range got {
		w := want[i]
		if d := g.pts - lead - w.pts; d > time.Microsecond || d < -time.Microsecond {
			t.Errorf("picture %d shown at %v, want %v", i, g.pts-lead, w.pts)
		}
		if !bytes.Equal(g.data, w.data) || !bytes.Equal(g.entry, w.entry) || g.sync != w.sync {
			t.Errorf("picture %d: bytes, entry or sync differ", i)
		}
		if i > 0 && g.dts <= got[i-1].dts {
			t.Errorf("picture %d: decoded at %v after %v", i, g.dts, got[i-1].dts)
		}
	}
}

// heard is one byte of G.711 at 8 kHz, when it is heard, and which part of the model it is of.
type heard struct {
	at   time.Duration
	data byte
	part int
}

// listen gives the bytes of frames one by one, each at its own time.
func listen(frames []frame) []heard {
	var all []heard
	for _, f := range frames {
		for i, b := range f.data {
			all = append(all, heard{at: f.pts + time.Duration(i)*time.Second/8000, data: b, part: f.part})
		}
	}
	return all
}

// compareSound compares what a joined file has of G.711 with the model, byte by byte, however it is cut into samples: a
// part may be off by 20 ms, and what is in it by a millisecond from each other.
func compareSound(t *testing.T, want, got []frame, lead time.Duration) {
	t.Helper()
	for i, g := range got {
		if len(g.data) > 800 || g.sync != got[0].sync {
			t.Errorf("sound sample %d: %d bytes, sync %t", i, len(g.data), g.sync)
		}
		if i > 0 && g.dts <= got[i-1].dts {
			t.Errorf("sound sample %d: decoded at %v after %v", i, g.dts, got[i-1].dts)
		}
	}
	model, heard := listen(want), listen(got)
	if len(heard) != len(model) {
		t.Errorf("%d bytes of sound, want %d", len(heard), len(model))
		return
	}
	var least, most time.Duration
	for i, w := range model {
		off := heard[i].at - lead - w.at
		if i == 0 || w.part != model[i-1].part {
			least, most = off, off
		}
		least, most = min(least, off), max(most, off)
		if most > ms(21) || least < -ms(21) || most-least > ms(1)+ms(1)/4 {
			t.Errorf("sound byte %d of part %d: off by %v, others by %v to %v", i, w.part, off, least, most)
			return
		}
		if heard[i].data != w.data {
			t.Errorf("sound byte %d: %d, want %d", i, heard[i].data, w.data)
			return
		}
	}
}
