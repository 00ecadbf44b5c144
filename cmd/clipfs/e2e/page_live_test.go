//go:build e2e

package e2e_test

import (
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/browser"
	"clipfs/cmd/internal/harness"
)

// live is a page that follows a camera for a minute, and writes down each second what its clock says.
type live struct {
	site
	begun time.Time
}

// follow opens it.
func follow(t *testing.T, s site) live {
	t.Helper()
	l := live{site: s.another(t, 400, 600)}
	l.Go(t, s.web.URL+"/front-door/"+time.Now().UTC().Format(time.DateOnly)+"/#live")
	l.agrees(t, "live, at first")
	l.begun = time.Now()
	browser.Eval[bool](t, l.Tab, `(window.seen = [], setInterval(() => {
		seen.length < 60 ? seen.push([Date.now(), document.querySelector('.clock').textContent]) : document.querySelector('video').pause();
	}, 1000), true)`)
	return l
}

// followed checks, a minute later or more, that the page went on with the camera, not far behind, all the while.
func (l live) followed(t *testing.T) {
	t.Helper()
	time.Sleep(time.Until(l.begun.Add(time.Minute)))
	l.agrees(t, "live, at the end")
	seen := browser.Eval[[][2]any](t, l.Tab, `seen`)
	if len(seen) < 30 {
		t.Errorf("%d looks in a minute", len(seen))
	}
	clocks := make(map[string]bool)
	for i, look := range seen {
		ms, _ := look[0].(float64)
		text, _ := look[1].(string)
		clock, err := time.Parse("2006-01-02 15:04:05.000", text)
		behind := time.UnixMilli(int64(ms)).Sub(clock)
		if err != nil || behind < 0 || behind > time.Minute {
			t.Errorf("look %d: the clock says %q, %s behind", i, text, behind)
		}
		clocks[text] = true
	}
	if len(clocks) < len(seen)/2 {
		t.Errorf("in %d looks the clock has shown %d times", len(seen), len(clocks))
	}
	l.check(t)
}

// stills: tiles and the strip show stills, and with --stills off nothing asks for any. A camera whose stills are refused says nothing of it.
func (s site) stills(t *testing.T) {
	refused := s.emulator.Fault(t, "kind=denied,api=GetImages,stream=yard")
	on := s.another(t, 1000, 900)
	on.web = harness.StartWeb(t, s.emulator) // which has no stills yet
	on.Go(t, on.web.URL+"/")
	on.Await(t, on.tile(t, "front-door")+`.querySelector('img')?.naturalWidth > 0`)
	on.Await(t, on.tile(t, "yard")+`.querySelector('.state').textContent.startsWith('seen')`)
	refused.Await(t)
	refused.Remove(t)
	on.day(t, "front-door", "")
	on.hover(t)
	on.Await(t, `(i => !i.hidden && i.naturalWidth > 0)(document.querySelector('.hover img'))`)
	on.check(t)
	if log := on.web.Log(); !strings.Contains(log, ".jpg status=200") {
		t.Errorf("no still was asked for: %s", log)
	}
	off := s.another(t, 1000, 900)
	off.web = harness.StartWeb(t, s.emulator, "--stills", "off")
	off.Go(t, off.web.URL+"/")
	off.Await(t, `document.querySelector('.state').textContent.trim()`)
	off.day(t, "front-door", "")
	off.hover(t)
	off.Await(t, `!document.querySelector('.hover').hidden`)
	time.Sleep(300 * time.Millisecond) // longer than the page waits before it asks
	off.check(t)
	if log := off.web.Log(); strings.Contains(log, ".jpg") {
		t.Errorf("stills were asked for: %s", log)
	}
}

// hover moves the pointer over the middle of the strip.
func (s site) hover(t *testing.T) {
	t.Helper()
	on := s.strip(t)
	s.MoveTo(t, on.left+on.width/2, on.top+on.height/2)
}
