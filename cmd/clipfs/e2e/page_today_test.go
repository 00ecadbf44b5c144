//go:build e2e

package e2e_test

import (
	"testing"
	"time"
)

// today: a page that stays open shows what was recorded since, without being loaded again. It looks each minute, which is half a second here.
func (s site) today(t *testing.T) {
	open := s.another(t, 400, 800)
	open.Before(t, `((real) => { window.setInterval = (f, ms, ...rest) => real(f, ms === 60e3 ? 500 : ms, ...rest) })(window.setInterval)`)
	open.Go(t, s.web.URL+"/front-door/"+time.Now().UTC().Format(time.DateOnly)+"/")
	open.agrees(t, "at first")
	first := open.key(t, "\u0305") // End
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(500 * time.Millisecond) {
		if at := open.key(t, "\u0305"); at.Sub(first) >= 5*time.Second {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("End leads to %v still", first)
		}
	}
	open.check(t)
}
