//go:build e2e

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipfs/clip/names"
	"clipfs/cmd/internal/harness"
)

// wholeDay has TestPlaylistDay read a whole day, which takes minutes, and not six hours of one.
const wholeDay = "E2E_WHOLE_DAY"

// TestPlaylistDay: the playlist of a day has every coded frame that was recorded, once and in order, at its time.
func TestPlaylistDay(t *testing.T) {
	t.Parallel()
	const into = 13 * time.Second
	day := 6 * time.Hour
	if os.Getenv(wholeDay) == "1" {
		day = 24 * time.Hour
	}
	base := time.Now().UTC().Add(-25 * time.Hour).Truncate(time.Minute).Add(300 * time.Millisecond)
	made := recipe{size: "64x36", rate: "1", seconds: 200, gop: 20, reorder: true, sound: "aac", sample: 7350}.make(t, "day")
	stream := spec("day", made, base, ",loop")
	m := harness.StartMount(t, harness.StartEmulator(t, "--stream", stream, "--retention", "48h"), "--log-level", "info")
	fragments := footageOf(t, []string{stream}, base.Add(into), base.Add(into+day))
	began := time.Now()
	checkPlaylist(t, m.Join("day", nameOf(base.Add(into)), names.FormatLength(day)+".m3u8"), fragments, false, true)
	t.Logf("%d fragments: read and compared in %v", len(fragments), time.Since(began).Round(time.Millisecond))
}

// TestPlaylistCalls: opening the playlist of a day costs listings alone; a seek in it shows the right picture for a few calls; playing takes a call a part
// and one more, wherever it begins; and an hour that was played is not fetched again to copy it, nor an hour that was copied to play it.
func TestPlaylistCalls(t *testing.T) {
	t.Parallel()
	file := numbered(t, 0)
	yesterday := time.Now().UTC().Truncate(24 * time.Hour).Add(-24 * time.Hour)
	evening := yesterday.Add(20 * time.Hour)
	daily := spec("day", file, evening.Add(-evening.Sub(yesterday).Truncate(numberedLength)-numberedLength), ",loop") // a round begins in the evening
	args := []string{"--stream", daily}
	for _, name := range []string{"play", "hour", "copied"} {
		args = append(args, "--stream", name+"="+file+",loop")
	}
	e := harness.StartEmulator(t, append(args, "--retention", "72h")...)
	m := harness.StartMount(t, e)

	path := m.Join("day", yesterday.Format("2006-01-02"), "24h.m3u8")
	if text, err := os.ReadFile(path); err != nil || len(text) == 0 || len(text) > 2_000_000 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	if got := tollOf(t, e, "day"); got.calls != 0 {
		t.Errorf("opening the playlist of a day took %d GetClip calls", got.calls)
	}
	checkEvening(t, path, stored(t, daily, yesterday, yesterday.Add(time.Minute))[0].Producer, evening)
	if got := tollOf(t, e, "day"); got.calls > 20 {
		t.Errorf("four cold seeks took %d GetClip calls", got.calls)
	}

	random := rand.New(rand.NewPCG(5, 9))
	for i := range 6 {
		at := yesterday.Add(time.Duration(i)*time.Hour + time.Duration(random.IntN(3600))*time.Second)
		seconds := 30 + random.IntN(200)
		before := tollOf(t, e, "play").calls
		harness.Run(t, "ffmpeg", "-v", "error", "-nostdin", "-i", m.Join("play", nameOf(at), names.FormatLength(time.Duration(seconds)*time.Second)+".m3u8"),
			"-map", "0", "-c", "copy", "-f", "null", "-")
		if got, most := tollOf(t, e, "play").calls-before, int64((seconds+59)/60+1); got > most {
			t.Errorf("%d s from %s took %d GetClip calls, and may take %d", seconds, nameOf(at), got, most)
		}
	}

	hour := yesterday.Add(10 * time.Hour)
	for _, test := range []struct{ stream, first, then string }{{"hour", "1h.m3u8", "1h.mp4"}, {"copied", "1h.mp4", "1h.m3u8"}} {
		read := func(name string) {
			path := m.Join(test.stream, nameOf(hour), name)
			if strings.HasSuffix(name, ".mp4") {
				harness.Run(t, "cp", path, "/dev/null")
			} else {
				harness.Run(t, "ffmpeg", "-v", "error", "-nostdin", "-i", path, "-map", "0", "-c", "copy", "-f", "null", "-")
			}
		}
		read(test.first)
		before := tollOf(t, e, test.stream)
		read(test.then)
		if more := tollOf(t, e, test.stream).bytes - before.bytes; more > before.bytes/20 {
			t.Errorf("%s after %s fetches %d bytes more than %d", test.then, test.first, more, before.bytes)
		} else {
			t.Logf("%s after %s: %s more", test.then, test.first, fmt.Sprintf("%.2f %%", 100*float64(more)/float64(before.bytes)))
		}
	}
}

// checkEvening seeks in the playlist of a day, whose footage begins at a time: with ffmpeg at noon, and with all players to the evening, when a round of
// the pictures begins, and with it a fragment and a segment. In the midst of a segment ffmpeg would show its beginning: it takes the time for one that
// was wrapped around, as it is more than 2³² ticks behind the beginning.
func checkEvening(t *testing.T, path string, first, evening time.Time) {
	t.Helper()
	at := evening.Sub(first)
	number := func(at time.Duration) int {
		return numberAt(time.UnixMilli(0).Add(first.Add(at).Sub(evening) + 24*60*numberedLength))
	}
	shows := func(what string, at time.Duration, gray []byte) {
		if got, err := readNumber(gray); err != nil || got != number(at) {
			t.Errorf("%s at %s: picture %d, %v; want %d", what, at, got, err, number(at))
		}
	}
	noon := at - 8*time.Hour
	noon -= noon % (time.Second / numberedRate)
	for i, gray := range picturesAt(t, path, []time.Duration{noon, at}) {
		shows("ffmpeg", []time.Duration{noon, at}[i], gray)
	}
	dir := t.TempDir()
	harness.Run(t, "mpv", "--no-config", "--really-quiet", "--no-audio", "--hr-seek=yes", "--start="+inSeconds(at), "--frames=1",
		"--vo=image", "--vo-image-format=png", "--vo-image-outdir="+dir, path)
	shows("mpv", at, grayOf(t, filepath.Join(dir, "00000001.png")))
	tab := watch(t, serveFiles(t, filepath.Dir(filepath.Dir(path))), "/"+filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path))
	if got, err := seekNumber(t, tab, at, number(at)); err != nil || got != number(at) {
		t.Errorf("Chromium at %s: picture %d, %v; want %d", at, got, err, number(at))
	}
	if text := tab.Wrong(); len(text) > 0 {
		t.Errorf("the page complains: %v", text)
	}
}
