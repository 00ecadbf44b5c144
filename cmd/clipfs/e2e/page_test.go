//go:build e2e

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"clipfs/cmd/internal/browser"
	"clipfs/cmd/internal/harness"
)

// screenshotsVariable names a directory that keeps the pictures of pages.
const screenshotsVariable = "E2E_SCREENSHOTS"

// site is a server of three cameras: one that records on, one beside it, and one that has gaps and is silent by now.
type site struct {
	*browser.Tab
	web       *harness.Web
	emulator  *harness.Emulator
	yesterday time.Time
}

// startSite starts it, with flags for the server.
func startSite(t *testing.T, width, height int, args ...string) site {
	t.Helper()
	e := harness.StartEmulator(t, "--stream", "front-door=testcard", "--stream", "yard=testcard", "--retention", "72h", "--quota", "off")
	createStreams(t, e, 72, "gaps")
	s := site{Tab: browser.Open(t, width, height), yesterday: time.Now().UTC().Truncate(24 * time.Hour).Add(-24 * time.Hour)}
	evening := s.yesterday.Add(20 * time.Hour)
	for _, run := range [][2]time.Duration{{-5 * time.Minute, 4 * time.Minute}, {0, 5 * time.Minute}, {7*time.Minute + 600*time.Millisecond, 90 * time.Second}} {
		put(t, e, "gaps", evening.Add(run[0]), run[1])
	}
	s.web, s.emulator = harness.StartWeb(t, e, args...), e
	return s
}

// day is the page of yesterday of a camera, where it has come to show something.
func (s site) day(t *testing.T, camera, hash string) {
	t.Helper()
	s.Go(t, "about:blank")
	s.Go(t, s.web.URL+"/"+camera+"/"+s.yesterday.Format(time.DateOnly)+"/"+hash)
	s.settled(t)
}

// settled waits until the video shows where it was sent to, and the clock says when that was.
func (s site) settled(t *testing.T) {
	t.Helper()
	s.Await(t, `(v => v.readyState >= 2 && !v.seeking)(document.querySelector('video'))`)
	s.Await(t, `document.querySelector('.clock').classList.contains('shown')`)
}

// agrees checks that the picture shows the second that the clock says, and gives what the clock says.
func (s site) agrees(t *testing.T, what string) time.Time {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) { // the clock may be a picture behind
		second, text := s.SecondBeside(t, `document.querySelector('video')`, `document.querySelector('.clock').textContent`)
		at, err := time.Parse("2006-01-02 15:04:05.000", text)
		if err != nil {
			t.Fatalf("%s: the clock says %q", what, text)
		}
		if second == at.Second() {
			return at
		}
		if time.Now().After(deadline) {
			t.Errorf("%s: the picture shows second %d, the clock %s", what, second, text)
			return at
		}
	}
}

// click clicks on the strip at a share of its width.
func (s site) click(t *testing.T, share float64) {
	t.Helper()
	box := browser.Eval[[]float64](t, s.Tab, `(r => [r.left, r.top, r.width, r.height])(document.querySelector('.strip').getBoundingClientRect())`)
	s.Do(t, chromedp.MouseClickXY(box[0]+box[2]*share, box[1]+box[3]/2))
	s.settled(t)
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

// TestPage: cameras, days and a day can be looked at, and each place of the timeline shows the second that it says.
func TestPage(t *testing.T) {
	t.Parallel()
	s := startSite(t, 1280, 1000)
	s.Go(t, s.web.URL+"/")
	for camera, says := range map[string]string{"front-door": "seen", "yard": "seen", "gaps": "silent for"} {
		s.Await(t, fmt.Sprintf(`[...document.querySelectorAll('.tile')].some(t => t.textContent.includes(%q) && t.querySelector('.state').textContent.startsWith(%q))`, camera, says))
	}
	s.Go(t, s.web.URL+"/gaps/")
	if n := browser.Eval[int](t, s.Tab, `document.querySelectorAll('.month a').length`); n != 1 {
		t.Errorf("the calendar has %d days, want 1", n)
	}
	s.day(t, "front-door", "")
	s.agrees(t, "at first")
	s.click(t, 20.0/24)
	if at := s.agrees(t, "after a click at 20:00"); at.Sub(s.yesterday.Add(20*time.Hour)).Abs() > 2*time.Minute {
		t.Errorf("a click at 20:00 leads to %v", at)
	}
	browser.Eval[bool](t, s.Tab, `(f => { f.querySelector('input').value = '20:00:00'; f.requestSubmit(); return true })(document.querySelector('.goto'))`)
	s.settled(t)
	if at := s.agrees(t, "gone to 20:00:00"); !at.Equal(s.yesterday.Add(20 * time.Hour)) {
		t.Errorf("20:00:00 leads to %v", at)
	}
	s.marks(t)
	s.besides(t)
	s.check(t)
}

// marks saves what is marked.
func (s site) marks(t *testing.T) {
	t.Helper()
	s.Do(t, chromedp.KeyEvent("["))
	for range 3 {
		s.Do(t, chromedp.KeyEvent("\u0303")) // right
		s.settled(t)
	}
	at := s.agrees(t, "fifteen seconds later")
	s.Do(t, chromedp.KeyEvent("]"))
	s.Await(t, `!document.querySelector('.made').hidden`)
	start := s.yesterday.Add(20 * time.Hour)
	want := fmt.Sprintf("/front-door/%s/%ds.mp4", start.Format("20060102T150405.000Z"), int(at.Sub(start).Seconds()))
	got := browser.Eval[string](t, s.Tab, `document.querySelector('.save').href`)
	if got != s.web.URL+want || at.Sub(start) != 15*time.Second {
		t.Errorf("the link is %s, want %s; marked to %v", got, want, at)
	}
	answer, body := fetch(t, http.DefaultClient, got)
	if answer.StatusCode != http.StatusOK || len(body) < 10_000 {
		t.Errorf("the file of what was marked: %d with %d bytes", answer.StatusCode, len(body))
	}
}

// besides shows another camera beside the first.
func (s site) besides(t *testing.T) {
	t.Helper()
	s.Await(t, `[...document.querySelectorAll('.beside option')].some(o => o.value === 'yard')`)
	browser.Eval[bool](t, s.Tab, `(b => { b.value = 'yard'; b.dispatchEvent(new Event('change')); return true })(document.querySelector('.beside'))`)
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

// TestPageSeeks: a hundred places over gaps show the second that the clock says, at any zoom.
func TestPageSeeks(t *testing.T) {
	t.Parallel()
	s := startSite(t, 1000, 900)
	evening := s.yesterday.Add(20 * time.Hour)
	s.day(t, "gaps", fmt.Sprintf("#t=%s&zoom=1200", evening.Format(time.RFC3339)))
	if at := s.agrees(t, "where the link leads"); !at.Equal(evening) {
		t.Errorf("the link leads to %v, want %v", at, evening)
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a sequence that is the same each time
	places := make(map[time.Time]bool)
	for i := range 100 {
		s.click(t, random.Float64())
		places[s.agrees(t, fmt.Sprintf("click %d", i)).Truncate(time.Second)] = true
		if t.Failed() {
			t.FailNow()
		}
	}
	if len(places) < 50 {
		t.Errorf("a hundred clicks led to %d places", len(places))
	}
	s.check(t)
}

// TestPageWithoutHLS: a browser that plays no playlists shows the same seconds from MP4 files.
func TestPageWithoutHLS(t *testing.T) {
	t.Parallel()
	s := startSite(t, 1000, 900)
	s.Before(t, `HTMLMediaElement.prototype.canPlayType = () => ''`)
	evening := s.yesterday.Add(20 * time.Hour)
	s.day(t, "gaps", fmt.Sprintf("#t=%s&zoom=1200", evening.Format(time.RFC3339)))
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // a sequence that is the same each time
	places := make(map[time.Time]bool)
	for i := range 10 {
		s.click(t, random.Float64())
		places[s.agrees(t, fmt.Sprintf("click %d", i)).Truncate(time.Second)] = true
	}
	if len(places) < 5 {
		t.Errorf("ten clicks led to %d places", len(places))
	}
	if source := browser.Eval[string](t, s.Tab, `document.querySelector('video').src`); !strings.HasSuffix(source, "/10m.mp4") {
		t.Errorf("it plays %s", source)
	}
	s.check(t)
}

// TestPageLooks: the views at two widths, light and dark. The pictures are kept where E2E_SCREENSHOTS says. No page is wider than
// its window, none moves what it shows while it loads, and none has anything that keeps people from using it, as far as axe-core sees.
func TestPageLooks(t *testing.T) {
	t.Parallel()
	s := startSite(t, 1280, 1000)
	dir := os.Getenv(screenshotsVariable)
	if dir == "" {
		dir = t.TempDir()
	}
	s.Before(t, `window.shift = 0; new PerformanceObserver(l => { for (const e of l.getEntries()) if (!e.hadRecentInput) window.shift += e.value }).observe({type: 'layout-shift', buffered: true})`)
	day := "/front-door/" + s.yesterday.Format(time.DateOnly)
	for name, path := range map[string]string{
		"cameras": "/", "camera": "/front-door/", "day": day + "/", "files": day + "T20/",
		"marked": day + "/#with=gaps&zoom=3600&t=" + s.yesterday.Add(20*time.Hour).Format(time.RFC3339),
	} {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{1280, 390} {
				s.Look(t, width, 900, scheme)
				s.Go(t, "about:blank")
				s.Go(t, s.web.URL+path)
				s.loaded(t, name)
				what := fmt.Sprintf("%s at %d, %s", name, width, scheme)
				if over := browser.Eval[int](t, s.Tab, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
					t.Errorf("%s is %d pixels too wide", what, over)
				}
				if shift := browser.Eval[float64](t, s.Tab, `window.shift`); shift > 0.001 && name != "marked" { // which two are shown is known late
					t.Errorf("%s moves by %v", what, shift)
				}
				s.Screenshot(t, filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, width, scheme)))
				for _, barrier := range s.Barriers(t) {
					t.Errorf("%s: %s", what, barrier)
				}
				if weight := s.weight(t); weight > 100<<10 {
					t.Errorf("%s has %d bytes", what, weight)
				}
			}
		}
	}
	s.check(t)
}

// loaded waits until a view shows all that it comes to show.
func (s site) loaded(t *testing.T, name string) {
	t.Helper()
	switch name {
	case "cameras":
		s.Await(t, `[...document.querySelectorAll('.tile')].every(t => t.querySelector('img') && t.querySelector('.state').textContent.trim())`)
	case "camera":
		s.Await(t, `document.querySelector('.state').textContent.startsWith('From')`)
	case "marked":
		s.Await(t, `location.hash.includes('with=gaps')`)
		s.settled(t)
		s.Do(t, chromedp.KeyEvent("["), chromedp.KeyEvent("\u0303"))
		s.settled(t)
		s.Do(t, chromedp.KeyEvent("]"))
		s.Await(t, `!document.querySelector('.made').hidden`)
	case "day":
		s.settled(t)
		s.Await(t, `document.querySelector('.after').href`)
	}
	s.Await(t, `document.readyState === 'complete'`)
	time.Sleep(200 * time.Millisecond) // what comes late is what moves things
}

// weight is how many bytes a page takes, but for pictures: itself, what it loads, and what it asks of the server.
func (s site) weight(t *testing.T) int {
	t.Helper()
	return browser.Eval[int](t, s.Tab, `[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].
		filter(e => !['video', 'img'].includes(e.initiatorType)).reduce((sum, e) => sum + e.encodedBodySize, 0)`)
}
