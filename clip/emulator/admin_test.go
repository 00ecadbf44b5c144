package emulator_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/fault"
	camera "clipfs/clip/emulator/producer"
	"clipfs/clip/emulator/wire"
)

// admin makes a request at /_emulator/ and wants its status.
func (c *client) admin(method, path, body string, status int) string {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.server.Endpoint()+"/_emulator/"+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r := c.do(req)
	if r.status != status {
		c.t.Errorf("%s %s %q: %d %s, want %d", method, path, body, r.status, r.body, status)
	}
	return string(r.body)
}

// TestClockMovesRetention: what is retained, listed and kept goes by the clock that was set; so do new fragments and streams.
func TestClockMovesRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, dir := range []string{"", t.TempDir()} {
			c := start(t, emulator.Options{NoQuota: true, Data: dir, Lifecycle: time.Minute, Credentials: wire.Credentials{Key: "AKTEST", Secret: "secret"}})
			day := time.Date(2031, 1, 1, 10, 0, 0, 0, time.UTC)
			c.admin("POST", "clock", "set=2031-01-01T10:00:00Z", 200)
			c.create("a", 24)
			var info struct {
				StreamInfo struct {
					Status       string
					CreationTime float64
				}
			}
			describe := func(status string) {
				t.Helper()
				c.control("/describeStream", object{"StreamName": "a"}).into(t, &info)
				if info.StreamInfo.Status != status || info.StreamInfo.CreationTime != float64(day.Unix()) {
					t.Errorf("%+v, want %s since %d", info.StreamInfo, status, day.Unix())
				}
			}
			describe("CREATING")
			c.admin("POST", "clock", "advance=1m", 200)
			describe("ACTIVE")
			c.putCard("a", day, day.Add(4*time.Second), camera.Options{})
			listed := func(n int) {
				t.Helper()
				if got := len(c.list("a", producer, day.Add(-time.Hour), day.Add(time.Hour))); got != n {
					t.Errorf("%d fragments at %s, want %d", got, c.server.Now(), n)
				}
			}
			listed(2)
			if f := c.list("a", producer, day.Add(-time.Hour), day.Add(time.Hour)); f[0].ServerTimestamp != float64(day.Add(time.Minute).Unix()) {
				t.Errorf("taken in at %f", f[0].ServerTimestamp)
			}
			c.admin("POST", "clock", "advance=23h59m59s", 200)
			listed(2)
			c.admin("POST", "clock", "advance=30s", 200)
			listed(0)
			c.admin("POST", "clock", "advance=-1h", 200) // not yet removed
			listed(2)
			c.admin("POST", "clock", "advance=1h2m", 200)
			c.admin("POST", "clock", "set=2031-01-01T11:00:00Z", 200) // which brings nothing back
			listed(0)
			if got := c.admin("GET", "clock", "", 200); !strings.Contains(got, `"now":"2031-01-01T11:00:00Z"`) {
				t.Errorf("clock %s", got)
			}
			if got := c.admin("DELETE", "clock", "", 200); !strings.Contains(got, `"ahead":"0s"`) {
				t.Errorf("clock %s", got)
			}
			for _, bad := range []string{"", "set", "set=tomorrow", "advance=1", "set=1931-01-01", "stop=1"} {
				c.admin("POST", "clock", bad, 400)
			}
			if err := c.server.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestReset: counts are forgotten, and with what is asked for all else is as it was at the start.
func TestReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rule, err := fault.Parse("kind=throttle,api=GetClip")
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{"", t.TempDir()} {
			c := start(t, emulator.Options{NoQuota: true, Data: dir, Faults: []fault.Rule{rule}, Streams: []emulator.Stream{{Name: "given", Source: card(t)}}})
			now := time.Now().Truncate(2 * time.Second)
			names := func() string {
				var out struct{ StreamInfoList []struct{ StreamName string } }
				c.control("/listStreams", object{}).into(t, &out)
				var all []string
				for _, s := range out.StreamInfoList {
					all = append(all, s.StreamName)
				}
				return strings.Join(all, " ")
			}
			many := func() int {
				return len(c.list("given", producer, now.Add(-70*time.Second), now.Add(-10*time.Second-time.Millisecond)))
			}
			if n := many(); n != 30 {
				t.Fatalf("%d fragments", n)
			}
			c.create("made", 24)
			c.putCard("given", now.Add(-30*time.Second), now.Add(-10*time.Second), camera.Options{})
			c.control("/tagStream", object{"StreamName": "given", "Tags": object{"a": "b"}}).into(t, new(object))
			old := c.open("made")
			old.send(t, append(newMatroska().header, cluster(2000)...))
			old.until(t, camera.Buffering, 2000)
			c.admin("POST", "clock", "advance=1m", 200)
			c.admin("POST", "faults", "kind=status,api=ListStreams,stream=none", 200)
			c.admin("POST", "payload", "mdats", 200)

			c.admin("POST", "reset", "", 204)
			if got := c.server.Calls(); len(got) != 0 {
				t.Errorf("counted %+v", got)
			}
			if got := names(); got != "given made" || many() != 40 || len(c.server.Faults()) != 2 {
				t.Errorf("more than counts is reset: %s, %d fragments", got, many())
			}
			c.admin("POST", "reset?streams=1&faults=1&payload=1&clock=1", "", 204)
			if got := names(); got != "given" || many() != 30 {
				t.Errorf("streams %s, %d fragments", got, many())
			}
			var tagged struct{ Tags object }
			if c.control("/listTagsForStream", object{"StreamName": "given"}).into(t, &tagged); len(tagged.Tags) > 0 {
				t.Errorf("tags %v", tagged.Tags)
			}
			if all := c.server.Faults(); len(all) != 1 || all[0].Rule.String() != rule.String() || c.server.PayloadForms().String() != "" || !c.server.Now().Equal(time.Now()) {
				t.Errorf("faults %v, forms %s, %s", all, c.server.PayloadForms(), c.server.Now())
			}
			// The producer of a stream that is gone is told so, and one of the same name has nothing of it.
			old.send(t, cluster(4000))
			var refused *camera.MediaError
			if err := old.wait(); !errors.As(err, &refused) || refused.Ack.ErrorID != 4008 {
				t.Errorf("media for a stream that is gone: %v", err)
			}
			c.create("made", 24)
			if acks, err := c.put("made", bytes.NewReader(append(newMatroska().header, cluster(8000)...)), camera.Options{}); err != nil || len(camera.Numbers(acks)) != 1 {
				t.Errorf("the next: %v", err)
			}
			if n := len(c.list("made", producer, time.Unix(0, 0), time.Now())); n != 1 {
				t.Errorf("%d fragments in a new stream", n)
			}
			c.admin("POST", "reset?stream=1", "", 400)
			c.admin("POST", "reset?streams=yes", "", 400)
			if err := c.server.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
