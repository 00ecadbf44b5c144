//go:build e2e

package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/browser"
)

// TestPageLive: a page that follows a camera says for half a minute which second it shows, and is not far behind.
func TestPageLive(t *testing.T) {
	t.Parallel()
	s := startSite(t, 600, 700)
	s.Go(t, s.web.URL+"/front-door/"+time.Now().UTC().Format(time.DateOnly)+"/#live")
	s.settled(t)
	begun, first := time.Now(), s.agrees(t, "at first")
	for {
		at := s.agrees(t, "live")
		if behind := time.Since(at); behind < 0 || behind > time.Minute {
			t.Fatalf("it shows %s, %s behind", at, behind)
		}
		if passed := time.Since(begun); passed > 30*time.Second {
			if gone := at.Sub(first); gone < passed-10*time.Second || gone > passed+10*time.Second {
				t.Errorf("in %s it goes on by %s", passed, gone)
			}
			break
		}
		time.Sleep(time.Second)
	}
	s.check(t)
}

// TestPageStills: tiles and the strip show stills, and with --stills off nothing asks for any. A camera whose stills are refused says
// nothing of it. A camera that may not be looked at says why.
func TestPageStills(t *testing.T) {
	t.Parallel()
	s := startSite(t, 1000, 900)
	refused := s.emulator.Fault(t, "kind=denied,api=GetImages,stream=yard")
	denied := s.emulator.Fault(t, "kind=denied,api=ListFragments,stream=gaps")
	s.Go(t, s.web.URL+"/")
	tile := func(name string) string {
		return fmt.Sprintf(`[...document.querySelectorAll('.tile')].find(t => t.querySelector('.name').textContent === %q)`, name)
	}
	s.Await(t, tile("front-door")+`.querySelector('img')?.naturalWidth > 0`)
	refused.Await(t)
	s.Await(t, tile("yard")+`.querySelector('.state').textContent.startsWith('seen')`)
	s.Await(t, tile("gaps")+`.querySelector('.state').textContent.startsWith('no permission: ')`)
	denied.Remove(t)
	s.day(t, "front-door", "")
	s.hover(t)
	s.Await(t, `(i => !i.hidden && i.naturalWidth > 0)(document.querySelector('.hover img'))`)
	s.check(t)
	if log := s.web.Log(); !strings.Contains(log, ".jpg status=200") {
		t.Errorf("no still was asked for: %s", log)
	}
	off := startSite(t, 1000, 900, "--stills", "off")
	off.Go(t, off.web.URL+"/")
	off.Await(t, `[...document.querySelectorAll('.state')].every(p => p.textContent.trim())`)
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
	box := browser.Eval[[]float64](t, s.Tab, `(r => [r.left, r.top, r.width, r.height])(document.querySelector('.strip').getBoundingClientRect())`)
	s.MoveTo(t, box[0]+box[2]/2, box[1]+box[3]/2)
}
