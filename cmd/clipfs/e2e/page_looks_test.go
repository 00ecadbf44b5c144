//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"clipfs/cmd/internal/browser"
)

// screenshotsVariable names a directory that keeps the pictures of pages.
const screenshotsVariable = "E2E_SCREENSHOTS"

// looks: the views at two widths, light and dark. The pictures are kept where E2E_SCREENSHOTS says. No page is wider than its window, none
// moves what it shows while it loads, and none has anything that keeps people from using it, as far as axe-core sees. That takes most of
// the time: it looks at each view at both widths, light at one of them and dark at the other.
func (s site) looks(t *testing.T) {
	denied := s.emulator.Fault(t, "kind=denied,api=ListFragments,stream=denied") // what is wrong with a camera takes many words
	defer denied.Remove(t)
	look := s.another(t, 1280, 1000)
	look.Before(t, `window.moved = []; new PerformanceObserver(l => { for (const e of l.getEntries()) if (!e.hadRecentInput)
		window.moved.push(e.value + ': ' + e.sources.map(s => (s.node?.outerHTML ?? s.node?.textContent ?? '').slice(0, 80))) }).observe({type: 'layout-shift', buffered: true})`)
	day := "/front-door/" + s.yesterday.Format(time.DateOnly)
	for i, view := range []struct{ name, path string }{
		{"cameras", "/"}, {"camera", "/front-door/"}, {"files", day + "T20/"}, {"clips", day + "T20/" + s.evening().Format("2006-01-02T15:04") + "/"},
		{"two", "/gaps/" + s.yesterday.Format(time.DateOnly) + "/#with=front-door&zoom=3600&t=" + s.evening().Format(time.RFC3339)}, {"day", day + "/"},
	} {
		for j, width := range []int64{1280, 390} {
			schemes := []string{"light", "dark"}
			if (i+j)%2 == 1 {
				slices.Reverse(schemes)
			}
			look.Look(t, width, 900, schemes[0])
			look.Go(t, "about:blank")
			look.Go(t, s.web.URL+view.path)
			look.loaded(t, view.name)
			what := fmt.Sprintf("%s at %d", view.name, width)
			if over := browser.Eval[int](t, look.Tab, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
				t.Errorf("%s is %d pixels too wide", what, over)
			}
			if moved := browser.Eval[[]string](t, look.Tab, `window.moved`); len(moved) > 0 {
				t.Errorf("%s moves %q", what, moved)
			}
			if weight := look.weight(t); weight > 100_000 {
				t.Errorf("%s has %d bytes", what, weight)
			}
			if view.name == "two" {
				look.mark(t)
			}
			for _, barrier := range look.Barriers(t) {
				t.Errorf("%s, %s: %s", what, schemes[0], barrier)
			}
			for _, scheme := range schemes {
				look.Look(t, width, 900, scheme)
				look.keep(t, fmt.Sprintf("%s-%d-%s.png", view.name, width, scheme))
			}
		}
	}
	look.check(t)
	browser.Eval[bool](t, look.Tab, `(document.querySelector('.play').removeAttribute('aria-label'), document.querySelector('.how').style.color = '#333', true)`)
	found := strings.Join(look.Barriers(t), "\n")
	if !strings.Contains(found, "button-name") || !strings.Contains(found, "color-contrast") {
		t.Errorf("in a page that was broken on purpose axe-core finds %q", found)
	}
}

// keep keeps a picture of the page, if pictures are kept.
func (s site) keep(t *testing.T, file string) {
	t.Helper()
	if dir := os.Getenv(screenshotsVariable); dir != "" {
		s.Screenshot(t, filepath.Join(dir, file))
	}
}

// mark marks five seconds.
func (s site) mark(t *testing.T) {
	t.Helper()
	s.Do(t, chromedp.KeyEvent("["), chromedp.KeyEvent("\u0303"))
	s.shown(t)
	s.Do(t, chromedp.KeyEvent("]"))
	s.Await(t, `!document.querySelector('.made').hidden`)
}

// loaded waits until a view shows all that it comes to show.
func (s site) loaded(t *testing.T, name string) {
	t.Helper()
	switch name {
	case "cameras":
		s.Await(t, `[...document.querySelectorAll('.tile')].every(t => t.getBoundingClientRect().top > innerHeight || t.querySelector('.state').textContent.trim() &&
			(t.querySelector('img') || !['ahead', 'front-door', 'gaps'].includes(t.querySelector('.name').textContent)))`)
	case "camera":
		s.Await(t, `document.querySelector('.state').textContent.startsWith('From')`)
	case "two":
		s.shown(t)
		s.Await(t, `(v => v.length === 2 && v[1].readyState >= 2 && !v[1].seeking)([...document.querySelectorAll('video')])`)
		s.Await(t, `document.querySelector('.notes').textContent`)
	case "day":
		s.shown(t)
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
