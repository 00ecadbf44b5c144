package images_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/images"
)

func noon() time.Time { return time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC) }

// card gives fragments of the test card, 2 s and 50 frames each, of the seconds from noon on.
func card(t *testing.T, seconds ...int) (fragments []footage.Fragment) {
	t.Helper()
	m, err := footage.TestCard()
	if err != nil {
		t.Fatal(err)
	}
	loop := footage.NewLoop(m, time.Unix(0, 0), footage.Options{})
	for _, s := range seconds {
		at := noon().Add(time.Duration(s) * time.Second)
		fragments = append(fragments, loop.Fragments(footage.ByProducer, at, at)...)
	}
	if len(fragments) != len(seconds) {
		t.Fatalf("%d fragments, want %d", len(fragments), len(seconds))
	}
	return fragments
}

// TestFind: the frame of an instant is the newest of the fragment that ran.
func TestFind(t *testing.T) {
	fragments := card(t, 0, 2, 6)
	broken := footage.NewStored("1", noon().Add(20*time.Second), noon().Add(22*time.Second), 1960*time.Millisecond, 10,
		func() ([]byte, error) { return []byte("no Matroska"), nil })
	fragments = append(fragments, broken)
	for _, tc := range []struct {
		at, want int // in milliseconds; want is less than 0 for none
	}{
		{-1, -1}, {0, 0}, {39, 0}, {40, 40}, {999, 960}, {1000, 1000}, {1999, 1960}, {2000, 2000}, {3999, 3960}, {4000, -1}, {5999, -1}, {6000, 6000},
		{7999, 7960}, {8000, -1}, {60_000, -1},
	} {
		at := noon().Add(time.Duration(tc.at) * time.Millisecond)
		shot := images.Find(fragments, footage.ByProducer, []time.Time{at})[0]
		got, number := images.FrameOf(shot)
		if shot.None() != (tc.want < 0) || tc.want >= 0 && (!got.Equal(noon().Add(time.Duration(tc.want)*time.Millisecond)) || number == "") {
			t.Errorf("at %d ms: the frame of %s, none: %t, want %d ms", tc.at, got, shot.None(), tc.want)
		}
	}
	if shot := images.Find(fragments, footage.ByProducer, []time.Time{noon().Add(21 * time.Second)})[0]; shot.None() {
		t.Error("of media that cannot be read: nothing was recorded")
	}
	byServer := fragments[0].Server.Add(500 * time.Millisecond)
	if got, _ := images.FrameOf(images.Find(fragments, footage.ByServer, []time.Time{byServer})[0]); !got.Equal(noon().Add(480 * time.Millisecond)) {
		t.Errorf("by server time: the frame of %s", got)
	}
}

// TestFindShortPause: a last frame stands until the next fragment, but no longer than a second.
func TestFindShortPause(t *testing.T) {
	for pause, none := range map[time.Duration]bool{time.Second: false, 1001 * time.Millisecond: true} {
		fragments := card(t, 0, 2)
		fragments[1].Producer = fragments[1].Producer.Add(pause)
		shot := images.Find(fragments, footage.ByProducer, []time.Time{noon().Add(2*time.Second + pause - time.Millisecond)})[0]
		if got, _ := images.FrameOf(shot); shot.None() != none || !none && !got.Equal(noon().Add(1960*time.Millisecond)) {
			t.Errorf("a pause of %s: the frame of %s, none: %t", pause, got, shot.None())
		}
	}
}

func TestRawPictures(t *testing.T) {
	const header, frame = "YUV4MPEG2 W4 H3 F25:1 Ip A1:1 C420jpeg\n", "FRAME\n0123456789ABuuuuvvvv"
	for _, tc := range []struct {
		name, raw string
		n         int
		end       bool
	}{
		{"none", header, 0, true},
		{"two", header + frame + frame, 2, true},
		{"with parameters", header + "FRAME Ip\n" + frame[6:], 1, true},
		{"nothing", "", 0, true},
		{"cut in a plane", header + frame[:20], 0, false},
		{"cut in the second", header + frame + "FRA", 1, false},
		{"no header", frame, 0, false},
		{"another header", "JPEG W4 H3\n", 0, false},
		{"no size", "YUV4MPEG2 F25:1\n", 0, false},
		{"too large", "YUV4MPEG2 W100000 H3\n", 0, false},
		{"less than nothing", "YUV4MPEG2 W-4 H3\n", 0, false},
		{"other colours", "YUV4MPEG2 W4 H3 C444\n", 0, false},
		{"an empty line", header + "\n", 0, false},
		{"a long line", header + strings.Repeat("x", 100_000), 0, false},
		{"no frame", header + "PICTURE\n" + frame[6:], 0, false},
	} {
		n, width, height, err := images.CountRaw(strings.NewReader(tc.raw))
		if n != tc.n || tc.end != (err == io.EOF) { //nolint:errorlint // the end itself, and no error that wraps it
			t.Errorf("%s: %d pictures, %v, want %d, the end: %t", tc.name, n, err, tc.n, tc.end)
		}
		if n > 0 && (width != 4 || height != 3) {
			t.Errorf("%s: %d by %d pixels", tc.name, width, height)
		}
	}
}
