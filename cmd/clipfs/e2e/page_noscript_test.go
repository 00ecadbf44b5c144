//go:build e2e

package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"clipfs/cmd/internal/browser"
)

// withoutScript: a browser that runs no scripts comes by links from the cameras to a clip. Pages say what needs scripts, and show nothing
// that does.
func (s site) withoutScript(t *testing.T) {
	off := s.another(t, 400, 800)
	off.NoScript(t)
	off.Go(t, s.web.URL+"/")
	day := s.yesterday.Format(time.DateOnly)
	at := "/front-door/"
	for _, step := range []struct{ path, link, says string }{
		{"/", "./front-door/", "are shown with JavaScript only"}, {at, "./" + day + "/", "Days that have footage are marked"},
		{at + day + "/", "./" + day + "T20/", "The player needs JavaScript"}, {at + day + "/" + day + "T20/", "./" + day + "T20:00/", "Any length"},
		{at + day + "/" + day + "T20/" + day + "T20:00/", "", "Any length"},
	} {
		off.Await(t, fmt.Sprintf(`document.readyState === 'complete' && location.pathname === %q`, step.path))
		if !browser.Eval[bool](t, off.Tab, fmt.Sprintf(`document.body.innerText.includes(%q)`, step.says)) {
			t.Errorf("%s does not say %q: %s", step.path, step.says, browser.Eval[string](t, off.Tab, `document.body.innerText`))
		}
		shown := browser.Eval[[]string](t, off.Tab, `[...document.querySelectorAll('.script, button, video, select, input, [href*="#"]')].
			filter(e => e.checkVisibility()).map(e => e.outerHTML)`)
		if len(shown) > 0 {
			t.Errorf("%s shows what needs scripts: %q", step.path, shown)
		}
		if step.link != "" {
			off.press(t, fmt.Sprintf("main a[href=%q]", step.link))
		}
	}
	off.leadsToFile(t, `main a[href="./1m.mp4"]`)
	if browser.Eval[bool](t, off.Tab, `document.documentElement.scrollWidth > innerWidth`) {
		t.Error("the page is too wide")
	}
	off.check(t)
}
