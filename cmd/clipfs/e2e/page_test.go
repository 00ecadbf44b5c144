//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/producer"
	"clipfs/cmd/internal/browser"
	"clipfs/cmd/internal/harness"
)

// site is a server of cameras, and a page of it: front-door and yard record on, gaps has what a day may have and is silent by now, ahead
// has a clock that is five hours ahead, and h265 and law have what browsers do not play.
type site struct {
	*browser.Tab
	web       *harness.Web
	emulator  *harness.Emulator
	yesterday time.Time
}

// evening is when gaps records, yesterday.
func (s site) evening() time.Time { return s.yesterday.Add(20 * time.Hour) }

// startSite starts it.
func startSite(t *testing.T) site {
	t.Helper()
	coded := []string{"-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10:duration=10", "-f", "lavfi", "-i", "sine=sample_rate=8000:duration=10", "-c:a", "pcm_mulaw"}
	law := harness.FFmpeg(t, "law.mkv", append(coded, "-c:v", "libx264", "-preset", "ultrafast", "-g", "20")...)
	h265 := harness.FFmpeg(t, "h265.mp4", "-i", law, "-an", "-c:v", "libx265", "-tag:v", "hvc1", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=20")
	e := harness.StartEmulator(t, "--stream", "front-door=testcard", "--stream", "yard=testcard", "--stream", "law="+law+",loop", "--stream", "h265="+h265+",loop",
		"--retention", "72h", "--quota", "off")
	createStreams(t, e, 72, "gaps", "ahead", "denied")
	s := site{Tab: browser.Open(t, 1000, 800), emulator: e, yesterday: time.Now().UTC().Truncate(24 * time.Hour).Add(-24 * time.Hour)}
	for _, run := range [][2]time.Duration{{-5 * time.Minute, 4 * time.Minute}, {0, 5 * time.Minute}, {7*time.Minute + 600*time.Millisecond, 90 * time.Second}} {
		put(t, e, "gaps", s.evening().Add(run[0]), run[1])
	}
	s.putCoded(t, 9*time.Minute, time.Minute, "-c:v", "libx264", "-preset", "ultrafast", "-vf", "scale=160:90")
	s.putCoded(t, 11*time.Minute, 20*time.Second, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=20:scenecut=0")
	put(t, e, "gaps", s.evening().Add(12*time.Minute), time.Minute)
	put(t, e, "ahead", time.Now().UTC().Truncate(2*time.Second).Add(5*time.Hour+30*time.Minute), 10*time.Second)
	s.web = harness.StartWeb(t, e)
	return s
}

// putCoded has gaps record the test card, coded by ffmpeg.
func (s site) putCoded(t *testing.T, after, length time.Duration, coding ...string) {
	t.Helper()
	from := s.evening().Add(after)
	card := filepath.Join(t.TempDir(), "card.mkv")
	f, err := os.Create(card)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(producer.WriteTestCard(f, from, from.Add(length)), f.Close()); err != nil {
		t.Fatal(err)
	}
	file := harness.FFmpeg(t, "coded.mkv", append(append([]string{"-i", card, "-an", "-g", "20", "-keyint_min", "20"}, coding...), "-sc_threshold", "0")...)
	spec, err := footage.ParseSpec("gaps=" + file + "@" + from.Format(time.RFC3339))
	if err != nil {
		t.Fatal(err)
	}
	source, err := spec.Open(t.Context(), from.Add(length))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := producer.PutSource(t.Context(), s.emulator.Endpoint, "gaps", source, from, from.Add(length), false, producer.Options{}); err != nil {
		t.Fatal(err)
	}
}

// another is another page of the site.
func (s site) another(t *testing.T, width, height int) site {
	t.Helper()
	s.Tab = s.Another(t, width, height)
	return s
}

// day is the page of yesterday of a camera, where it has come to show something.
func (s site) day(t *testing.T, camera, hash string) {
	t.Helper()
	s.open(t, camera, hash)
	s.shown(t)
}

// open opens the page of yesterday of a camera.
func (s site) open(t *testing.T, camera, hash string) {
	t.Helper()
	s.Go(t, "about:blank")
	s.Go(t, s.web.URL+"/"+camera+"/"+s.yesterday.Format(time.DateOnly)+"/"+hash)
	s.Await(t, `document.querySelector('video')`)
}

// shown waits until the video shows where it was sent to, and gives the second that it shows and what the clock says.
func (s site) shown(t *testing.T) (second int, clock string) {
	t.Helper()
	return s.Shown(t, `document.querySelector('video')`, `document.querySelector('.clock')`)
}

// agrees checks that the picture shows the second that the clock says, and gives what the clock says.
func (s site) agrees(t *testing.T, what string) time.Time {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		second, clock := s.shown(t)
		at, err := time.Parse("2006-01-02 15:04:05.000", clock)
		if err != nil {
			t.Fatalf("%s: the clock says %q", what, clock)
		}
		if second == at.Second() {
			return at
		}
		if time.Now().After(deadline) {
			t.Errorf("%s: the picture shows second %d, the clock %s", what, second, clock)
			return at
		}
	}
}

// strip is where the strip of a day's page is.
type strip struct{ left, top, width, height float64 }

func (s site) strip(t *testing.T) strip {
	t.Helper()
	box := browser.Eval[[]float64](t, s.Tab, `(r => [r.left, r.top, r.width, r.height])(document.querySelector('.strip').getBoundingClientRect())`)
	return strip{box[0], box[1], box[2], box[3]}
}

// click clicks on the strip at a share of its width.
func (s site) click(t *testing.T, on strip, share float64) {
	t.Helper()
	s.Do(t, chromedp.MouseClickXY(on.left+on.width*share, on.top+on.height/2))
}

// press clicks on an element.
func (s site) press(t *testing.T, selector string) {
	t.Helper()
	box := browser.Eval[[]float64](t, s.Tab, fmt.Sprintf(`(e => { e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]; })(document.querySelector(%q))`, selector))
	s.Do(t, chromedp.MouseClickXY(box[0], box[1]))
}

// choose chooses an option.
func (s site) choose(t *testing.T, selector, value string) {
	t.Helper()
	browser.Eval[bool](t, s.Tab, fmt.Sprintf(`(z => { z.value = %q; z.dispatchEvent(new Event('change')); return true })(document.querySelector(%q))`, value, selector))
}

// check makes sure that nothing went wrong in the page, and that nobody else was asked for anything.
func (s site) check(t *testing.T) {
	t.Helper()
	if wrong := s.Wrong(); len(wrong) > 0 {
		t.Errorf("the console has %s", strings.Join(wrong, "\n"))
	}
	if hosts := s.Hosts(); len(hosts) != 1 || hosts[0] != strings.TrimPrefix(s.web.URL, "http://") {
		t.Errorf("asked %v, want %s alone", hosts, s.web.URL)
	}
}

// TestPage looks at the pages in one browser, each way one after the other, while another page of it follows a camera for as long as that
// takes, and for a minute at least.
func TestPage(t *testing.T) {
	t.Parallel()
	const takes, begins = 5 * time.Minute, 10 * time.Second
	if left := time.Until(time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)); left < takes || left > 24*time.Hour-begins {
		time.Sleep((left + begins) % (24 * time.Hour)) // the page of today is followed on the day on which it was opened, which has something to show by then
	}
	s := startSite(t)
	live := follow(t, s)
	for _, way := range []struct {
		name string
		look func(*testing.T)
	}{
		{"cameras", s.cameras}, {"day", s.marked}, {"keys", s.keys}, {"seeks", s.seeks}, {"codecs", s.codecs}, {"stills", s.stills}, {"today", s.today},
		{"without HLS", s.withoutHLS}, {"without script", s.withoutScript}, {"looks", s.looks},
	} {
		t.Run(way.name, func(t *testing.T) {
			way.look(t)
			s.check(t)
		})
	}
	live.followed(t)
}

// tile waits until a camera has a tile, and gives an expression for it that brings it into view: those out of view show nothing.
func (s site) tile(t *testing.T, camera string) string {
	t.Helper()
	found := fmt.Sprintf(`[...document.querySelectorAll('.tile')].find(t => t.querySelector('.name').textContent === %q)`, camera)
	s.Await(t, `!!`+found)
	return `(t => (t.scrollIntoView(), t))(` + found + `)`
}

// cameras: the tiles say what is wrong, and a camera's page has its days.
func (s site) cameras(t *testing.T) {
	denied := s.emulator.Fault(t, "kind=denied,api=ListFragments,stream=denied")
	s.Go(t, s.web.URL+"/")
	for camera, says := range map[string]string{
		"front-door": "seen ", "gaps": "silent for ", "ahead": "clock off by +5 hours", "yard": "seen ", "denied": "no permission: ",
	} {
		s.Await(t, s.tile(t, camera)+fmt.Sprintf(`.querySelector('.state').textContent.startsWith(%q)`, says))
	}
	denied.Remove(t)
	s.Go(t, s.web.URL+"/gaps/")
	if n := browser.Eval[int](t, s.Tab, `document.querySelectorAll('.month a').length`); n != 1 {
		t.Errorf("the calendar has %d days, want 1", n)
	}
}

// marked: a click on the strip leads to its time, and what is marked can be saved, and its path copied.
func (s site) marked(t *testing.T) {
	s.day(t, "front-door", "")
	s.agrees(t, "at first")
	s.click(t, s.strip(t), 20.0/24)
	if at := s.agrees(t, "after a click at 20:00"); at.Sub(s.evening()).Abs() > 2*time.Minute {
		t.Errorf("a click at 20:00 leads to %v", at)
	}
	s.goTo(t, "20:00:00")
	if at := s.agrees(t, "gone to 20:00:00"); !at.Equal(s.evening()) {
		t.Errorf("20:00:00 leads to %v", at)
	}
	s.Do(t, chromedp.KeyEvent("["))
	for range 3 {
		s.key(t, "\u0303") // right
	}
	s.Do(t, chromedp.KeyEvent("]"))
	s.Await(t, `!document.querySelector('.made').hidden`)
	path := fmt.Sprintf("front-door/%s/15s", s.evening().Format("20060102T150405.000Z"))
	for selector, form := range map[string]string{".save": ".mp4", ".save-cover": ".cover.mp4"} {
		got := browser.Eval[string](t, s.Tab, fmt.Sprintf(`document.querySelector(%q).href`, selector))
		if got != s.web.URL+"/"+path+form {
			t.Errorf("the link is %s, want %s", got, path+form)
		}
		if answer, body := fetch(t, http.DefaultClient, got); answer.StatusCode != http.StatusOK || len(body) < 10_000 {
			t.Errorf("the file of what was marked: %d with %d bytes", answer.StatusCode, len(body))
		}
	}
	s.press(t, ".copy")
	s.Await(t, `document.querySelector('.marked').textContent === 'copied'`)
	browser.Eval[bool](t, s.Tab, `(() => { const e = document.createElement('textarea'); e.className = 'pasted'; document.body.append(e); e.focus(); return true })()`)
	s.Paste(t)
	want := fmt.Sprintf("%[1]s.mp4\nffmpeg -i \"$MOUNT/%[1]s.mp4\" -c copy \"%[2]s.mp4\"\n", path, strings.ReplaceAll(path, "/", "-"))
	if got := browser.Eval[string](t, s.Tab, `document.querySelector('.pasted').value`); got != want {
		t.Errorf("on the clipboard is %q, want %q", got, want)
	}
	browser.Eval[bool](t, s.Tab, `(document.querySelector('.pasted').remove(), document.querySelector('.strip').focus(), true)`)
	s.besides(t)
}

// besides shows another camera beside the first.
func (s site) besides(t *testing.T) {
	t.Helper()
	s.Await(t, `[...document.querySelectorAll('.beside option')].some(o => o.value === 'yard')`)
	s.choose(t, ".beside", "yard")
	s.Await(t, `(v => v.length === 2 && v[1].readyState >= 2 && !v[1].seeking)([...document.querySelectorAll('video')])`)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) { // the other one seeks once it is there
		one, two := s.Second(t, `document.querySelectorAll('video')[0]`), s.Second(t, `document.querySelectorAll('video')[1]`)
		if one == two && one >= 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("side by side they show second %d and %d", one, two)
			break
		}
	}
	s.Await(t, `location.hash.includes('with=yard')`)
}

// seeks: a hundred places over gaps, another size of the pictures and another codec show the second that the clock says.
func (s site) seeks(t *testing.T) {
	middle := s.evening().Add(4 * time.Minute)
	s.day(t, "gaps", fmt.Sprintf("#t=%s&zoom=1200", middle.Format(time.RFC3339)))
	if at := s.agrees(t, "where the link leads"); !at.Equal(middle) {
		t.Errorf("the link leads to %v, want %v", at, middle)
	}
	on := s.strip(t)
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a sequence that is the same each time
	places := make(map[time.Time]bool)
	sized := 0
	for i := range 100 {
		s.click(t, on, random.Float64())
		at := s.agrees(t, fmt.Sprintf("click %d", i))
		places[at.Truncate(time.Second)] = true
		if after := at.Sub(s.evening()); after >= 9*time.Minute && after < 10*time.Minute {
			sized++
		} else if after >= 11*time.Minute && after < 12*time.Minute {
			t.Errorf("click %d leads to %v, where there is nothing but H.265", i, at)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	if len(places) < 50 || sized < 2 {
		t.Errorf("a hundred clicks led to %d places, %d of them with pictures of another size", len(places), sized)
	}
	s.Await(t, `document.querySelector('.notes').textContent.includes('H.265 is left out')`)
}

// codecs: what a browser does not play is said, with a link to a file that has it.
func (s site) codecs(t *testing.T) {
	s.open(t, "h265", "")
	s.Await(t, `document.querySelector('.said').textContent.startsWith('This browser does not show the pictures of this camera (H.265')`)
	s.leadsToFile(t, ".said a")
	s.day(t, "law", "")
	s.Await(t, `document.querySelector('.notes').textContent.includes('No browser plays the sound of this camera (G.711 µ-law)')`)
	s.leadsToFile(t, ".notes a")
}

// leadsToFile follows a link to an MP4.
func (s site) leadsToFile(t *testing.T, selector string) {
	t.Helper()
	link := browser.Eval[string](t, s.Tab, fmt.Sprintf(`document.querySelector(%q).href`, selector))
	if answer, body := fetch(t, http.DefaultClient, link); answer.Header.Get("Content-Type") != "video/mp4" || len(body) < 1000 {
		t.Errorf("%s leads to %s: %s with %d bytes", selector, link, answer.Status, len(body))
	}
}

// withoutHLS: a browser that plays no playlists shows the same seconds from MP4 files.
func (s site) withoutHLS(t *testing.T) {
	other := s.another(t, 1000, 900)
	other.Before(t, `HTMLMediaElement.prototype.canPlayType = () => ''`)
	other.day(t, "gaps", fmt.Sprintf("#t=%s&zoom=600", s.evening().Add(2*time.Minute).Format(time.RFC3339)))
	on := other.strip(t)
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // a sequence that is the same each time
	places := make(map[time.Time]bool)
	for i := range 10 {
		other.click(t, on, random.Float64())
		places[other.agrees(t, fmt.Sprintf("click %d", i)).Truncate(time.Second)] = true
	}
	if len(places) < 5 {
		t.Errorf("ten clicks led to %d places", len(places))
	}
	if source := browser.Eval[string](t, other.Tab, `document.querySelector('video').src`); !strings.HasSuffix(source, "/10m.mp4") {
		t.Errorf("it plays %s", source)
	}
	other.check(t)
}
