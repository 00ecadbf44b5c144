//go:build e2e

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/cmd/internal/harness"
)

// farFromBorders moves places that are so close before the border of a segment that its first picture is decoded by then a group of pictures back:
// mpv seeks by that, and shows the picture of the border.
func farFromBorders(places, borders []time.Duration) []time.Duration {
	const decodedBefore = 2 * time.Second / numberedRate
	places = slices.Clone(places)
	for i, at := range places {
		for _, border := range borders {
			if at < border && border-at <= decodedBefore {
				places[i] = border - decodedBefore - time.Second/numberedRate
			}
		}
	}
	return places
}

// checkPlaces seeks with ffmpeg to places by chance, and to some around the borders of segments: the picture is the first that is shown then or
// later.
func checkPlaces(t *testing.T, c longClip) {
	t.Helper()
	const each = time.Second / numberedRate
	random := rand.New(rand.NewPCG(20, 5))
	var places []time.Duration
	for range 20 {
		places = append(places, time.Duration(random.IntN(3_590_000))*time.Millisecond)
	}
	borders := bordersOf(t, c.path)
	for range 5 {
		border := borders[1+random.IntN(len(borders)-2)]
		for _, off := range []int{-40, -1, 0, 1, 40, 120} {
			places = append(places, border+time.Duration(off)*time.Millisecond)
		}
	}
	for i, gray := range picturesAt(t, c.path, places) {
		next := c.first.Add(places[i])
		if rest := places[i] % each; rest > 0 {
			next = next.Add(each - rest)
		}
		if got, err := readNumber(gray); err != nil || got != numberAt(next) {
			t.Errorf("at %s: picture %d, %v; want %d", places[i], got, err, numberAt(next))
		}
	}
}

// checkDecoded seeks with ffmpeg to places by chance, and with ffmpeg and mpv to some around gaps and where the size of pictures changes: what they decode is
// the first picture that is shown then or later.
func checkDecoded(t *testing.T, path string, fragments []footage.Fragment) {
	t.Helper()
	shown, _ := lay(fragments, false)
	slices.SortStableFunc(shown, func(a, b placed) int { return int(a.at - b.at) })
	want := storedPictures(t, fragments)
	if len(want) != len(shown) {
		t.Fatalf("%d pictures decoded of %d", len(want), len(shown))
	}
	random := rand.New(rand.NewPCG(8, 1))
	var places []time.Duration
	for range 20 {
		places = append(places, shown[random.IntN(len(shown)-5)].at-50*time.Millisecond)
	}
	var behind []time.Duration // in the picture after the first one that follows
	around := func(at time.Duration) {
		places = append(places, at-40*time.Millisecond, at+40*time.Millisecond, at+120*time.Millisecond)
		behind = append(behind, at+120*time.Millisecond)
	}
	runs, at := runsOf(fragments), 0
	for i := 1; i < len(shown); i++ {
		if shown[i].recorded.Sub(shown[i-1].recorded) > time.Second {
			around(shown[i].at)
		}
	}
	for _, run := range runs[:len(runs)-1] {
		for _, f := range run {
			at += len(f.Video())
		}
		around(shown[at].at)
	}
	check := func(player string, at time.Duration, picture []byte) {
		next, _ := slices.BinarySearchFunc(shown, at, func(p placed, at time.Duration) int { return int(p.at - at) })
		if got := hash(picture); got != want[next] {
			t.Errorf("%s: %s at %s: picture %d, want %d", player, path, at, slices.Index(want, got), next)
		}
	}
	for i, picture := range rawPicturesAt(t, path, places, "yuv420p") {
		check("ffmpeg", places[i], picture)
	}
	// mpv shows the picture of a border for places just before it (see farFromBorders).
	for _, at := range behind {
		check("mpv", at, mpvPictureAt(t, path, at))
	}
}

// mpvPictureAt has mpv write the picture that it shows at a place.
func mpvPictureAt(t *testing.T, path string, at time.Duration) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "picture")
	harness.Run(t, "mpv", "--no-config", "--really-quiet", "--no-audio", "--hr-seek=yes", "--cache=no", "--start="+inSeconds(at), "--frames=1",
		"--vf=format=yuv420p", "--ovc=rawvideo", "--of=rawvideo", "--o="+out, path)
	picture, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// segmentsOf counts the segments of a playlist.
func segmentsOf(t *testing.T, path string) int {
	t.Helper()
	return len(bordersOf(t, path))
}

// bordersOf gives where the segments of a playlist begin.
func bordersOf(t *testing.T, path string) []time.Duration {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var at time.Duration
	var all []time.Duration
	for line := range strings.Lines(string(text)) {
		if length, ok := strings.CutPrefix(line, "#EXTINF:"); ok {
			d, err := time.ParseDuration(strings.TrimSuffix(strings.TrimSpace(length), ",") + "s")
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, at)
			at += d
		}
	}
	return all
}

// picturesAt has one ffmpeg seek to places, and gives the picture that it finds at each, in gray.
func picturesAt(t *testing.T, path string, places []time.Duration) [][]byte {
	t.Helper()
	return rawPicturesAt(t, path, places, "gray")
}

// rawPicturesAt gives pictures in a format of ffmpeg's.
func rawPicturesAt(t *testing.T, path string, places []time.Duration, format string) [][]byte {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-v", "error", "-nostdin"}
	for _, at := range places {
		args = append(args, "-threads", "1", "-ss", inSeconds(max(0, at)), "-i", path)
	}
	file := func(i int) string { return filepath.Join(dir, fmt.Sprint(i)) }
	for i := range places {
		args = append(args, "-map", fmt.Sprintf("%d:v", i), "-frames:v", "1", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", format, file(i))
	}
	harness.Run(t, "ffmpeg", args...)
	var all [][]byte
	for i := range places {
		gray, err := os.ReadFile(file(i))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, gray)
	}
	return all
}
