package emulator_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/form"
	"clipfs/clip/emulator/payload"
)

// setForms posts forms and gives what is answered.
func (c *client) setForms(forms string) (status int, answer string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.server.Endpoint()+"/_emulator/payload", strings.NewReader(forms))
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // Only read.
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(body))
}

// TestPayloadForms: clips have the forms of the start, and others once those are posted. Those that add or drop fragments
// do so whatever is listed.
func TestPayloadForms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: card(t)}},
			Payload: payload.Options{Forms: form.Set{form.Fewer}}}
		c := start(t, o)
		now := time.Now()
		frames := func() string {
			t.Helper()
			m, err := footage.ParseMedia(c.mustClip("a", now.Add(-30*time.Second), now.Add(-21*time.Second)))
			if err != nil {
				t.Fatal(err)
			}
			_, video := m.Video()
			_, audio, _ := m.Audio()
			return fmt.Sprint(len(video), " ", len(audio))
		}
		if got, want := frames(), "200 250"; got != want {
			t.Errorf("at the start: %s frames, want %s", got, want)
		}
		// A fragment has 50 pictures and 62 or 63 frames of sound.
		for _, tt := range []struct{ forms, want string }{
			{"", "250 312"}, {"before", "300 375"}, {"after", "300 375"}, {"before,after,moov-last", "350 438"}, {"joint", "250 313"},
			{"twice", "255 312"},
		} {
			if status, answer := c.setForms(tt.forms); status != http.StatusOK || answer != fmt.Sprintf(`{"payload":%q}`, tt.forms) {
				t.Errorf("%q: %d %s", tt.forms, status, answer)
			}
			if got := frames(); got != tt.want {
				t.Errorf("%q: %s frames, want %s", tt.forms, got, tt.want)
			}
		}
		for _, bad := range []string{"what", "mdats,", "mdat0,moov-last", "moof,mdats"} {
			if status, answer := c.setForms(bad); status != http.StatusBadRequest {
				t.Errorf("%q: %d %s", bad, status, answer)
			}
		}
		if got := c.server.PayloadForms().String(); got != "twice" {
			t.Errorf("forms after refusals: %s", got)
		}
	})
}
