package join_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/join"
	"clipfs/clip/mp4/mp4test"
)

// plain makes a payload of n pictures, 40 ms each, and as much sound in frames of 20 ms.
func plain(t testing.TB, n uint32) []byte {
	t.Helper()
	entry, _ := avc(0)
	return mp4test.Build(t, isom.Output{
		Tracks: []isom.OutputTrack{
			{Handler: isom.Video, Timescale: 1000, Entries: [][]byte{entry},
				Samples: []isom.SampleRun{{Count: n, Duration: 40, Size: 1, Sync: true}}},
			{Handler: isom.Sound, Timescale: 8000, Entries: [][]byte{isom.NewG711Entry(isom.ALaw, 8000, 1)},
				Samples: []isom.SampleRun{{Count: 2 * n, Duration: 160, Size: 1, Sync: true}}},
		},
		Chunks: []isom.OutputChunk{
			{Samples: n, Data: isom.Slices{make([]byte, n)}},
			{Track: 1, Samples: 2 * n, Data: isom.Slices{make([]byte, 2*n)}},
		},
	})
}

// TestJoinTimes checks gaps and overlaps: where each part begins in the file, and what clip time that is.
func TestJoinTimes(t *testing.T) {
	payload := plain(t, 25) // 1 s
	for _, c := range []struct {
		name   string
		gaps   join.GapPolicy
		starts []int64 // in ms; less than 0 says that a gap is before it
		want   []int64
		times  int
	}{
		{"no gap", join.CloseGaps, []int64{0, 1000, 2000}, []int64{0, 1000, 2000}, 1},
		{"jitter", join.CloseGaps, []int64{0, 997, 2004}, []int64{0, 997, 2004}, 1},
		{"kept", join.KeepGaps, []int64{0, -5000, 6000}, []int64{0, 5000, 6000}, 1},
		{"closed", join.CloseGaps, []int64{0, -5000, 6000, -9000}, []int64{0, 1000, 2000, 3000}, 3},
		{"not told of", join.CloseGaps, []int64{0, 5000}, []int64{0, 5000}, 1},
		{"overlap until a kept gap", join.KeepGaps, []int64{0, 600, 1600, -9000}, []int64{0, 1000, 2000, 9000}, 3},
		{"overlap that eats the gap", join.KeepGaps, []int64{0, 100, -1200}, []int64{0, 1000, 2000}, 3},
		{"overlap and a closed gap", join.CloseGaps, []int64{0, 600, -9000}, []int64{0, 1000, 2000}, 3},
		{"not from 0", join.KeepGaps, []int64{300, 1300}, []int64{0, 1000}, 1},
	} {
		var parts []join.Part
		var payloads [][]byte
		for _, s := range c.starts {
			p := partOf(t, payload, ms(max(s, -s)))
			p.GapBefore = s < 0
			parts, payloads = append(parts, p), append(payloads, payload)
		}
		j, file := joined(t, parts, payloads, join.Options{Gaps: c.gaps})
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
func clipTime(points []join.TimePoint, file time.Duration) time.Duration {
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
		payload := mp4test.Build(t, isom.Output{
			Tracks: []isom.OutputTrack{
				{Handler: isom.Video, Timescale: 1000, Entries: [][]byte{entry},
					Samples: []isom.SampleRun{{Count: 60, Duration: 1000, Size: 1, Sync: true}}},
				{Handler: isom.Sound, Timescale: 48000, Entries: [][]byte{isom.NewAACEntry([]byte{0x11, 0x90}, 48000, 2)},
					Samples: []isom.SampleRun{{Count: frames, Duration: 1024, Size: 1, Sync: true}}},
			},
			Chunks: []isom.OutputChunk{
				{Samples: 60, Data: isom.Slices{make([]byte, 60)}},
				{Track: 1, Samples: frames, Data: isom.Slices{make([]byte, frames)}},
			},
		})
		part := partOf(t, payload, 0)
		var parts []join.Part
		for i := range 24 * 60 {
			part.Start = time.Duration(i) * time.Minute
			parts = append(parts, part)
		}
		j, err := join.Make(t.Context(), parts, join.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var head bytes.Buffer
		if err := j.WriteHead(t.Context(), &head); err != nil {
			t.Fatal(err)
		}
		m := mp4test.Parse(t, bytes.NewReader(head.Bytes()))
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
		return mp4test.Build(t, isom.Output{
			Tracks: []isom.OutputTrack{{Handler: isom.Video, Timescale: 1000, Entries: [][]byte{e},
				Samples: []isom.SampleRun{{Count: 1, Duration: 40, Size: 1, Sync: true}}}},
			Chunks: []isom.OutputChunk{{Samples: 1, Data: isom.Slices{{1}}}},
		})
	}
	broken := mp4test.Parse(t, bytes.NewReader(payload))
	broken.Tracks[0].Sizes = broken.Tracks[1].Sizes
	list := mp4test.Fits() // a few bytes that speak of 2^32 bytes of sound
	list["stts"], list["stsz"], list["stsc"] = mp4test.Words(0, 1, 1<<32-1, 1), mp4test.Words(0, 1, 1<<32-1), mp4test.Words(0, 1, 1, 1<<32-1, 1)
	list["stco"] = mp4test.Words(0, 1, 100)
	delete(list, "ctts")
	delete(list, "stss")
	sound, err := mp4.ParseMovie(mp4test.MovieOf(list))
	if err != nil {
		t.Fatal(err)
	}
	endless := mp4test.Parse(t, bytes.NewReader(payload))
	endless.Tracks[1] = sound.Tracks[0]
	for _, c := range []struct {
		name string
		part join.Part
		want error
	}{
		{"avc3 after avc1", partOf(t, of(avc3), ms(200)), join.ErrIncompatible},
		{"hvc1 after avc1", partOf(t, of(isom.NewHEVCEntry(make([]byte, 23), 320, 180)), ms(200)), join.ErrIncompatible},
		{"no avcC", partOf(t, of(isom.NewAVCEntry(nil, 320, 180)), ms(200)), mp4.ErrMalformed},
		{"tables disagree", join.Part{Head: held(broken), Start: ms(200)}, mp4.ErrMalformed},
		{"endless sound", join.Part{Head: held(endless), Start: ms(200)}, mp4.ErrTooBig},
		{"no video", join.Part{Head: held(&mp4.Movie{Timescale: 1}), Start: ms(200)}, join.ErrIncompatible},
		{"outside of mdat", join.Part{Head: held(mp4test.Parse(t, bytes.NewReader(payload))), MediaStart: 1, MediaEnd: 9}, mp4.ErrMalformed},
		{"far away", partOf(t, payload, 1e6*time.Hour), join.ErrPlan},
	} {
		_, err := join.Make(t.Context(), []join.Part{partOf(t, payload, 0), c.part}, join.Options{})
		var part *join.PartError
		if !errors.Is(err, c.want) || !errors.As(err, &part) || part.Part != 1 {
			t.Errorf("%s: got %v, want %v of part 1", c.name, err, c.want)
		}
	}
	if _, err := join.Make(t.Context(), nil, join.Options{}); !errors.Is(err, join.ErrPlan) {
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
	_, file := joined(t, []join.Part{partOf(t, first, 0), partOf(t, second, ms(200))}, [][]byte{first, second}, join.Options{})
	if got := len(expand(t, file, mp4.HandlerVideo)); got != 10 {
		t.Errorf("%d samples, want 10", got)
	}
	if got := len(mp4test.Parse(t, bytes.NewReader(file)).Video().Entries); got != 2 {
		t.Errorf("%d sample entries, want 2", got)
	}
}

// FuzzJoin checks that malformed heads make no panic, and that whatever joins is a file that keeps its promises.
func FuzzJoin(f *testing.F) {
	add := func(a, b []byte) { f.Add(a, b, int64(1000), true) }
	whole := mp4test.Moov(f, bytes.NewReader(plain(f, 5)))
	add(whole, whole)
	first, _ := avc(0)
	second, _ := avc(1)
	r := rand.New(rand.NewPCG(1, 1))
	add(mp4test.Moov(f, bytes.NewReader(mp4test.Build(f, randomPart(r, first, 1000, true)))),
		mp4test.Moov(f, bytes.NewReader(mp4test.Build(f, randomPart(r, second, 90000, false)))))
	grouped := randomPart(r, first, 1000, true)
	grouped.Tracks[1].Samples = []isom.SampleRun{
		{Count: 900, Duration: 1, Size: 1, Sync: true}, {Count: 2, Duration: 90, Size: 1, Sync: true}, {Count: 1, Size: 1, Sync: true},
	}
	grouped.Chunks = slices.DeleteFunc(grouped.Chunks, func(c isom.OutputChunk) bool { return c.Track == 1 })
	grouped.Chunks = append(grouped.Chunks, isom.OutputChunk{Track: 1, Samples: 903, Data: isom.Slices{make([]byte, 903)}})
	bytewise := mp4test.Moov(f, bytes.NewReader(mp4test.Build(f, grouped)))
	add(bytewise, bytewise)
	add(bytewise, whole)
	for _, s := range mp4test.Seeds(f) {
		add(whole, s)
	}
	f.Fuzz(func(t *testing.T, a, b []byte, start int64, gap bool) {
		var parts []join.Part
		for i, moov := range [][]byte{a, b, a} {
			m, err := mp4.ParseMovie(moov)
			if err != nil {
				return
			}
			parts = append(parts, join.Part{Head: held(m), Start: time.Duration(i) * time.Duration(start%1e12), GapBefore: gap})
		}
		j, err := join.Make(t.Context(), parts, join.Options{})
		if err != nil {
			for _, kind := range []error{join.ErrIncompatible, mp4.ErrMalformed, mp4.ErrTooBig, join.ErrPlan} {
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
func checkJoined(t *testing.T, j *join.File) {
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
	if err := j.WriteHead(t.Context(), &head); err != nil {
		t.Fatal(err)
	}
	if int64(head.Len()) != j.HeadSize() {
		t.Fatalf("head of %d bytes, announced %d", head.Len(), j.HeadSize())
	}
	m := mp4test.Parse(t, bytes.NewReader(head.Bytes()))
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
		if kind := track.Entries[0].Type; track.Sizes.Constant() > 0 && (kind == mp4.CodingALaw || kind == mp4.CodingULaw) {
			t.Fatalf("%d samples of G.711, each of %d bytes", track.Sizes.Len(), track.Sizes.Constant())
		}
	}
}

// withTimescales makes a payload of ten pictures of 40 ms and of sound as milliseconds tell AAC at 48 kHz.
func withTimescales(t *testing.T, video uint32) []byte {
	t.Helper()
	entry, _ := avc(0)
	var sound []isom.SampleRun
	for i := range uint32(19) { // frame i begins at i*1024/48 ms, cut to the millisecond
		sound = append(sound, isom.SampleRun{Count: 1, Duration: (i+1)*1024/48 - i*1024/48, Size: 2, Sync: true})
	}
	return mp4test.Build(t, isom.Output{
		Tracks: []isom.OutputTrack{
			{Handler: isom.Video, Timescale: video, Entries: [][]byte{entry},
				Samples: []isom.SampleRun{{Count: 10, Duration: video / 25, Size: 1, Sync: true}}},
			{Handler: isom.Sound, Timescale: 1000, Entries: [][]byte{isom.NewAACEntry([]byte{0x11, 0x90}, 48000, 2)}, Samples: sound},
		},
		Chunks: []isom.OutputChunk{
			{Samples: 10, Data: isom.Slices{make([]byte, 10)}},
			{Track: 1, Samples: 19, Data: isom.Slices{make([]byte, 38)}},
		},
	})
}

// TestJoinTimescales checks which timescales are chosen, and that frames of sound have their true length again.
func TestJoinTimescales(t *testing.T) {
	for _, c := range []struct {
		name  string
		each  []uint32
		video uint32
		start time.Duration // of the second part
	}{
		{"alike", []uint32{1000, 1000}, 1000, ms(400)},
		{"a multiple", []uint32{1000, 90000}, 90000, ms(400)},
		{"the least common multiple", []uint32{12800, 90000}, 2880000, ms(400)},
		{"too fine", []uint32{999950, 1000025}, 90000, ms(400)},
		{"too far apart for it", []uint32{90000, 90000}, 48000, 20 * time.Hour},
	} {
		var parts []join.Part
		var payloads [][]byte
		for i, timescale := range c.each {
			payload := withTimescales(t, timescale)
			parts, payloads = append(parts, partOf(t, payload, time.Duration(i)*c.start)), append(payloads, payload)
		}
		_, file := joined(t, parts, payloads, join.Options{})
		m := mp4test.Parse(t, bytes.NewReader(file))
		if got := m.Video().Timescale; got != c.video {
			t.Errorf("%s: video timescale %d, want %d", c.name, got, c.video)
		}
		for i, f := range expand(t, file, mp4.HandlerVideo) {
			want := ms(int64(i%10)*40) + time.Duration(i/10)*c.start
			if d := f.pts - want; d > ms(1)/20 || d < -ms(1)/20 {
				t.Errorf("%s: picture %d at %v, want %v", c.name, i, f.pts, want)
			}
		}
		if got := m.Sound().Timescale; got != 48000 {
			t.Errorf("%s: sound timescale %d, want 48000", c.name, got)
		}
		for i, s := range mp4test.Samples(t, m.Sound()) {
			if i != 18 && s.Duration != 1024 && i != 37 {
				t.Errorf("%s: sound frame %d lasts %d ticks, want 1024", c.name, i, s.Duration)
			}
		}
	}
}

// TestWriteHeadInContext: heads are asked for in the context of whoever writes, so that one that leaves waits for none.
func TestWriteHeadInContext(t *testing.T) {
	part := partOf(t, plain(t, 25), 0)
	movie := part.Head
	part.Head = func(ctx context.Context) (*mp4.Movie, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return movie(ctx)
	}
	j, err := join.Make(t.Context(), []join.Part{part}, join.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := j.WriteHead(ctx, io.Discard); err != nil {
		t.Error(err)
	}
	cancel()
	if err := j.WriteHead(ctx, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the context has ended", err)
	}
}
