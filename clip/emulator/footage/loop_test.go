//go:build e2e

package footage_test

import (
	"bytes"
	"math/big"
	"runtime"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/payload"
)

// card is the test card as a loop since 1970.
func card(t testing.TB, o footage.Options) footage.Source {
	t.Helper()
	m, err := footage.TestCard()
	if err != nil {
		t.Fatal(err)
	}
	return footage.NewLoop(m, time.Unix(0, 0), o)
}

// TestRecording: fragments of a second and more, numbers, lengths and times.
func TestRecording(t *testing.T) {
	m := read(t, kinds()[3].make(t, "5")) // key frames every 10 frames at 29.97 Hz: three make a second
	got := footage.NewRecording(m, day()).Fragments(footage.ByProducer, time.Time{}, day().Add(time.Hour))
	if len(got) != 5 {
		t.Fatalf("got %d fragments, want 5", len(got))
	}
	for i, f := range got {
		start := time.Duration(i) * 30 * 1001 * time.Second / 30000
		if want := day().Add(start).Round(time.Millisecond); !f.Producer.Equal(want) {
			t.Errorf("fragment %d starts at %v, want %v", i, f.Producer, want)
		}
		if len(f.Number) != 47 || i > 0 && f.Number <= got[i-1].Number {
			t.Errorf("fragment %d has number %q", i, f.Number)
		}
		if i > 0 && !f.Server.After(got[i-1].Server) || f.Server.Before(f.Producer.Add(f.Length)) {
			t.Errorf("fragment %d has server time %v", i, f.Server)
		}
		video := f.Video()
		if want := video[len(video)-1].PTS; f.Length != want || want > f.Server.Sub(f.Producer) {
			t.Errorf("fragment %d has length %v, want %v", i, f.Length, want)
		}
		if !video[0].Sync || video[0].PTS != 0 {
			t.Errorf("fragment %d starts with %+v", i, video[0])
		}
		if _, stamped := footage.Stamp(video[0].Data, footage.H264); stamped {
			t.Errorf("fragment %d has a stamp", i)
		}
		for _, s := range f.Audio() {
			if s.PTS < 0 || i+1 < len(got) && !f.Producer.Add(s.PTS).Before(got[i+1].Producer.Add(time.Millisecond)) {
				t.Errorf("fragment %d has audio at %v", i, s.PTS)
			}
		}
	}
}

// TestSelection: both ends belong to the range, by both clocks, in any source.
func TestSelection(t *testing.T) {
	m, err := footage.TestCard()
	if err != nil {
		t.Fatal(err)
	}
	loop := footage.NewLoop(m, day(), footage.Options{})
	once := footage.NewRecording(m, day().Add(-time.Hour))
	both := footage.NewSource(once, loop)
	at := func(s time.Duration) time.Time { return day().Add(s) }
	tests := []struct {
		name     string
		source   footage.Source
		sel      footage.Selector
		from, to time.Time
		want     int
	}{
		{"both ends", loop, footage.ByProducer, at(2 * time.Second), at(4 * time.Second), 2},
		{"a millisecond short", loop, footage.ByProducer, at(2*time.Second + time.Millisecond), at(4*time.Second - time.Millisecond), 0},
		{"one instant", loop, footage.ByProducer, at(2 * time.Second), at(2 * time.Second), 1},
		{"backwards", loop, footage.ByProducer, at(4 * time.Second), at(2 * time.Second), 0},
		{"before the loop", loop, footage.ByProducer, at(-time.Hour), at(-1), 0},
		{"its start", loop, footage.ByProducer, at(-time.Hour), at(0), 1},
		{"over a seam", loop, footage.ByProducer, at(58 * time.Second), at(62 * time.Second), 3},
		{"server", loop, footage.ByServer, at(2250 * time.Millisecond), at(4250 * time.Millisecond), 2},
		{"server, short", loop, footage.ByServer, at(2251 * time.Millisecond), at(4249 * time.Millisecond), 0},
		{"all of a recording", once, footage.ByProducer, time.Time{}, at(1000 * time.Hour), 30},
		{"end of a recording", once, footage.ByServer, at(time.Minute - time.Hour), at(0), 1},
		{"both sources", both, footage.ByProducer, at(-2 * time.Hour), at(time.Minute - 1), 60},
		{"nothing", footage.NewSource(), footage.ByProducer, at(0), at(time.Hour), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.source.Fragments(tt.sel, tt.from, tt.to)
			if len(got) != tt.want {
				t.Fatalf("got %d fragments, want %d", len(got), tt.want)
			}
			for i, f := range got {
				if at := f.Time(tt.sel); at.Before(tt.from) || at.After(tt.to) || i > 0 && !at.After(got[i-1].Time(tt.sel)) {
					t.Errorf("fragment %d at %v", i, at)
				}
			}
		})
	}
	numbers := make(map[string]bool)
	for _, f := range footage.NewSource(loop, loop).Fragments(footage.ByProducer, at(0), at(time.Minute)) {
		if numbers[f.Number] {
			t.Errorf("number %s comes twice", f.Number)
		}
		numbers[f.Number] = true
	}
}

// TestNoDrift compares starts of rounds, half a century on, with exact arithmetic.
func TestNoDrift(t *testing.T) {
	m := read(t, kinds()[3].make(t, "5")) // 150 frames at 30000/1001 Hz
	loop := footage.NewLoop(m, time.Unix(0, 0), footage.Options{})
	for _, round := range []int64{0, 1, 2, 7, 1_000_000, 123_456_789, 320_000_000} {
		exact := big.NewRat(150*1001*1000, 30000) // milliseconds
		exact.Mul(exact, big.NewRat(round, 1))
		exact.Add(exact, big.NewRat(1, 2))
		want := time.UnixMilli(new(big.Int).Div(exact.Num(), exact.Denom()).Int64()).UTC()
		got := loop.Fragments(footage.ByProducer, want.Add(-900*time.Millisecond), want.Add(100*time.Millisecond))
		if round == 0 {
			got = loop.Fragments(footage.ByProducer, want, want)
		}
		if len(got) != 1 || !got[0].Producer.Equal(want) {
			t.Fatalf("round %d: got %v, want %v", round, got, want)
		}
		if at, ok := footage.Stamp(got[0].Video()[0].Data, footage.H264); !ok || !at.Equal(want) {
			t.Errorf("round %d: got stamp %v, %t, want %v", round, at, ok, want)
		}
		audio := got[0].Audio()
		if len(audio) == 0 || audio[0].PTS > 24*time.Millisecond || audio[0].PTS < 0 {
			t.Errorf("round %d: audio starts with %v", round, audio[0].PTS)
		}
	}
}

// TestStable: the same fragments, numbers included, whenever and in whatever range they are asked for.
func TestStable(t *testing.T) {
	a := card(t, footage.Options{}).Fragments(footage.ByProducer, day(), day().Add(10*time.Minute))
	b := card(t, footage.Options{}).Fragments(footage.ByProducer, day().Add(5*time.Minute), day().Add(5*time.Minute))
	if len(a) != 301 || len(b) != 1 {
		t.Fatalf("got %d and %d fragments", len(a), len(b))
	}
	if got, want := b[0], a[150]; got.Number != want.Number || !got.Server.Equal(want.Server) || got.Size != want.Size {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := a[0].Number, "913438523331810017041032022500000000000852051"; len(got) != 47 || got[:29] != want[:29] {
		t.Errorf("got number %s, want %s…", got, want[:29])
	}
}

// TestMemory: fragments of 48 h are small values, and a loop is as large after them as before.
func TestMemory(t *testing.T) {
	source := card(t, footage.Options{})
	heap := func() uint64 {
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	before := heap()
	frags := source.Fragments(footage.ByProducer, day(), day().Add(48*time.Hour-1))
	held := int64(heap()) - int64(before)
	if len(frags) != 86400 {
		t.Fatalf("got %d fragments, want 86400", len(frags))
	}
	if per := held / int64(len(frags)); per > 300 {
		t.Errorf("a fragment takes %d bytes, want at most 300", per)
	}
	runtime.KeepAlive(frags)
	if after := heap(); after > before+1<<20 {
		t.Errorf("%d bytes are kept, %d were before", after, before)
	}
	runtime.KeepAlive(source)
}

// TestStoredSize: the size of a fragment is what it takes as Matroska, and that reads back as what is stored.
func TestStoredSize(t *testing.T) {
	for _, i := range []int{0, 5, 8} {
		t.Run(kinds()[i].name, func(t *testing.T) {
			m := read(t, kinds()[i].make(t, "3"))
			for _, source := range []footage.Source{footage.NewRecording(m, day()), footage.NewLoop(m, time.Unix(0, 0), footage.Options{})} {
				for _, f := range source.Fragments(footage.ByProducer, time.Unix(0, 0), time.Unix(8, 0)) {
					checkStored(t, f)
				}
				for _, f := range source.Fragments(footage.ByProducer, day(), day().Add(8*time.Second)) {
					checkStored(t, f)
				}
			}
		})
	}
}

func checkStored(t *testing.T, f footage.Fragment) {
	t.Helper()
	var b bytes.Buffer
	if err := footage.WriteMatroska(&b, []footage.Fragment{f}); err != nil {
		t.Fatal(err)
	}
	if int64(b.Len()) != f.Size {
		t.Errorf("fragment at %v: got size %d, stored are %d bytes", f.Producer, f.Size, b.Len())
	}
	m, err := footage.ParseMedia(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	_, video := m.Video()
	sameFrames(t, "video", frames(video), frames(f.Video()))
	_, audio, _ := m.Audio()
	sameFrames(t, "audio", frames(audio), frames(f.Audio()))
	for i, s := range f.Video() {
		if s.PTS != video[i].PTS || s.DTS != video[i].DTS || s.Sync != video[i].Sync {
			t.Fatalf("frame %d: got %v, %v, %t, want %v, %v, %t", i, video[i].PTS, video[i].DTS, video[i].Sync, s.PTS, s.DTS, s.Sync)
		}
	}
}

// TestOddLoop: 61 s do not divide the minute; the audio, whose frames do not divide the loop either, does not drift from
// the video over many seams.
func TestOddLoop(t *testing.T) {
	t.Parallel() // it runs ffmpeg for the most part
	m := read(t, kinds()[0].make(t, "61"))
	if got := m.Duration(); got != 61*time.Second {
		t.Fatalf("got %v, want 61 s", got)
	}
	loop := footage.NewLoop(m, time.Unix(0, 0), footage.Options{})
	start := time.Unix(61*27_000_000, 0)
	seam := loop.Fragments(footage.ByProducer, start.Add(-2*time.Second), start.Add(2*time.Second))
	if len(seam) != 5 || !seam[2].Producer.Equal(start) {
		t.Fatalf("got %d fragments, the third at %v, want 5 and %v", len(seam), seam[2].Producer, start)
	}
	name := save(t, seam, payload.Options{})
	video, audio := stored(seam)
	made := readPayload(t, name, true, true)
	got := framesIn(t, made("v"))
	sameFrames(t, "video", got, frames(video))
	compareTimes(t, payload.Options{}, got, video)
	compareAudioTimes(t, framesIn(t, made("a")), got[0].pts, audio, 0)

	long := loop.Fragments(footage.ByProducer, start, start.Add(10*time.Minute))
	if len(long) < 600 {
		t.Fatalf("got %d fragments", len(long))
	}
	name = save(t, long, payload.Options{})
	_, audio = stored(long)
	each := streamsOf(t, name, "a", "v")
	compareAudioTimes(t, each[0], each[1][0].pts, audio, 0)
}
