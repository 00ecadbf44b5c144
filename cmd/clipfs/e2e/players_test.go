//go:build e2e

package e2e_test

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/cmd/internal/harness"
)

// longClip is a long clip of numbered footage on a mount, of many parts, and what should be in it.
type longClip struct {
	mount     *harness.Mount
	stream    string
	path      string
	first     time.Time
	fragments []footage.Fragment
	// places are where it is looked into, on pictures, so that it does not matter whether a player shows what is on at a
	// position or what begins there or after it.
	places []time.Duration
	// lead is how long before a place VLC may begin: as far as what it seeks by is apart.
	lead time.Duration
}

// longClipOf gives the hour of a stream that starts three hours ago, so long after a full minute.
func longClipOf(t *testing.T, m *harness.Mount, stream, file string, after time.Duration) longClip {
	t.Helper()
	start := time.Now().UTC().Add(-3 * time.Hour).Truncate(time.Minute).Add(after)
	c := longClip{mount: m, stream: stream, path: m.Join(stream, nameOf(start), "1h.mp4"), lead: numberedGroup}
	c.fragments = stored(t, stream+"="+file+",loop", start, start.Add(time.Hour))
	c.first = c.fragments[0].Producer
	if got, want := xattr(t, c.path, "user.clipfs.first"), c.first.Format("2006-01-02T15:04:05.000Z"); got != want {
		t.Fatalf("%s: first is %q, want %q", c.path, got, want)
	}
	const picture = time.Second / numberedRate
	// The parts of the 10th and the 40th minute begin here.
	tenth, fortieth := c.joint(10), c.joint(40)
	end := c.fragments[len(c.fragments)-1].Producer.Sub(c.first)
	c.places = []time.Duration{0, picture, 59400 * time.Millisecond, tenth - picture, tenth, 1234600 * time.Millisecond,
		1800 * time.Second, fortieth - numberedGroup - 2*picture, fortieth + 3*picture, end}
	return c
}

// joint is the position of the first fragment that starts in the nth minute after the one of the first fragment.
func (c longClip) joint(n int) time.Duration {
	minute := c.first.Truncate(time.Minute).Add(time.Duration(n) * time.Minute)
	for _, f := range c.fragments {
		if !f.Producer.Before(minute) {
			return f.Producer.Sub(c.first)
		}
	}
	return 0
}

// running is the index of the fragment that is on at a position.
func (c longClip) running(at time.Duration) int {
	for i, f := range c.fragments {
		if f.Producer.Sub(c.first) > at {
			return i - 1
		}
	}
	return len(c.fragments) - 1
}

// number is that of the picture at a position: the first fragment's start plus the position.
func (c longClip) number(at time.Duration) int { return numberAt(c.first.Add(at)) }

// shows checks that a picture is the one at a position.
func (c longClip) shows(t *testing.T, at time.Duration, gray []byte) {
	t.Helper()
	if got, err := readNumber(gray); err != nil || got != c.number(at) {
		t.Errorf("at %s: picture %d, %v; want %d", at, got, err, c.number(at))
	}
}

// begins checks that a coded picture is the one with which a fragment begins, with its stamp.
func (c longClip) begins(t *testing.T, at time.Duration, sample []byte, f footage.Fragment) {
	t.Helper()
	if stamp, ok := footage.Stamp(sample, footage.H264); !ok || !stamp.Equal(f.Producer) {
		t.Errorf("at %s: stamp %s, %t; want %s", at, stamp, ok, f.Producer)
	}
	if !bytes.Equal(sample, f.Video()[0].Data) {
		t.Errorf("at %s: the %d bytes of the key frame are not those stored", at, len(sample))
	}
}

// inSeconds writes a position as programs take it.
func inSeconds(at time.Duration) string { return strconv.FormatFloat(at.Seconds(), 'f', 3, 64) }

// TestPlayers: a clip of an hour and many parts, of which nothing is there yet, opens in each player, and at ten places
// the picture at position p shows (first fragment's start + p).
func TestPlayers(t *testing.T) {
	t.Parallel()
	players := map[string]struct {
		needs []string
		look  func(t *testing.T, c longClip)
	}{
		"ffprobe":              {[]string{"ffprobe"}, lookWithFFprobe},
		"ffmpeg seeks":         {[]string{"ffmpeg"}, lookWithFFmpeg},
		"ffmpeg decodes all":   {[]string{"ffmpeg"}, lookWithFFmpegAfter},
		"ffmpeg copies":        {[]string{"ffmpeg"}, copyWithFFmpeg},
		"ffmpeg reads, copies": {[]string{"ffmpeg"}, copyWithFFmpegAfter},
		"mpv":                  {[]string{"mpv"}, lookWithMpv},
		"VLC":                  {[]string{"vlc", "setpriv"}, lookWithVLC},
		"GStreamer":            {[]string{systemPython, "gst-launch-1.0"}, lookWithGStreamer},
		"MediaInfo":            {[]string{"mediainfo"}, lookWithMediaInfo},
	}
	file := numbered(t, 0)
	var args []string
	for name := range players {
		args = append(args, "--stream", streamFor(name)+"="+file+",loop")
	}
	e := harness.StartEmulator(t, args...)
	m := harness.StartMount(t, e, "--allow-other", "--eager", "0", "--read-ahead", "1MiB")
	reachable(t, filepath.Dir(m.Path))
	for name, player := range players {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			harness.Need(t, player.needs...)
			c := longClipOf(t, m, streamFor(name), file, 22700*time.Millisecond)
			player.look(t, c)
			if got := tollOf(t, e, streamFor(name)); got.calls < int64(len(c.parts())) {
				t.Errorf("%d calls: not of many parts", got.calls)
			}
		})
	}
}

// streamFor gives a player a stream of its own, so that it reads what nobody has read before.
func streamFor(player string) string {
	return strings.NewReplacer(" ", "-", ",", "").Replace(player)
}

// lookWithFFprobe seeks with ffprobe, which gives the key frame at or before a position.
func lookWithFFprobe(t *testing.T, c longClip) {
	for _, at := range c.places {
		out := harness.Run(t, "ffprobe", "-v", "error", "-select_streams", "v", "-read_intervals", inSeconds(at)+"%+#1",
			"-show_packets", "-show_data_hash", "md5", "-show_entries", "packet=pts_time,data_hash", "-of", "csv=p=0", c.path)
		f := c.fragments[c.running(at)]
		want := fmt.Sprintf("%.6f,MD5:%s", f.Producer.Sub(c.first).Seconds(), hash(f.Video()[0].Data))
		if got := strings.TrimSpace(string(out)); got != want {
			t.Errorf("at %s: packet %q, want %q", at, got, want)
		}
	}
}

// onePicture are the arguments that make ffmpeg write one picture, oneSample those for one coded picture as it is in
// the file, to a file or "-".
func onePicture() []string {
	return []string{"-map", "0:v", "-frames:v", "1", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"}
}

func oneSample(to string) []string {
	return []string{"-map", "0:v", "-c", "copy", "-frames:v", "1", "-f", "data", to}
}

// seeking runs ffmpeg with -ss before -i: it seeks.
func (c longClip) seeking(t *testing.T, at time.Duration, output []string) []byte {
	t.Helper()
	args := []string{"-v", "error", "-nostdin", "-xerror", "-threads", "1", "-ss", inSeconds(at), "-i", c.path}
	return harness.Run(t, "ffmpeg", append(args, output...)...)
}

// skipping are arguments of ffmpeg that read everything. With -ss after them it leaves out what is before a position.
func (c longClip) skipping() []string {
	return []string{"-v", "error", "-nostdin", "-xerror", "-threads", "1", "-filter_threads", "1", "-i", c.path}
}

// lookWithFFmpeg seeks with -ss before -i.
func lookWithFFmpeg(t *testing.T, c longClip) {
	for _, at := range c.places {
		c.shows(t, at, c.seeking(t, at, onePicture()))
	}
}

// lookWithFFmpegAfter decodes up to each place.
func lookWithFFmpegAfter(t *testing.T, c longClip) {
	for _, at := range c.places {
		c.shows(t, at, harness.Run(t, "ffmpeg", slices.Concat(c.skipping(), []string{"-ss", inSeconds(at)}, onePicture())...))
	}
}

// copyWithFFmpeg copies from -ss before -i: from the key frame at or before a place.
func copyWithFFmpeg(t *testing.T, c longClip) {
	for _, at := range c.places {
		c.begins(t, at, c.seeking(t, at, oneSample("-")), c.fragments[c.running(at)])
	}
}

// copyWithFFmpegAfter copies from -ss after -i: from the first key frame that is to be decoded at or after a place. One ffmpeg reads
// the hour for all places.
func copyWithFFmpegAfter(t *testing.T, c longClip) {
	dir, args := t.TempDir(), c.skipping()
	to := func(place int) string { return filepath.Join(dir, strconv.Itoa(place)) }
	for place, at := range c.places {
		args = slices.Concat(args, []string{"-ss", inSeconds(at)}, oneSample(to(place)))
	}
	harness.Run(t, "ffmpeg", args...)
	for place, at := range c.places {
		got, err := os.ReadFile(to(place))
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(c.fragments, func(f footage.Fragment) bool {
			return f.Producer.Add(f.Video()[0].DTS).Sub(c.first) >= at
		})
		if i >= 0 {
			c.begins(t, at, got, c.fragments[i])
		} else if len(got) != 0 {
			t.Errorf("at %s: %d bytes, and no key frame follows", at, len(got))
		}
	}
}

// lookWithMpv seeks with mpv, to the picture and not just to the key frame.
func lookWithMpv(t *testing.T, c longClip) {
	for _, at := range c.places {
		dir := t.TempDir()
		harness.Run(t, "mpv", "--no-config", "--really-quiet", "--no-audio", "--hr-seek=yes", "--start="+inSeconds(at), "--frames=1",
			"--cache=no", // of a playlist it reads minutes ahead else, as many as a busy machine lets it until the picture is out
			"--vo=image", "--vo-image-format=png", "--vo-image-outdir="+dir, c.path)
		files, err := filepath.Glob(filepath.Join(dir, "*.png"))
		if err != nil || len(files) != 1 {
			t.Errorf("at %s: pictures %q, %v; want one", at, files, err)
			continue
		}
		c.shows(t, at, grayOf(t, files[0]))
	}
}

// grayOf reads the brightness of a PNG.
func grayOf(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var gray []byte
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y++ {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x++ {
			_, green, _, _ := picture.At(x, y).RGBA() // the pictures have no colors
			gray = append(gray, byte(green>>8))
		}
	}
	return gray
}

// nobody is an ordinary user that every system has.
const nobody = 65534

// reachable lets everybody into a directory of t.TempDir.
func reachable(t *testing.T, dir string) {
	t.Helper()
	for ; dir != filepath.Clean(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // it is to be entered by another user
			t.Fatal(err)
		}
	}
}

// lookWithVLC plays half a second at each place with VLC. It decodes from a key frame on and shows some of what comes
// before the place, never more than key frames or segments are apart, and then the picture at the place or those around it: that is
// what is checked. What it shows goes to files, unchanged, as there is no display.
func lookWithVLC(t *testing.T, c longClip) {
	home := t.TempDir()
	reachable(t, home)
	var args []string
	if os.Getuid() == 0 { // VLC refuses to run as root
		if err := os.Chown(home, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		args = []string{"setpriv", "--reuid", strconv.Itoa(nobody), "--regid", strconv.Itoa(nobody), "--clear-groups"}
	}
	args = append(args, "env", "HOME="+home, "XDG_RUNTIME_DIR="+home, "vlc", "-I", "dummy", "--ignore-config", "--no-dbus", "--no-audio")
	name := func(i int) string { return filepath.Join(home, strconv.Itoa(i)+".i420") }
	for i, at := range c.places {
		args = append(args, c.path, ":start-time="+inSeconds(at), ":stop-time="+inSeconds(at+time.Second/2),
			":sout=#transcode{vcodec=I420,acodec=none}:std{access=file,mux=dummy,dst="+name(i)+"}")
	}
	_, log, err := harness.TryRun(t, args[0], append(args[1:], "vlc://quit")...)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	for i, at := range c.places {
		pictures, err := os.ReadFile(name(i))
		if err != nil {
			t.Errorf("at %s: %v\n%s", at, err, log)
			continue
		}
		c.playsFrom(t, at, pictures)
	}
}

// playsFrom checks that I420 pictures, of each of which the first two thirds are its brightness, begin at a position or
// before it by less than c.lead, go on past it and never go back. VLC opens a file at its beginning and
// sometimes shows the first picture before it goes to where it is to start: that one is let pass. In a playlist it does not stop where it is told to: no more than
// c.lead is looked at.
func (c longClip) playsFrom(t *testing.T, at time.Duration, pictures []byte) {
	t.Helper()
	const size, all = pictureSize * 3 / 2, int(numberedLength/time.Second) * numberedRate
	group := int(c.lead/time.Second) * numberedRate
	var steps []int // from the picture at the position to those shown
	for ; len(pictures) >= size && len(steps) <= group; pictures = pictures[size:] {
		n, err := readNumber(pictures[:pictureSize])
		if err != nil {
			t.Errorf("at %s: %v", at, err)
			return
		}
		if len(steps) == 0 && n == c.number(0) && at >= c.lead && n != c.number(at) {
			continue
		}
		steps = append(steps, (n-c.number(at)+all+all/2)%all-all/2)
	}
	if !slices.IsSorted(steps) || len(steps) == 0 || steps[0] > 0 || steps[0] <= -group || steps[len(steps)-1] < 0 {
		t.Errorf("at %s: shows the pictures at %d from the one that is on", at, steps)
	}
}

// systemPython is the Python that Debian's bindings are made for, not one that happens to be in the path.
const systemPython = "/usr/bin/python3"

// gstreamerScript seeks to positions in milliseconds and writes the picture that is on there.
const gstreamerScript = `
import sys, gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
pipeline = Gst.parse_launch("filesrc name=file ! qtdemux name=demux demux.video_0 ! queue ! decodebin ! videoconvert "
    "! video/x-raw,format=GRAY8 ! fakesink name=screen sync=true enable-last-sample=true")
pipeline.get_by_name("file").set_property("location", sys.argv[1])
def settle():
    result, state, _ = pipeline.get_state(60 * Gst.SECOND)
    if result != Gst.StateChangeReturn.SUCCESS:
        message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        sys.exit("%s %s" % (result, message and message.parse_error()))
pipeline.set_state(Gst.State.PAUSED)
settle()
for position in sys.argv[2:]:
    if not pipeline.seek_simple(Gst.Format.TIME, Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE, int(position) * Gst.MSECOND):
        sys.exit("cannot seek to " + position)
    settle()
    picture = pipeline.get_by_name("screen").get_property("last-sample").get_buffer()
    sys.stdout.buffer.write(picture.extract_dup(0, picture.get_size()))
pipeline.set_state(Gst.State.NULL)
`

// lookWithGStreamer seeks with GStreamer, to the picture and not just to the key frame, in one pipeline.
func lookWithGStreamer(t *testing.T, c longClip) {
	args := []string{"-c", gstreamerScript, c.path}
	for _, at := range c.places {
		args = append(args, strconv.FormatInt(at.Milliseconds(), 10))
	}
	pictures := harness.Run(t, systemPython, args...)
	if len(pictures) != len(c.places)*pictureSize {
		t.Fatalf("%d bytes, want %d pictures of %d", len(pictures), len(c.places), pictureSize)
	}
	for i, at := range c.places {
		c.shows(t, at, pictures[i*pictureSize:][:pictureSize])
	}
}

// lookWithMediaInfo opens a clip and counts its pictures by the tables.
func lookWithMediaInfo(t *testing.T, c longClip) {
	pictures := 0
	for _, f := range c.fragments {
		pictures += len(f.Video())
	}
	length := time.Duration(pictures) * time.Second / numberedRate
	want := fmt.Sprintf("AVC %d %d", pictures, length.Milliseconds())
	if got := strings.TrimSpace(string(harness.Run(t, "mediainfo", "--Inform=Video;%Format% %FrameCount% %Duration%", c.path))); got != want {
		t.Errorf("video %q, want %q", got, want)
	}
}
