//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// cue is a caption: what the clock is said to show, from one position to another.
type cue struct {
	from, to time.Duration
	at       time.Time
}

// cuesOf reads the captions at a path, in the zone that they name.
func cuesOf(t *testing.T, path string) []cue {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || int64(len(text)) != info.Size() {
		t.Fatalf("%s: %d bytes, %v, and stat says %d", path, len(text), err, info.Size())
	}
	var all []cue
	for block := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		lines := strings.Split(block, "\n")
		if lines[0] == "WEBVTT" {
			continue
		}
		if !strings.Contains(lines[0], "-->") { // its number
			lines = lines[1:]
		}
		if len(lines) != 2 {
			t.Fatalf("%s: cue %q", path, block)
		}
		from, to, _ := strings.Cut(lines[0], " --> ")
		c := cue{from: position(t, from), to: position(t, to)}
		for _, layout := range []string{"2006-01-02 15:04:05 UTC", "2006-01-02 15:04:05 -07:00"} {
			if c.at, err = time.Parse(layout, lines[1]); err == nil {
				break
			}
		}
		if err != nil {
			t.Fatalf("%s: cue %q: %v", path, block, err)
		}
		all = append(all, c)
	}
	return all
}

// position reads one of a caption.
func position(t *testing.T, text string) time.Duration {
	t.Helper()
	var h, m, s, ms int
	if _, err := fmt.Sscanf(strings.ReplaceAll(text, ",", "."), "%d:%d:%d.%d", &h, &m, &s, &ms); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second + time.Duration(ms)*time.Millisecond
}

// grayAt gives the brightness of the picture that is shown at a position.
func grayAt(t *testing.T, path string, at time.Duration) []byte {
	t.Helper()
	args := []string{"-v", "error", "-nostdin", "-xerror", "-threads", "1", "-ss", inSeconds(at), "-i", path}
	return harness.Run(t, "ffmpeg", append(args, onePicture()...)...)
}

// changes checks that the picture of the time that a caption says begins with it, and, where the clock goes on there, that the one
// before that is shown until then: each within half a picture.
func changes(t *testing.T, path string, c cue, picture time.Duration, goesOn bool) {
	t.Helper()
	// ffmpeg shows the first picture that begins at a position or after it.
	if got, err := readNumber(grayAt(t, path, max(0, c.from-picture/2))); err != nil || got != numberAt(c.at) {
		t.Errorf("at %s the caption says %s, picture %d; it shows %d, %v", c.from, c.at, numberAt(c.at), got, err)
	}
	if !goesOn {
		return
	}
	if got, err := readNumber(grayAt(t, path, c.from-picture*3/2)); err != nil || got != numberAt(c.at.Add(-picture)) {
		t.Errorf("just before %s, the caption of %s, it shows %d, %v; want %d", c.from, c.at, got, err, numberAt(c.at.Add(-picture)))
	}
}

// TestCaptionsOfADay: in a clip of 24 h with a gap in each hour, kept or closed, a caption changes with the picture that was recorded
// when the clock changed: at the beginning, around each of some gaps, 12 h later, and at the end.
func TestCaptionsOfADay(t *testing.T) {
	t.Parallel()
	// An hour of numbered footage, silent, each in 38 rounds of it: so the numbers go on as they would without a gap.
	const rounds, picture = 37, time.Second / numberedRate
	const apart = (rounds + 1) * numberedLength
	// Its groups are about as long as fragments can be, so that a day is opened soon.
	hour := harness.FFmpeg(t, "hour.mp4", "-stream_loop", fmt.Sprint(rounds-1), "-i", numbered(t, 0), "-map", "0:v", "-threads", "1", "-c:v", "libx264",
		"-preset", "ultrafast", "-bf", "2", "-g", "97", "-keyint_min", "97", "-sc_threshold", "0", "-x264-params", "open-gop=0:threads=1")
	ago := time.Duration(time.Now().Add(-25 * time.Hour).UnixNano())
	begin := time.Unix(0, int64(ago-ago%apart)).UTC() // the numbers count from 1970
	args := []string{"--quota", "off", "--retention", "48h"}
	for at := begin; at.Before(begin.Add(24 * time.Hour)); at = at.Add(apart) {
		args = append(args, "--stream", spec("cam", hour, at, ""))
	}
	e := harness.StartEmulator(t, args...)
	for _, gaps := range []string{"close", "keep"} {
		t.Run(gaps, func(t *testing.T) {
			t.Parallel()
			m := harness.StartMount(t, e, "--gaps", gaps, "--timezone", "Asia/Kolkata")
			dir := m.Join("cam", begin.Format("2006-01-02T15:04:05.000Z"))
			cues, path := cuesOf(t, dir+"/24h.srt"), dir+"/24h.mp4"
			var long time.Duration
			for _, c := range cues {
				if c.from != long || c.to-c.from > 10*time.Second {
					t.Fatalf("a cue from %s to %s, after %s", c.from, c.to, long)
				}
				long = c.to
			}
			looked, noon := 0, false
			for i, c := range cues {
				gap := i > 0 && c.at.Sub(cues[i-1].at) > 11*time.Second // closed: the cue of the first picture behind it
				isNoon := !noon && !c.at.Before(begin.Add(12*time.Hour))
				noon = noon || isNoon
				if i != 0 && i != 1 && !isNoon && !gap && i < len(cues)-2 || gap && looked > 4 && i < len(cues)-2 {
					continue
				}
				looked++
				changes(t, path, c, picture, i > 0 && !gap)
			}
			if looked < 5 {
				t.Errorf("%d places looked at", looked)
			}
			t.Logf("%d cues, %s, %d places", len(cues), long, looked)
		})
	}
}

// TestCaptionsLoad: players load the captions beside a clip by themselves where they are listed. There is a cue a second in up to an hour, which
// begins with the first picture of that second of the test card, in a clip of one part and in one of many.
func TestCaptionsLoad(t *testing.T) {
	t.Parallel()
	harness.Need(t, "mpv", "vlc", "setpriv")
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--quota", "off")
	m := harness.StartMount(t, e, "--allow-other", "--list", "mp4,srt")
	reachable(t, filepath.Dir(m.Path))
	begin := time.Now().UTC().Add(-3 * time.Hour).Truncate(time.Minute).Add(50 * time.Second)
	dir := m.Join("testcard", nameOf(begin))
	if listed := string(harness.Run(t, "ls", dir)); !strings.Contains(listed, "10m.mp4\n10m.srt\n") || strings.Contains(listed, "vtt") {
		t.Errorf("listed:\n%s", listed)
	}
	for _, name := range []string{"1m.srt", "10m.vtt", "1h.srt"} {
		cues := cuesOf(t, filepath.Join(dir, name))
		path := filepath.Join(dir, strings.TrimSuffix(name, filepath.Ext(name))+".mp4")
		for _, c := range []cue{cues[0], cues[1], cues[len(cues)/2], cues[len(cues)-1]} {
			const picture = time.Second / 25
			if got := shows(t, path, max(0, c.from-picture/2)); got != c.at.Second() || c.to-c.from != time.Second {
				t.Errorf("%s: a cue from %s to %s says %s, and the picture shows %d", name, c.from, c.to, c.at, got)
			}
			if c.from > 0 && shows(t, path, c.from-picture*3/2) != c.at.Add(-time.Second).Second() {
				t.Errorf("%s: just before %s the picture does not show the second before %s", name, c.from, c.at)
			}
		}
	}
	out := string(harness.Run(t, "mpv", "--no-config", "--no-audio", "--vo=null", "--frames=1", dir+"/10m.mp4"))
	if !strings.Contains(out, "Subs  --sid=1 '10m.srt'") {
		t.Errorf("mpv has not loaded the captions:\n%s", out)
	}
	home := t.TempDir()
	reachable(t, home)
	var as []string
	if os.Getuid() == 0 { // VLC refuses to run as root
		if err := os.Chown(home, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		as = []string{"setpriv", "--reuid", fmt.Sprint(nobody), "--regid", fmt.Sprint(nobody), "--clear-groups"}
	}
	as = append(as, "env", "HOME="+home, "XDG_RUNTIME_DIR="+home, "vlc", "-vv", "-I", "dummy", "--ignore-config", "--no-dbus", "--no-audio", "--vout", "dummy",
		"--run-time", "1", dir+"/10m.mp4", "vlc://quit")
	_, log, err := harness.TryRun(t, as[0], as[1:]...)
	if err != nil || !strings.Contains(string(log), "autodetected subtitle: "+dir+"/10m.srt") {
		t.Errorf("VLC has not loaded the captions: %v\n%s", err, log)
	}
}
