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

// longLive has TestLive go on for minutes.
const longLive = "E2E_LONG_LIVE"

// liveBefore is for how long the camera of TestLive has recorded when players come.
const liveBefore = 20 * time.Second

// shot is what a camera records from one time to another, counted from when players come: large or small pictures.
type shot struct {
	from, to time.Duration
	large    bool
}

// length is for how long it records.
func (s shot) length() time.Duration { return s.to - s.from }

// width is that of its pictures.
func (s shot) width() int {
	if s.large {
		return 96
	}
	return 64
}

// shots are what the camera of TestLive records: it pauses, and comes back with larger pictures; for minutes, it pauses once more, and goes on with
// smaller ones without a pause.
func shots() []shot {
	if os.Getenv(longLive) != "1" {
		return []shot{{0, 12 * time.Second, false}, {20 * time.Second, 38 * time.Second, true}}
	}
	return []shot{
		{0, 40 * time.Second, false}, {75 * time.Second, 120 * time.Second, true}, {120 * time.Second, 160 * time.Second, false},
		{170 * time.Second, 210 * time.Second, true},
	}
}

// camera is what a camera records.
type camera struct {
	small, large footage.Source
	begin        time.Time
	shots        []shot
}

// source is what it records a shot of.
func (c *camera) source(s shot) footage.Source {
	if s.large {
		return c.large
	}
	return c.small
}

// newCamera makes the recordings.
func newCamera(t *testing.T) *camera {
	t.Helper()
	small := recipe{size: "64x36", rate: "5", seconds: 20, gop: 10, reorder: true, sound: "aac", sample: 32000}
	large := small
	large.size = "96x54"
	files := []string{small.make(t, "small"), large.make(t, "large")}
	c := &camera{begin: time.Now().UTC().Truncate(time.Millisecond), shots: shots()}
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
	for _, s := range c.shots {
		time.Sleep(time.Until(c.begin.Add(s.from)))
		c.send(t, e, c.source(s), s.from, s.to, true)
	}
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
	take(c.small, -liveBefore, 0)
	for _, s := range c.shots {
		take(c.source(s), s.from, s.to)
	}
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
	players := map[string]func(*testing.T){
		"mpv":      func(t *testing.T) { followWithMpv(t, c, path) },
		"Chromium": func(t *testing.T) { followWithChromium(t, c, server) },
	}
	if os.Getenv(longLive) != "1" { // no program but a player may take so long
		players["ffmpeg"] = func(t *testing.T) { followWithFFmpeg(t, c, path) }
	}
	for name, follow := range players {
		all.Go(func() { t.Run(name, follow) })
	}
	all.Wait()
	pauses := 0
	for i, s := range c.shots[1:] {
		if s.from > c.shots[i].to {
			pauses++
		}
	}
	again, err := os.ReadFile(path)
	if err != nil || strings.Count(string(again), "#EXT-X-DISCONTINUITY\n") < pauses || strings.Contains(string(again), "ENDLIST") {
		t.Errorf("at last: %v\n%s", err, again)
	}
}

// TestLiveCodec: who opens the live playlist of a camera that went from H.264 to H.265 is given H.265 alone, of which nothing was read, from the change on:
// ffmpeg has each frame of it, and mpv shows them.
func TestLiveCodec(t *testing.T) {
	t.Parallel()
	harness.Need(t, "ffmpeg", "mpv")
	const before, after = 40 * time.Second, 30 * time.Second
	avc := recipe{size: "64x36", rate: "5", seconds: 20, gop: 10, reorder: true, sound: "aac", sample: 32000}
	hevc := avc
	hevc.h265, hevc.size = true, "96x54"
	files := []string{avc.make(t, "avc"), hevc.make(t, "hevc")}
	e := harness.StartEmulator(t)
	createStreams(t, e, 24, "cam")
	m := harness.StartMount(t, e)
	c := &camera{begin: time.Now().UTC().Truncate(2 * time.Second)}
	var last footage.Source
	for i, file := range files {
		s, err := footage.ParseSpec(spec("cam", file, c.begin.Add(-before-after), ",loop"))
		if err != nil {
			t.Fatal(err)
		}
		if last, err = s.Open(t.Context(), c.begin); err != nil {
			t.Fatal(err)
		}
		from := []time.Duration{-before - after, -after, 0}
		c.send(t, e, last, from[i], from[i+1], false)
	}
	path := m.Join("cam", "live.m3u8")
	eventually(t, "what was sent last, in the live playlist", func() bool {
		text, err := os.ReadFile(path)
		_, clock, _ := strings.Cut(string(text[max(0, bytes.LastIndex(text, []byte("#EXT-X-PROGRAM"))):]), ":")
		begins, _ := time.Parse(time.RFC3339, strings.Split(clock, "\n")[0]) // of the last segment
		return err == nil && !begins.Before(c.begin.Add(-12*time.Second))
	})

	out := filepath.Join(t.TempDir(), "video.h265")
	harness.Run(t, "ffmpeg", "-v", "error", "-nostdin", "-live_start_index", "0", "-i", path, "-t", "20", "-map", "0:v", "-c", "copy", "-f", "hevc", out)
	content, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range last.Fragments(footage.ByProducer, c.begin.Add(-after), c.begin.Add(-time.Millisecond)) {
		for _, s := range f.Video() {
			want = append(want, slicesOf(lengthsOf(s.Data), true)...)
		}
	}
	got := slicesOf(startCodesOf(content), true)
	if first := slices.Index(want, got[0]); first < 0 || first > int(6*time.Second/time.Second*5) || len(got) < 80 {
		t.Errorf("%d slices, of which the first is number %d after the change", len(got), first)
	} else {
		sameList(t, path, "slices", want[first:first+len(got)], got)
	}

	dir := t.TempDir()
	harness.Run(t, "mpv", "--no-config", "--really-quiet", "--no-audio", "--frames=10", "--vo=image", "--vo-image-format=png", "--vo-image-outdir="+dir, path)
	files, err = filepath.Glob(filepath.Join(dir, "*.png"))
	if err != nil || len(files) != 10 {
		t.Fatalf("mpv shows %d pictures, %v", len(files), err)
	}
	for _, file := range files {
		if got := widthOf(t, file); got != 96 {
			t.Errorf("mpv shows a picture %d wide, want 96", got)
		}
	}
}

// followWithFFmpeg copies what comes until some seconds into the last shot.
func followWithFFmpeg(t *testing.T, c *camera, path string) {
	out := filepath.Join(t.TempDir(), "video.h264")
	last := c.shots[len(c.shots)-1]
	_, complaints, err := harness.TryRun(t, "ffmpeg", "-v", "error", "-nostdin", "-i", path, "-t", inSeconds(liveBefore+last.from+3*time.Second), "-map", "0:v", "-c", "copy", "-f", "h264", out)
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
	before := liveBefore
	for _, s := range c.shots[:len(c.shots)-1] {
		before += s.to - s.from
	}
	if n := int(before / time.Second * 5); first+len(got) <= n {
		t.Errorf("%d slices from number %d on: none of the last shot, which begins with %d", len(got), first, n)
	}
}

// followWithMpv plays until pictures have been of the sizes of all shots.
func followWithMpv(t *testing.T, c *camera, path string) {
	dir := t.TempDir()
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "mpv", "--no-config", "--no-audio", "--framedrop=no", "--vo=image", "--vo-image-format=png", "--vo-image-outdir="+dir, path)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	width, pictures, seen := 0, 0, 0
	for deadline := time.Now().Add(c.shots[len(c.shots)-1].to + time.Minute); seen < len(c.shots) && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		files, err := filepath.Glob(filepath.Join(dir, "*.png"))
		if err != nil {
			t.Fatal(err)
		}
		if pictures = len(files); pictures < 2 {
			continue
		}
		slices.Sort(files)
		if width = widthOf(t, files[pictures-2]); width == c.shots[seen].width() { // the last one may be half written
			seen++
		}
	}
	_ = cmd.Process.Kill() // as a player is ended that follows what never ends
	_ = cmd.Wait()
	if seen < len(c.shots) || pictures < 100 {
		t.Errorf("%d pictures, the last of them %d wide, %d shots of %d\n%.2000s", pictures, width, seen, len(c.shots), &said)
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

// followWithChromium plays until pictures have been of the sizes of all shots, and go on. Once in twenty runs on a busy machine Chromium could not parse what
// it got: as a viewer would, the page is opened once more then.
func followWithChromium(t *testing.T, c *camera, server string) {
	if text := chromiumFollows(t, c, server); text != "" {
		t.Logf("Chromium, first: %s", text)
		if text = chromiumFollows(t, c, server); text != "" {
			t.Errorf("Chromium: %s", text)
		}
	}
}

// chromiumFollows gives the error of the video, and what caused it; empty where it went well. It looks for those shots that the camera has not ended
// by then, and the last one.
func chromiumFollows(t *testing.T, c *camera, server string) string {
	t.Helper()
	tab := watch(t, server, "/cam/live.m3u8")
	const broken = `document.querySelector('video').error`
	if endless := browser.Eval[bool](t, tab, `document.querySelector('video').duration === Infinity || Boolean(`+broken+`)`); !endless {
		t.Error("Chromium takes it for a recording")
	}
	browser.Eval[bool](t, tab, `document.querySelector('video').play().then(() => true, () => false)`)
	for i, s := range c.shots {
		wait := time.Until(c.begin.Add(s.from))
		if wait < -s.length() && i+1 < len(c.shots) {
			continue
		}
		time.Sleep(wait)
		tab.Await(t, fmt.Sprintf(`document.querySelector('video').videoWidth === %d || %s`, s.width(), broken))
		at := browser.Eval[float64](t, tab, `document.querySelector('video').currentTime`)
		tab.Await(t, fmt.Sprintf(`document.querySelector('video').currentTime > %f || %s`, at+2, broken))
		if text := browser.Eval[string](t, tab, `String(`+broken+`?.message ?? '')`); text != "" {
			return fmt.Sprintf("%s %q", text, tab.Broken())
		}
	}
	return ""
}
