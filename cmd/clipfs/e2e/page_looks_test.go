//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"clipfs/cmd/internal/browser"
)

// screenshotsVariable names a directory that keeps the pictures of pages.
const screenshotsVariable = "E2E_SCREENSHOTS"

// looks: the views at two widths, light and dark. The pictures are kept where E2E_SCREENSHOTS says. No page is wider than its window, none
// moves what it shows while it loads, and none has anything that keeps people from using it, as far as axe-core sees.
func (s site) looks(t *testing.T) {
	look := s.another(t, 1280, 1000)
	look.Before(t, `window.shift = 0; new PerformanceObserver(l => { for (const e of l.getEntries()) if (!e.hadRecentInput) window.shift += e.value }).observe({type: 'layout-shift', buffered: true})`)
	day := "/front-door/" + s.yesterday.Format(time.DateOnly)
	for _, view := range []struct{ name, path string }{
		{"cameras", "/"}, {"camera", "/front-door/"}, {"files", day + "T20/"}, {"clips", day + "T20/" + s.evening().Format("2006-01-02T15:04") + "/"},
		{"marked", day + "/#with=gaps&zoom=3600&t=" + s.evening().Format(time.RFC3339)}, {"day", day + "/"},
	} {
		for _, width := range []int64{1280, 390} {
			look.Look(t, width, 900, "light")
			look.Go(t, "about:blank")
			look.Go(t, s.web.URL+view.path)
			look.loaded(t, view.name)
			what := fmt.Sprintf("%s at %d", view.name, width)
			if over := browser.Eval[int](t, look.Tab, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
				t.Errorf("%s is %d pixels too wide", what, over)
			}
			if shift := browser.Eval[float64](t, look.Tab, `window.shift`); shift > 0 && view.name != "marked" { // which two are shown is known late
				t.Errorf("%s moves by %v", what, shift)
			}
			if weight := look.weight(t); weight > 100_000 {
				t.Errorf("%s has %d bytes", what, weight)
			}
			for _, scheme := range []string{"light", "dark"} {
				look.Look(t, width, 900, scheme)
				look.seen(t, view.name, width, scheme)
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

// seen looks at what a page shows.
func (s site) seen(t *testing.T, name string, width int64, scheme string) {
	t.Helper()
	if dir := os.Getenv(screenshotsVariable); dir != "" {
		s.Screenshot(t, filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, width, scheme)))
	}
	for _, barrier := range s.Barriers(t) {
		t.Errorf("%s at %d, %s: %s", name, width, scheme, barrier)
	}
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
	case "marked":
		s.Await(t, `location.hash.includes('with=gaps')`)
		s.shown(t)
		s.Do(t, chromedp.KeyEvent("["), chromedp.KeyEvent("\u0303"))
		s.shown(t)
		s.Do(t, chromedp.KeyEvent("]"))
		s.Await(t, `!document.querySelector('.made').hidden`)
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
