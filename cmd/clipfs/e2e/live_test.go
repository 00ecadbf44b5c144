//go:build e2e

package e2e_test

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/producer"
	"clipfs/cmd/internal/browser"
	"clipfs/cmd/internal/harness"
)

// What the camera of TestLive does: it has recorded for a while, goes on, pauses, and comes back with larger pictures.
const (
	liveBefore = 20 * time.Second
	livePause  = 12 * time.Second
	liveBack   = 20 * time.Second
	liveEnd    = 38 * time.Second
)

// camera is what a camera records.
type camera struct {
	small, large footage.Source
	begin        time.Time
}

// newCamera makes the recordings.
func newCamera(t *testing.T) *camera {
	t.Helper()
	small := recipe{size: "64x36", rate: "5", seconds: 20, gop: 10, reorder: true, sound: "aac", sample: 32000}
	large := small
	large.size = "96x54"
	files := []string{small.make(t, "small"), large.make(t, "large")}
	c := &camera{begin: time.Now().UTC().Truncate(time.Millisecond)}
	for i, into := range []*footage.Source{&c.small, &c.large} {
		s, err := footage.ParseSpec(spec("cam", files[i], c.begin.Add(-liveBefore), ",loop"))
		if err != nil {
			t.Fatal(err)
		}
		if *into, err = s.Open(t.Context(), c.begin.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// send sends what is recorded from one time to another, counted from the beginning.
func (c *camera) send(t *testing.T, e *harness.Emulator, src footage.Source, from, to time.Duration, paced bool) {
	t.Helper()
	if _, err := producer.PutSource(t.Context(), e.Endpoint, "cam", src, c.begin.Add(from), c.begin.Add(to), paced, producer.Options{}); err != nil {
		t.Errorf("the camera, from %s to %s: %v", from, to, err)
	}
}

// record does what the camera does.
func (c *camera) record(t *testing.T, e *harness.Emulator) {
	t.Helper()
	c.send(t, e, c.small, 0, livePause, true)
	time.Sleep(time.Until(c.begin.Add(liveBack)))
	c.send(t, e, c.large, liveBack, liveEnd, true)
}

// slices gives the hashes of all slices that the camera sends.
func (c *camera) slices() []string {
	var all []string
	take := func(src footage.Source, from, to time.Duration) {
		for _, f := range src.Fragments(footage.ByProducer, c.begin.Add(from), c.begin.Add(to-time.Millisecond)) {
			for _, s := range f.Video() {
				all = append(all, slicesOf(lengthsOf(s.Data), false)...)
			}
		}
	}
	take(c.small, -liveBefore, livePause)
	take(c.large, liveBack, liveEnd)
	return all
}

// TestLive: players follow a camera that pauses and comes back with pictures of another size: ffmpeg has each frame from the one it began with on,
// once and in order; mpv and Chromium show what comes.
func TestLive(t *testing.T) {
	t.Parallel()
	harness.Need(t, "ffmpeg", "mpv")
	c := newCamera(t)
	e := harness.StartEmulator(t)
	createStreams(t, e, 24, "cam")
	m := harness.StartMount(t, e)
	server := serveFiles(t, m.Path)
	c.begin = c.begin.Add(time.Since(c.begin)).Truncate(2 * time.Second) // making all that took a while
	c.send(t, e, c.small, -liveBefore, 0, false)
	path := m.Join("cam", "live.m3u8")
	eventually(t, "a live playlist", func() bool { _, err := os.Stat(path); return err == nil })
	var all sync.WaitGroup // at once, however many tests may run in parallel
	all.Go(func() { c.record(t, e) })
	for name, follow := range map[string]func(*testing.T){
		"ffmpeg":   func(t *testing.T) { followWithFFmpeg(t, c, path) },
		"mpv":      func(t *testing.T) { followWithMpv(t, path) },
		"Chromium": func(t *testing.T) { followWithChromium(t, server) },
	} {
		all.Go(func() { t.Run(name, follow) })
	}
	all.Wait()
	again, err := os.ReadFile(path)
	if err != nil || strings.Count(string(again), "#EXT-X-DISCONTINUITY\n") != 1 || strings.Contains(string(again), "ENDLIST") {
		t.Errorf("at last: %v\n%s", err, again)
	}
}

// followWithFFmpeg copies what comes until some seconds after the pause.
func followWithFFmpeg(t *testing.T, c *camera, path string) {
	out := filepath.Join(t.TempDir(), "video.h264")
	_, complaints, err := harness.TryRun(t, "ffmpeg", "-v", "error", "-nostdin", "-i", path, "-t", inSeconds(liveBefore+liveBack+3*time.Second), "-map", "0:v", "-c", "copy", "-f", "h264", out)
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints)
	}
	content, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	got, all := slicesOf(startCodesOf(content), false), c.slices()
	first := slices.Index(all, got[0])
	if first < 0 || len(all)-first < len(got) {
		t.Fatalf("%d slices, of which the first is number %d of %d", len(got), first, len(all))
	}
	sameList(t, path, "slices", all[first:first+len(got)], got)
	before := int((liveBefore + livePause) / time.Second * 5)
	if first+len(got) <= before {
		t.Errorf("%d slices from number %d on: none from behind the pause, which is at %d", len(got), first, before)
	}
}

// followWithMpv plays until pictures are of the size that they have after the pause.
func followWithMpv(t *testing.T, path string) {
	dir := t.TempDir()
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "mpv", "--no-config", "--no-audio", "--framedrop=no", "--vo=image", "--vo-image-format=png", "--vo-image-outdir="+dir, path)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	width, pictures := 0, 0
	for deadline := time.Now().Add(100 * time.Second); width != 96 && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		files, err := filepath.Glob(filepath.Join(dir, "*.png"))
		if err != nil {
			t.Fatal(err)
		}
		if pictures = len(files); pictures < 2 {
			continue
		}
		slices.Sort(files)
		width = widthOf(t, files[pictures-2]) // the last one may be half written
	}
	_ = cmd.Process.Kill() // as a player is ended that follows what never ends
	_ = cmd.Wait()
	if width != 96 || pictures < 100 {
		t.Errorf("%d pictures, the last of them %d wide\n%.2000s", pictures, width, &said)
	}
}

// widthOf reads the width of a PNG file.
func widthOf(t *testing.T, path string) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	config, err := png.DecodeConfig(f)
	if err != nil {
		t.Fatal(err)
	}
	return config.Width
}

// followWithChromium plays until pictures are of the size that they have after the pause, and go on. Once in a few runs on a busy machine
// Chromium could not parse what it got first: as a viewer would, the page is opened once more then.
func followWithChromium(t *testing.T, server string) {
	if text := chromiumFollows(t, server); text != "" {
		t.Logf("Chromium, first: %s", text)
		if text = chromiumFollows(t, server); text != "" {
			t.Errorf("Chromium: %s", text)
		}
	}
}

// chromiumFollows gives the error of the video; empty where it went well.
func chromiumFollows(t *testing.T, server string) string {
	t.Helper()
	tab := watch(t, server, "/cam/live.m3u8")
	if length := browser.Eval[bool](t, tab, `document.querySelector('video').duration === Infinity || Boolean(document.querySelector('video').error)`); !length {
		t.Error("Chromium takes it for a recording")
	}
	browser.Eval[bool](t, tab, `document.querySelector('video').play().then(() => true, () => false)`)
	tab.Await(t, `document.querySelector('video').videoWidth === 96 || document.querySelector('video').error`)
	at := browser.Eval[float64](t, tab, `document.querySelector('video').currentTime`)
	tab.Await(t, fmt.Sprintf(`document.querySelector('video').currentTime > %f || document.querySelector('video').error`, at+2))
	return browser.Eval[string](t, tab, `String(document.querySelector('video').error?.message ?? '')`)
}
