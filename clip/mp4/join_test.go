package mp4_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"clipfs/clip/mp4"
)

// joined writes a joined file to memory and checks its segments and sizes.
func joined(t testing.TB, parts []mp4.Part, payloads [][]byte, o mp4.JoinOptions) (*mp4.Joined, []byte) {
	t.Helper()
	j, err := mp4.Join(parts, o)
	if err != nil {
		t.Fatal(err)
	}
	return j, assemble(t, j, payloads)
}

// assemble puts a joined file together as its segments say.
func assemble(t testing.TB, j *mp4.Joined, payloads [][]byte) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := j.WriteHead(&file); err != nil {
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
	return mp4.NewAVCEntry(config, 320, 180), append(inBand, pps...)
}

// frame is one sample of the plain model: its times less those of the first video sample, and its bytes.
type frame struct {
	dts, pts time.Duration
	data     []byte
	sync     bool
	entry    []byte
}

// ms is a number of milliseconds.
func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// expand reads a file sample by sample, edits applied; 0 is where the file begins.
func expand(t testing.TB, file []byte, handler mp4.FourCC) []frame {
	t.Helper()
	m := parse(t, bytes.NewReader(file))
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
		for _, s := range samplesOf(t, track) {
			all = append(all, frame{
				dts: at(s.DTS), pts: at(s.PTS()), data: file[s.Position : s.Position+int64(s.Size)], sync: s.Sync,
				entry: track.Entries[s.Entry].Raw,
			})
		}
		return all
	}
	return nil
}

// randomPart makes up a payload: video with its reordering, sound of G.711 or none, chunks that take turns.
func randomPart(r *rand.Rand, entry []byte, timescale uint32, sound bool) mp4.Output {
	tick := timescale / 1000 // a millisecond
	video := mp4.OutputTrack{
		Handler: mp4.HandlerVideo, Timescale: timescale, Width: 320, Height: 180, Entries: [][]byte{entry},
	}
	delay := int32(r.IntN(3)) * 40 * int32(tick)
	n := 1 + r.IntN(12)
	for i := range n {
		run := mp4.SampleRun{
			Count: 1, Duration: (10 + r.Uint32N(50)) * tick, Offset: delay, Size: 1 + r.Uint32N(9), Sync: i == 0 || r.IntN(4) == 0,
		}
		if i > 0 && delay > 0 {
			run.Offset = int32(r.IntN(3)) * 20 * int32(tick)
		}
		video.Samples = append(video.Samples, run)
	}
	if r.IntN(2) == 0 {
		video.Edits = []mp4.Edit{{Duration: 1 << 20, MediaTime: int64(delay), Rate: mp4.EditRate}}
	}
	out := mp4.Output{MoovLast: r.IntN(2) == 0, Tracks: []mp4.OutputTrack{video}}
	bytesOf := func(n uint32) mp4.Slices {
		p := make([]byte, n)
		for i := range p {
			p[i] = byte(r.Uint32())
		}
		return mp4.Slices{p}
	}
	for _, s := range video.Samples {
		out.Chunks = append(out.Chunks, mp4.OutputChunk{Samples: 1, Data: bytesOf(s.Size)})
	}
	if !sound {
		return out
	}
	count := 1 + r.Uint32N(20)
	out.Tracks = append(out.Tracks, mp4.OutputTrack{
		Handler: mp4.HandlerSound, Timescale: 8000, Entries: [][]byte{mp4.NewG711Entry(mp4.CodingALaw, 8000, 1)},
		Samples: []mp4.SampleRun{{Count: count, Duration: 160, Size: 160, Sync: true}},
		Edits:   []mp4.Edit{{Duration: uint64(r.IntN(90)), MediaTime: -1}, {Duration: 1 << 20, Rate: mp4.EditRate}},
	})
	at := r.IntN(len(out.Chunks) + 1)
	chunk := mp4.OutputChunk{Track: 1, Samples: count, Data: bytesOf(160 * count)}
	out.Chunks = append(out.Chunks[:at:at], append([]mp4.OutputChunk{chunk}, out.Chunks[at:]...)...)
	return out
}

// partOf gives a payload as a part.
func partOf(t testing.TB, payload []byte, start time.Duration) mp4.Part {
	t.Helper()
	return mp4.Part{Head: parse(t, bytes.NewReader(payload)), Start: start}
}

// TestJoinRandom joins random payloads and compares with a plain model, sample by sample.
func TestJoinRandom(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 4))
		timescale := []uint32{1000, 90000, 1000}[r.IntN(3)]
		withSound, change := r.IntN(3) > 0, r.IntN(2) == 0
		var parts []mp4.Part
		var payloads [][]byte
		var video, sound []frame
		changed, first, start := false, byte(0), time.Duration(0)
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
			payload := build(t, randomPart(r, entry, timescale, withSound && r.IntN(3) > 0))
			p := partOf(t, payload, 0)
			p.GapBefore = r.IntN(2) == 0
			model := expand(t, payload, mp4.HandlerVideo)
			empty := time.Duration(0)
			if s := p.Head.(*mp4.Movie).Sound(); s != nil {
				empty = ms(int64(s.Edits[0].Duration))
			}
			if len(sound) > 0 { // sound may not overlap, which would move the video
				start = max(start, sound[len(sound)-1].pts+ms(20)-empty+model[0].pts)
			}
			p.Start = start
			for _, f := range model {
				data := f.data
				if changed && f.sync {
					data = append(bytes.Clone(inBand), data...)
				}
				video = append(video, frame{pts: start + f.pts - model[0].pts, data: data, sync: f.sync, entry: entry})
			}
			for _, f := range expandFlat(t, payload, mp4.HandlerSound) {
				sound = append(sound, frame{pts: start + f.pts + empty - model[0].pts, data: f.data})
			}
			parts, payloads = append(parts, p), append(payloads, payload)
			start += model[len(model)-1].dts - model[0].dts + ms(60+int64(r.IntN(2))*int64(r.IntN(5000)))
		}
		j, file := joined(t, parts, payloads, mp4.JoinOptions{Gaps: mp4.KeepGaps})
		lead := -j.Times()[0].Clip
		compareFrames(t, "video", video, expand(t, file, mp4.HandlerVideo), lead, 0)
		compareFrames(t, "sound", sound, expand(t, file, mp4.HandlerSound), lead, ms(21))
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
	m := parse(t, bytes.NewReader(file))
	var all []frame
	for _, track := range m.Tracks {
		if track.Handler != handler {
			continue
		}
		for _, s := range samplesOf(t, track) {
			all = append(all, frame{
				pts: time.Duration(s.PTS()) * time.Second / time.Duration(track.Timescale), data: file[s.Position : s.Position+int64(s.Size)],
			})
		}
	}
	return all
}

// compareFrames compares what a joined file has with the model; times may be off by so much.
func compareFrames(t *testing.T, name string, want, got []frame, lead, off time.Duration) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d samples, want %d", name, len(got), len(want))
		return
	}
	for i, g := range got {
		w := want[i]
		if d := g.pts - lead - w.pts; d > off+time.Microsecond || d < -off-time.Microsecond {
			t.Errorf("%s %d: shown at %v, want %v", name, i, g.pts-lead, w.pts)
		}
		if !bytes.Equal(g.data, w.data) || w.entry != nil && (!bytes.Equal(g.entry, w.entry) || g.sync != w.sync) {
			t.Errorf("%s %d: bytes, entry or sync differ", name, i)
		}
		if i > 0 && g.dts-got[i-1].dts < ms(1) {
			t.Errorf("%s %d: decoded at %v after %v", name, i, g.dts, got[i-1].dts)
		}
	}
}

// plain makes a payload of n pictures, 40 ms each, and as much sound in frames of 20 ms.
func plain(t testing.TB, n uint32) []byte {
	t.Helper()
	entry, _ := avc(0)
	return build(t, mp4.Output{
		Tracks: []mp4.OutputTrack{
			{Handler: mp4.HandlerVideo, Timescale: 1000, Entries: [][]byte{entry},
				Samples: []mp4.SampleRun{{Count: n, Duration: 40, Size: 1, Sync: true}}},
			{Handler: mp4.HandlerSound, Timescale: 8000, Entries: [][]byte{mp4.NewG711Entry(mp4.CodingALaw, 8000, 1)},
				Samples: []mp4.SampleRun{{Count: 2 * n, Duration: 160, Size: 1, Sync: true}}},
		},
		Chunks: []mp4.OutputChunk{
			{Samples: n, Data: mp4.Slices{make([]byte, n)}},
			{Track: 1, Samples: 2 * n, Data: mp4.Slices{make([]byte, 2*n)}},
		},
	})
}

// TestJoinTimes checks gaps and overlaps: where each part begins in the file, and what clip time that is.
func TestJoinTimes(t *testing.T) {
	payload := plain(t, 25) // 1 s
	for _, c := range []struct {
		name   string
		gaps   mp4.GapPolicy
		starts []int64 // in ms; less than 0 says that a gap is before it
		want   []int64
		times  int
	}{
		{"no gap", mp4.CloseGaps, []int64{0, 1000, 2000}, []int64{0, 1000, 2000}, 1},
		{"jitter", mp4.CloseGaps, []int64{0, 997, 2004}, []int64{0, 997, 2004}, 1},
		{"kept", mp4.KeepGaps, []int64{0, -5000, 6000}, []int64{0, 5000, 6000}, 1},
		{"closed", mp4.CloseGaps, []int64{0, -5000, 6000, -9000}, []int64{0, 1000, 2000, 3000}, 3},
		{"not told of", mp4.CloseGaps, []int64{0, 5000}, []int64{0, 5000}, 1},
		{"overlap until a kept gap", mp4.KeepGaps, []int64{0, 600, 1600, -9000}, []int64{0, 1000, 2000, 9000}, 3},
		{"overlap that eats the gap", mp4.KeepGaps, []int64{0, 100, -1200}, []int64{0, 1000, 2000}, 3},
		{"overlap and a closed gap", mp4.CloseGaps, []int64{0, 600, -9000}, []int64{0, 1000, 2000}, 3},
		{"not from 0", mp4.KeepGaps, []int64{300, 1300}, []int64{0, 1000}, 1},
	} {
		var parts []mp4.Part
		var payloads [][]byte
		for _, s := range c.starts {
			p := partOf(t, payload, ms(max(s, -s)))
			p.GapBefore = s < 0
			parts, payloads = append(parts, p), append(payloads, payload)
		}
		j, file := joined(t, parts, payloads, mp4.JoinOptions{Gaps: c.gaps})
		video, sound := expand(t, file, mp4.HandlerVideo), expand(t, file, mp4.HandlerSound)
		for i, want := range c.want {
			if got := video[25*i].pts; got != ms(want) {
				t.Errorf("%s: part %d at %v, want %v", c.name, i, got, ms(want))
			}
			if off := sound[50*i].pts - ms(want); off > ms(20) || off < -ms(20) {
				t.Errorf("%s: sound of part %d is off by %v", c.name, i, off)
			}
			if got, want := clipTime(j.Times(), video[25*i].pts), parts[i].Start; got != want {
				t.Errorf("%s: part %d is at clip time %v, want %v", c.name, i, got, want)
			}
		}
		if got := len(j.Times()); got != c.times {
			t.Errorf("%s: times %v, want %d", c.name, j.Times(), c.times)
		}
	}
}

// clipTime applies a map of times.
func clipTime(points []mp4.TimePoint, file time.Duration) time.Duration {
	at := points[0]
	for _, p := range points {
		if p.File <= file {
			at = p
		}
	}
	return at.Clip + file - at.File
}

// TestJoinDrift checks that sound whose clock is not the video's stays with it over a day.
func TestJoinDrift(t *testing.T) {
	for _, frames := range []uint32{2812, 2813} { // of 1024 samples in a minute; 2812.5 would be right
		entry, _ := avc(0)
		payload := build(t, mp4.Output{
			Tracks: []mp4.OutputTrack{
				{Handler: mp4.HandlerVideo, Timescale: 1000, Entries: [][]byte{entry},
					Samples: []mp4.SampleRun{{Count: 60, Duration: 1000, Size: 1, Sync: true}}},
				{Handler: mp4.HandlerSound, Timescale: 48000, Entries: [][]byte{mp4.NewAACEntry([]byte{0x11, 0x90}, 48000, 2)},
					Samples: []mp4.SampleRun{{Count: frames, Duration: 1024, Size: 1, Sync: true}}},
			},
			Chunks: []mp4.OutputChunk{
				{Samples: 60, Data: mp4.Slices{make([]byte, 60)}},
				{Track: 1, Samples: frames, Data: mp4.Slices{make([]byte, frames)}},
			},
		})
		part := partOf(t, payload, 0)
		var parts []mp4.Part
		for i := range 24 * 60 {
			part.Start = time.Duration(i) * time.Minute
			parts = append(parts, part)
		}
		j, err := mp4.Join(parts, mp4.JoinOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var head bytes.Buffer
		if err := j.WriteHead(&head); err != nil {
			t.Fatal(err)
		}
		m := parse(t, bytes.NewReader(head.Bytes()))
		n, last := 0, int64(-1)
		for s, err := range m.Sound().Samples() {
			if err != nil {
				t.Fatal(err)
			}
			if n%int(frames) == 0 {
				off := time.Duration(float64(s.PTS())/48000*1e9) - parts[n/int(frames)].Start
				if off > ms(22) || off < -ms(22) {
					t.Fatalf("%d frames a minute: part %d: sound is off by %v", frames, n/int(frames), off)
				}
			}
			if s.DTS-last < 512 && n > 0 {
				t.Fatalf("frame %d lasts %d ticks", n-1, s.DTS-last)
			}
			last = s.DTS
			n++
		}
		if len(j.Times()) != 1 {
			t.Errorf("times %v: video was moved", j.Times())
		}
	}
}

// TestJoinRefuses checks parts that cannot stand in one file.
func TestJoinRefuses(t *testing.T) {
	payload := plain(t, 5)
	entry, _ := avc(0)
	avc3 := bytes.Clone(entry)
	copy(avc3[4:], "avc3")
	of := func(e []byte) []byte {
		return build(t, mp4.Output{
			Tracks: []mp4.OutputTrack{{Handler: mp4.HandlerVideo, Timescale: 1000, Entries: [][]byte{e},
				Samples: []mp4.SampleRun{{Count: 1, Duration: 40, Size: 1, Sync: true}}}},
			Chunks: []mp4.OutputChunk{{Samples: 1, Data: mp4.Slices{{1}}}},
		})
	}
	broken := parse(t, bytes.NewReader(payload))
	broken.Tracks[0].Sizes = broken.Tracks[1].Sizes
	for _, c := range []struct {
		name string
		part mp4.Part
		want error
	}{
		{"avc3 after avc1", partOf(t, of(avc3), ms(200)), mp4.ErrIncompatible},
		{"hvc1 after avc1", partOf(t, of(mp4.NewHEVCEntry(make([]byte, 23), 320, 180)), ms(200)), mp4.ErrIncompatible},
		{"no avcC", partOf(t, of(mp4.NewAVCEntry(nil, 320, 180)), ms(200)), mp4.ErrMalformed},
		{"tables disagree", mp4.Part{Head: broken, Start: ms(200)}, mp4.ErrMalformed},
		{"no video", mp4.Part{Head: &mp4.Movie{Timescale: 1}, Start: ms(200)}, mp4.ErrIncompatible},
		{"outside of mdat", mp4.Part{Head: parse(t, bytes.NewReader(payload)), MediaStart: 1, MediaEnd: 9}, mp4.ErrMalformed},
		{"far away", partOf(t, payload, 1e6*time.Hour), mp4.ErrPlan},
	} {
		_, err := mp4.Join([]mp4.Part{partOf(t, payload, 0), c.part}, mp4.JoinOptions{})
		var part *mp4.PartError
		if !errors.Is(err, c.want) || !errors.As(err, &part) || part.Part != 1 {
			t.Errorf("%s: got %v, want %v of part 1", c.name, err, c.want)
		}
	}
	if _, err := mp4.Join(nil, mp4.JoinOptions{}); !errors.Is(err, mp4.ErrPlan) {
		t.Errorf("nothing: %v", err)
	}
}

// TestJoinEntryToTheEnd checks a sample entry whose size is 0, which means to the end of its stsd: in the joined file
// another follows it. (Found by FuzzJoin.)
func TestJoinEntryToTheEnd(t *testing.T) {
	first, second := plain(t, 5), plain(t, 5)
	at := bytes.Index(first, []byte("avc1\x00\x00\x00\x00\x00\x00")) // the sample entry, not the brand
	copy(first[at-4:], "\x00\x00\x00\x00")
	second[bytes.Index(second, []byte("avcC"))+5]++ // another profile
	_, file := joined(t, []mp4.Part{partOf(t, first, 0), partOf(t, second, ms(200))}, [][]byte{first, second}, mp4.JoinOptions{})
	if got := len(expand(t, file, mp4.HandlerVideo)); got != 10 {
		t.Errorf("%d samples, want 10", got)
	}
	if got := len(parse(t, bytes.NewReader(file)).Video().Entries); got != 2 {
		t.Errorf("%d sample entries, want 2", got)
	}
}

// FuzzJoin checks that malformed heads make no panic, and that whatever joins is a file that keeps its promises.
func FuzzJoin(f *testing.F) {
	add := func(a, b []byte) { f.Add(a, b, int64(1000), true) }
	whole := findMoov(f, bytes.NewReader(plain(f, 5)))
	add(whole, whole)
	first, _ := avc(0)
	second, _ := avc(1)
	r := rand.New(rand.NewPCG(1, 1))
	add(findMoov(f, bytes.NewReader(build(f, randomPart(r, first, 1000, true)))),
		findMoov(f, bytes.NewReader(build(f, randomPart(r, second, 90000, false)))))
	for _, s := range seeds(f) {
		add(whole, s)
	}
	f.Fuzz(func(t *testing.T, a, b []byte, start int64, gap bool) {
		var parts []mp4.Part
		for i, moov := range [][]byte{a, b, a} {
			m, err := mp4.ParseMovie(moov)
			if err != nil {
				return
			}
			parts = append(parts, mp4.Part{Head: m, Start: time.Duration(i) * time.Duration(start%1e12), GapBefore: gap})
		}
		j, err := mp4.Join(parts, mp4.JoinOptions{})
		if err != nil {
			for _, kind := range []error{mp4.ErrIncompatible, mp4.ErrMalformed, mp4.ErrTooBig, mp4.ErrPlan} {
				if errors.Is(err, kind) {
					return
				}
			}
			t.Fatal(err)
		}
		checkJoined(t, j)
	})
}

// checkJoined checks a plan whose media is not at hand.
func checkJoined(t *testing.T, j *mp4.Joined) {
	t.Helper()
	at := int64(0)
	for s := range j.Segments() {
		if s.Offset != at || s.Length <= 0 {
			t.Fatalf("segment %+v at %d", s, at)
		}
		at += s.Length
	}
	if at != j.Size() {
		t.Fatalf("segments end at %d of %d", at, j.Size())
	}
	if j.HeadSize() > 1<<20 {
		return
	}
	var head bytes.Buffer
	if err := j.WriteHead(&head); err != nil {
		t.Fatal(err)
	}
	if int64(head.Len()) != j.HeadSize() {
		t.Fatalf("head of %d bytes, announced %d", head.Len(), j.HeadSize())
	}
	m := parse(t, bytes.NewReader(head.Bytes()))
	end, err := m.MediaEnd()
	if err != nil || end > j.Size() {
		t.Fatalf("media to %d of %d: %v", end, j.Size(), err)
	}
	for _, track := range m.Tracks {
		for run := range track.Durations.Runs() {
			if run.Duration == 0 && track.Sizes.Len() > 1 {
				t.Fatalf("run %+v", run)
			}
		}
		if len(track.Edits) > 1 {
			t.Fatalf("track %+v", track)
		}
	}
}
