//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/names"
	"clipfs/cmd/internal/harness"
)

// TestPlaylistFrames: a playlist, read by ffmpeg, has every coded frame that the emulator stored for its span, once and in order, each when the
// model says, sound within one of its frames, over gaps and changes of the codec's parameters.
func TestPlaylistFrames(t *testing.T) {
	t.Parallel()
	base := joinedBase()
	specs := joinedStreams(t, base)
	var args []string
	for _, all := range specs {
		for _, s := range all {
			args = append(args, "--stream", s)
		}
	}
	e := harness.StartEmulator(t, args...)
	m := harness.StartMount(t, e)
	for _, test := range []struct {
		stream         string
		offset, length time.Duration
		h265, sound    bool
	}{
		{"hour", 3 * time.Second, time.Hour, false, true},
		{"reordered", 0, 10 * time.Minute, false, true},
		{"h265", 0, 6 * time.Minute, true, true},
		{"law", 0, 10 * time.Minute, false, false},
		{"varying", 0, 8 * time.Minute, false, false},
		{"still", 0, 7 * time.Minute, false, true},
		{"gaps", 3 * time.Second, 6 * time.Minute, false, true},
		{"change", 0, 3 * time.Minute, false, true},
		{"change265", 21 * time.Second, 2*time.Minute + time.Second, true, true},
	} {
		t.Run(test.stream, func(t *testing.T) {
			t.Parallel()
			fragments := footageOf(t, specs[test.stream], base.Add(test.offset), base.Add(test.offset+test.length))
			path := m.Join(test.stream, nameOf(base.Add(test.offset)), names.FormatLength(test.length)+".m3u8")
			checkPlaylist(t, path, fragments, test.h265, test.sound)
			if test.stream == "gaps" || test.stream == "change" {
				checkDecoded(t, path, fragments)
			}
			if test.stream == "law" { // another look-up, now that it is known
				text, err := os.ReadFile(m.Join(test.stream, nameOf(base), "9m.m3u8"))
				if err != nil || !strings.Contains(string(text), "\n# sound of G.711 A-law is left out") {
					t.Errorf("the playlist does not say that sound is left out: %v\n%.600s", err, text)
				}
			}
		})
	}
	t.Run("two codecs", func(t *testing.T) {
		t.Parallel()
		path := m.Join("mixed", nameOf(base), "2m.m3u8")
		before := segmentsOf(t, m.Join("mixed", nameOf(base), "120s.m3u8"))
		for _, at := range []time.Duration{0, time.Minute} { // whose heads tell how they are coded
			if _, err := os.ReadFile(m.Join("mixed", nameOf(base.Add(at)), "6s.ts")); err != nil {
				t.Fatal(err)
			}
		}
		if note := xattrIfAny(path, "user.clipfs.note"); !strings.Contains(note, "H.265 is left out") || !m.Logs("H.265 is left out") {
			t.Errorf("the log does not tell, or the note is %q", note)
		}
		if after := segmentsOf(t, path); after != before-10 { // a minute of H.265 was asked for
			t.Errorf("%d segments, and %d before", after, before)
		}
		checkPlaylist(t, path, footageOf(t, specs["mixed"], base, base.Add(time.Minute)), false, true)
		checkDecoded(t, path, footageOf(t, specs["mixed"], base, base.Add(time.Minute)))
	})
}

// checkPlaylist reads a playlist with ffmpeg, which may complain of nothing, and compares it with what is stored.
func checkPlaylist(t *testing.T, path string, fragments []footage.Fragment, h265, sound bool) {
	t.Helper()
	dir := t.TempDir()
	raw, format := filepath.Join(dir, "video"), "h264"
	if h265 {
		format = "hevc"
	}
	args := []string{"-v", "warning", "-nostdin", "-copyts", "-i", path, "-map", "0:v", "-c", "copy", "-f", format, raw, "-map", "0", "-c", "copy"}
	if sound {
		args = append(args, "-bsf:a", "aac_adtstoasc")
	}
	out, complaints, err := harness.TryRun(t, "ffmpeg", append(args, "-f", "framemd5", "-")...)
	if err != nil || len(complaints) > 0 {
		t.Fatalf("ffmpeg reads %s: %v\n%.4000s", path, err, complaints)
	}
	tracks, err := parseFrameMD5(string(out))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(raw)
	if err != nil {
		t.Fatal(err)
	}
	video, audio := lay(fragments, false)
	var want []string
	for _, p := range video {
		want = append(want, slicesOf(lengthsOf(p.data), h265)...)
	}
	sameList(t, path, "slices", want, slicesOf(startCodesOf(content), h265))
	checkPlaylistTimes(t, path, video, tracks[0])
	if !sound {
		if len(tracks) != 1 {
			t.Errorf("%s: %d streams, want no sound", path, len(tracks))
		}
		return
	}
	var heard []string
	for _, p := range audio {
		heard = append(heard, hash(p.data))
	}
	sameList(t, path, "frames of sound", heard, tracks[1].hashes())
	checkPlaylistTimes(t, path, audio, tracks[1])
}

// checkPlaylistTimes compares when frames are shown, to a millisecond, and two more for each gap before them, whose frames the listing does not
// tell to the end; sound to a frame.
func checkPlaylistTimes(t *testing.T, path string, want []placed, got packetTrack) {
	t.Helper()
	slack := 1500 * time.Microsecond
	if got.kind == "audio" && len(got.packets) > 1 {
		one, _ := got.time(got.packets[1].pts - got.packets[0].pts)
		slack += one
	}
	wrong := 0
	last := int64(-1 << 62)
	for i := range min(len(want), len(got.packets)) {
		p := got.packets[i]
		if i > 0 && want[i].recorded.Sub(want[i-1].recorded) > time.Second {
			slack += 2 * time.Millisecond
		}
		at, _ := got.time(p.pts)
		if off := at - want[i].at; off.Abs() > slack && wrong < 5 {
			wrong++
			t.Errorf("%s: %s %d at %s, want %s", path, got.kind, i, at, want[i].at)
		}
		if p.dts <= last || p.dts > p.pts {
			t.Errorf("%s: %s %d is decoded at %d, shown at %d, the one before at %d", path, got.kind, i, p.dts, p.pts, last)
		}
		last = p.dts
	}
}

// lengthsOf cuts a stored picture into its NAL units, before each of which stands its length.
func lengthsOf(sample []byte) [][]byte {
	var units [][]byte
	for len(sample) >= 4 {
		n := min(int(binary.BigEndian.Uint32(sample)), len(sample)-4)
		units = append(units, sample[4:4+n])
		sample = sample[4+n:]
	}
	return units
}

// startCodesOf cuts a stream into its NAL units, before each of which stands a start code.
func startCodesOf(stream []byte) [][]byte {
	var units [][]byte
	for _, unit := range bytes.Split(stream, []byte{0, 0, 1}) {
		if unit = bytes.TrimRight(unit, "\x00"); len(unit) > 0 {
			units = append(units, unit)
		}
	}
	return units
}

// slicesOf gives the hashes of NAL units, but for parameter sets and delimiters.
func slicesOf(units [][]byte, h265 bool) []string {
	var hashes []string
	for _, unit := range units {
		kind, left := unit[0]&0x1f, []byte{7, 8, 9}
		if h265 {
			kind, left = unit[0]>>1&0x3f, []byte{32, 33, 34, 35, 39} // the service keeps what x265 says of itself with the parameter sets
		}
		if !bytes.Contains(left, []byte{kind}) {
			hashes = append(hashes, hash(bytes.TrimRight(unit, "\x00")))
		}
	}
	return hashes
}

// TestPlaylistPlayers: an hour as a playlist, of which nothing is there, opens in ffmpeg, mpv and VLC, for a few calls, and shows the right
// picture at each place; VLC begins where the segment does.
func TestPlaylistPlayers(t *testing.T) {
	t.Parallel()
	harness.Need(t, "ffmpeg", "mpv", "vlc", "setpriv")
	file := numbered(t, 0)
	var args []string
	for _, name := range []string{"ffmpeg", "mpv", "vlc", "places"} {
		args = append(args, "--stream", name+"="+file+",loop")
	}
	e := harness.StartEmulator(t, args...)
	m := harness.StartMount(t, e, "--allow-other")
	reachable(t, filepath.Dir(m.Path))
	for name, look := range map[string]func(*testing.T, longClip){"ffmpeg": lookWithFFmpeg, "mpv": lookWithMpv, "vlc": lookWithVLC} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := longClipOf(t, m, name, file, 22700*time.Millisecond)
			c.path = strings.TrimSuffix(c.path, ".mp4") + ".m3u8"
			places := c.places
			c.places = places[6:7]
			if name == "vlc" {
				c.lead = 9 * time.Second // a segment is no longer
			}
			look(t, c)
			switch name {
			case "mpv":
				places = farFromBorders(places, bordersOf(t, c.path))
			case "vlc":
				places = places[5:8]
			}
			if got := tollOf(t, e, name); got.calls > 5 && name != "vlc" { // VLC does not stop where it is told to, and reads on for a while
				t.Errorf("a cold seek took %d GetClip calls", got.calls)
			}
			c.places = places
			look(t, c)
		})
	}
	t.Run("places", func(t *testing.T) {
		t.Parallel()
		c := longClipOf(t, m, "places", file, 0)
		c.path = strings.TrimSuffix(c.path, ".mp4") + ".m3u8"
		checkPlaces(t, c)
	})
}

// TestPlaylistErrors: of playlists and segments that cannot be, names are ENOENT; of one that can, the size is right as soon as it is open, and each
// opens on the first try.
func TestPlaylistErrors(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "door=testcard")
	m := harness.StartMount(t, e)
	at := time.Now().UTC().Add(-3 * time.Hour).Truncate(time.Minute)
	for _, name := range []string{"6s.ptsx.ts", "6s.pts.ts", "6s.cover.ts", "6s.pts1.mp4", "25h.m3u8", "0s.m3u8", "6sec.ts"} {
		if _, err := os.Stat(m.Join("door", nameOf(at), name)); !errors.Is(err, syscall.ENOENT) {
			t.Errorf("%s: %v, want ENOENT", name, err)
		}
	}
	if !m.Logs("positions of segments are written 6s.pts36000000.ts") {
		t.Error("the log does not say how positions are written")
	}
	for _, name := range []string{"1m.m3u8", "6s.ts"} {
		if _, err := os.Stat(m.Join("door", "1999-01-01", name)); !errors.Is(err, syscall.ENOENT) {
			t.Errorf("%s of a time without footage: %v, want ENOENT", name, err)
		}
	}
	for _, name := range []string{"6s.ts", "6s.pts36000000.ts", "10m.m3u8", "10m.cover.m3u8", "2m.m3u8"} {
		path := m.Join("door", nameOf(at), name)
		f, err := os.Open(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		info, err := f.Stat()
		content, readErr := os.ReadFile(path)
		if err != nil || readErr != nil || info.Size() != int64(len(content)) || len(content) == 0 {
			t.Errorf("%s: %d bytes, %v; read %d, %v", name, info.Size(), err, len(content), readErr)
		}
		_ = f.Close()
	}
}

// TestPlaylistNames: the names in a playlist lead to its segments from wherever it is looked up.
func TestPlaylistNames(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "door=testcard", "--retention", "72h") // the day that lies 26 hours back may begin 50 hours back
	m := harness.StartMount(t, e, "--segment", "10s", "--timezone", "Asia/Kolkata")
	at := time.Now().Add(-26 * time.Hour).In(time.FixedZone("IST", 19800)).Truncate(time.Hour)
	day, hour := at.Format("2006-01-02"), at.Add(-30*time.Minute).Format("2006-01-02T15")
	var all [][]string
	for _, path := range []string{
		m.Join("door", day, "24h.m3u8"), m.Join("door", day, hour, "1h.m3u8"), m.Join("door", day, hour, hour+":30", "5m.m3u8"),
		m.Join("door", hour, "10m.m3u8"), m.Join("door", "last", "5m.m3u8"),
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			continue
		}
		uris := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(text)), "\n"), func(l string) bool { return strings.HasPrefix(l, "#") })
		for _, uri := range []string{uris[0], uris[len(uris)-1]} {
			if info, err := os.Stat(filepath.Join(filepath.Dir(path), uri)); err != nil || info.Size() == 0 {
				t.Errorf("%s names %s: %v", path, uri, err)
			}
		}
		all = append(all, uris)
	}
	if len(all) > 0 && (len(all[0]) != 8640 || !strings.Contains(all[0][1], "/10s.pts10000.ts")) {
		t.Errorf("a day has %d segments of 10 s, the second is %s", len(all[0]), all[0][1])
	}
	if got := e.Calls(t, "GetClip"); got != 0 {
		t.Errorf("%d GetClip calls for names and sizes", got)
	}
}
