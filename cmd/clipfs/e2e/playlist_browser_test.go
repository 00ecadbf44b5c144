//go:build e2e

package e2e_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/browser"
	"clipfs/cmd/internal/harness"
)

// fileServer is a plain server of files: it knows nothing of clipfs. Its page / has a video of what the page's query names.
const fileServer = `
import http.server, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    extensions_map = {".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t", ".mp4": "video/mp4", "": "application/octet-stream"}
    def do_GET(self):
        if self.path.split("?")[0] != "/":
            return super().do_GET()
        page = b"<!doctype html><video muted></video><script>document.querySelector('video').src = location.search.slice(1)</script>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)
    def __init__(self, *args):
        super().__init__(*args, directory=sys.argv[1])
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("http://127.0.0.1:%d" % server.server_port, flush=True)
server.serve_forever()
`

// serveFiles serves a directory in a process of its own, and gives its URL.
func serveFiles(t *testing.T, dir string) string {
	t.Helper()
	harness.Need(t, "python3")
	cmd := exec.CommandContext(t.Context(), "python3", "-c", fileServer, dir)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// watch opens a video of a file server in a browser, and waits until it can be played.
func watch(t *testing.T, server, path string) *browser.Tab {
	t.Helper()
	tab := browser.Open(t, 400, 300)
	tab.Go(t, server+"/?"+path)
	tab.Await(t, `document.querySelector('video').readyState >= 2`)
	return tab
}

// TestPlaylistBrowser: Chromium's own player opens an hour as a playlist, and shows the right picture wherever it seeks: at places by chance, and
// around the borders of segments.
func TestPlaylistBrowser(t *testing.T) {
	t.Parallel()
	file := numbered(t, 0)
	e := harness.StartEmulator(t, "--stream", "door="+file+",loop")
	m := harness.StartMount(t, e)
	c := longClipOf(t, m, "door", file, 0)
	c.path = strings.TrimSuffix(c.path, ".mp4") + ".m3u8"
	tab := watch(t, serveFiles(t, m.Path), strings.TrimPrefix(c.path, m.Path))
	last := c.fragments[len(c.fragments)-1].Producer.Sub(c.first).Seconds()
	if length := browser.Eval[float64](t, tab, `document.querySelector('video').duration`); length <= last || length > last+numberedGroup.Seconds()+0.001 {
		t.Errorf("what begins its last fragment after %f s is %f s long", last, length)
	}
	random := rand.New(rand.NewPCG(3, 7))
	var places []time.Duration
	for range 20 {
		places = append(places, time.Duration(random.IntN(3_590_000))*time.Millisecond)
	}
	borders := bordersOf(t, c.path)
	for range 5 {
		border := borders[1+random.IntN(len(borders)-2)]
		for _, off := range []int{-40, 0, 40, 120} {
			places = append(places, border+time.Duration(off)*time.Millisecond)
		}
	}
	for _, at := range places {
		if got, err := seekNumber(t, tab, at, c.number(at)); err != nil || got != c.number(at) {
			t.Errorf("at %s: picture %d, %v; want %d", at, got, err, c.number(at))
		}
	}
	if wrong := tab.Wrong(); len(wrong) > 0 {
		t.Errorf("the page complains: %v", wrong)
	}
}

// seekNumber seeks in numbered footage, and gives the number of the picture that it comes to show.
func seekNumber(t *testing.T, tab *browser.Tab, at time.Duration, want int) (got int, err error) {
	t.Helper()
	seekTab(t, tab, at, func() bool {
		gray, _, _ := tab.Gray(t, `document.querySelector('video')`)
		got, err = readNumber(gray)
		return err == nil && got == want
	})
	return got, err
}

// seekTab seeks, and waits until the right picture is shown, ten seconds at most: on a busy machine Chromium has told that it seeked a moment before it
// shows anything else. Its player fails now and then where it seeks while it reads ("could not parse"), and plays the same when it is loaded again: that
// may be three times.
func seekTab(t *testing.T, tab *browser.Tab, at time.Duration, right func() bool) {
	t.Helper()
	browser.Eval[bool](t, tab, fmt.Sprintf(`new Promise((done, fail) => {
		const v = document.querySelector('video'), end = new AbortController(), seek = () => { v.currentTime = %s + 0.0005; };
		let failed = 0;
		const again = () => {
			if (++failed > 3) return fail(v.error.message);
			v.addEventListener('loadeddata', seek, {once: true, signal: end.signal});
			v.load();
		};
		v.addEventListener('error', again, {signal: end.signal});
		v.addEventListener('seeked', () => { end.abort(); done(true); }, {signal: end.signal});
		if (v.error) again(); else seek();
	})`, inSeconds(at)))
	for deadline := time.Now().Add(10 * time.Second); !right() && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
}
