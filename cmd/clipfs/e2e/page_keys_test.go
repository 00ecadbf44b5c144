//go:build e2e

package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"clipfs/cmd/internal/browser"
)

// key presses a key, as chromedp writes it, and gives when what is shown then was.
func (s site) key(t *testing.T, key string) time.Time {
	t.Helper()
	s.Do(t, chromedp.KeyEvent(key))
	return s.agrees(t, fmt.Sprintf("key %q", key))
}

// goTo presses g, and types a time of day.
func (s site) goTo(t *testing.T, at string) {
	t.Helper()
	s.Do(t, chromedp.KeyEvent("g"))
	// The driver types a g all the same, which the page has taken for itself.
	browser.Eval[bool](t, s.Tab, `document.activeElement.matches('.goto input') && !(document.activeElement.value = '')`)
	s.Do(t, chromedp.KeyEvent(at+"\r"))
	s.Await(t, `document.activeElement.matches('.strip')`)
	s.shown(t)
}

// keys: each key does what the page says, the clock shows other zones, a link shows the same second elsewhere, and two cameras show one
// second while they play.
func (s site) keys(t *testing.T) {
	s.day(t, "front-door", fmt.Sprintf("#t=%s&zoom=1200", s.evening().Format(time.RFC3339)))
	for _, step := range []struct {
		key  string
		want time.Duration
	}{
		{"\u0303", 5 * time.Second}, {"\u0302", 0}, {"\u0302", -5 * time.Second}, {"\u0308", -605 * time.Second}, {"\u0307", -5 * time.Second},
		{"\u0306", -20 * time.Hour}, {"\u0305", 4*time.Hour - time.Second},
	} {
		if at := s.key(t, step.key); !at.Equal(s.evening().Add(step.want)) {
			t.Errorf("key %q leads to %v, want %v", step.key, at, s.evening().Add(step.want))
		}
	}
	s.goTo(t, "20:00:30")
	if at := s.agrees(t, "g"); !at.Equal(s.evening().Add(30 * time.Second)) {
		t.Errorf("g leads to %v", at)
	}
	s.Do(t, chromedp.KeyEvent("."))
	s.Await(t, `(c => c.classList.contains('shown') && /:30\.0[1-9]/.test(c.textContent))(document.querySelector('.clock'))`)
	s.Do(t, chromedp.KeyEvent(","))
	s.Await(t, `(c => c.classList.contains('shown') && /:30\.000/.test(c.textContent))(document.querySelector('.clock'))`)
	s.Do(t, chromedp.KeyEvent("0"))
	s.Await(t, `!location.hash.includes('zoom=')`)
	s.Do(t, chromedp.KeyEvent("+"))
	s.Await(t, `location.hash.includes('zoom=43200')`)
	s.Do(t, chromedp.KeyEvent("-"))
	s.Await(t, `!location.hash.includes('zoom=')`)
	s.zones(t)
	s.cost(t)
	s.elsewhere(t)
	s.together(t)
}

// zones switches the clock between zones.
func (s site) zones(t *testing.T) {
	t.Helper()
	s.Timezone(t, "Asia/Kolkata")
	at := s.agrees(t, "before the zone")
	for _, row := range []struct {
		zone   string
		offset time.Duration
	}{{"", 5*time.Hour + 30*time.Minute}, {"UTC", 0}} {
		s.choose(t, ".zone", row.zone)
		want := at.Add(row.offset).Format("2006-01-02 15:04:05.000")
		if got := browser.Eval[string](t, s.Tab, `document.querySelector('.clock').textContent`); got != want {
			t.Errorf("zone %q: the clock says %s, want %s", row.zone, got, want)
		}
	}
}

// cost marks five minutes, with and without a colon, and looks at what the page says of them.
func (s site) cost(t *testing.T) {
	t.Helper()
	browser.Eval[bool](t, s.Tab, `(document.querySelector('main').dataset.warn = '10000', true)`) // as --warn-bytes 10KB has it
	s.goTo(t, "1900")
	s.Do(t, chromedp.KeyEvent("["))
	s.goTo(t, "19:05")
	s.Do(t, chromedp.KeyEvent("]"))
	s.Await(t, `/saving fetches about [0-9.]+ [kM]B/.test(document.querySelector('.marked').textContent)`)
}

// elsewhere opens the address of what is shown in another window.
func (s site) elsewhere(t *testing.T) {
	t.Helper()
	s.goTo(t, "19:03:21")
	s.Await(t, `location.hash.includes('19%3A03%3A21')`)
	second := s.another(t, 800, 700)
	second.Go(t, browser.Eval[string](t, s.Tab, `location.href`))
	if at := second.agrees(t, "in another window"); !at.Equal(s.yesterday.Add(19*time.Hour + 3*time.Minute + 21*time.Second)) {
		t.Errorf("another window shows %v", at)
	}
}

// together plays two cameras for some seconds.
func (s site) together(t *testing.T) {
	t.Helper()
	s.besides(t)
	s.Do(t, chromedp.KeyEvent(" "))
	s.Await(t, `[...document.querySelectorAll('video')].every(v => !v.paused)`)
	apart := 0
	for range 20 {
		time.Sleep(250 * time.Millisecond)
		shown := browser.Eval[[]float64](t, s.Tab, `[...document.querySelectorAll('video')].map(v => v.currentTime)`)
		if off := shown[0] - shown[1]; off < -0.7 || off > 0.7 {
			apart++
		}
	}
	if apart > 8 { // a machine that is busy may hold one up until it is moved
		t.Errorf("at %d of 20 looks the cameras were more than 0.7 s apart", apart)
	}
	s.Do(t, chromedp.KeyEvent(" "))
	s.Await(t, `[...document.querySelectorAll('video')].every(v => v.paused)`)
}
