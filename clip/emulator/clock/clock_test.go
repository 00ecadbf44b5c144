package clock_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator/clock"
)

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock.Clock
		want := func(what string, at time.Time) {
			t.Helper()
			if got := c.Now(); !got.Equal(at) {
				t.Errorf("%s: %s, want %s", what, got, at)
			}
		}
		began := time.Now()
		want("as it is", began)
		day := time.Date(2031, 1, 1, 10, 0, 0, 0, time.UTC)
		if err := c.Set(day); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		want("set", day.Add(time.Minute))
		if err := c.Advance(-time.Hour); err != nil {
			t.Fatal(err)
		}
		want("set back", day.Add(-59*time.Minute))
		for _, bad := range []time.Time{{}, time.Unix(-1, 0), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)} {
			if err := c.Set(bad); !errors.Is(err, clock.ErrRange) {
				t.Errorf("set to %s: %v", bad, err)
			}
		}
		want("what it refused", day.Add(-59*time.Minute))
		c.Reset()
		want("reset", began.Add(time.Minute))
	})
}
