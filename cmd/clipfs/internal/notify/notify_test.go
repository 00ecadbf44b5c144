package notify_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cmd/clipfs/internal/notify"
)

func TestMessages(t *testing.T) {
	var got []string
	m := notify.NewTo(nil, func(state string) error {
		got = append(got, strings.Split(state, "\n")...)
		return errors.New("nobody listens") // which is no reason to fail
	})
	m.Starting("waiting\nfor it", time.Minute)
	m.Ready("serving /mnt")
	m.Stopping("ending", 1500*time.Millisecond)
	want := "STATUS=waiting; for it|EXTEND_TIMEOUT_USEC=60000000|READY=1|STATUS=serving /mnt|STOPPING=1|STATUS=ending|EXTEND_TIMEOUT_USEC=1500000"
	if text := strings.Join(got, "|"); text != want {
		t.Errorf("told %s, want %s", text, want)
	}
}

func TestWatchdogPeriod(t *testing.T) {
	for value, want := range map[string]time.Duration{"": 0, "30000000": 30 * time.Second, "nonsense": 0, "-5": 0} {
		t.Setenv("WATCHDOG_USEC", value)
		if got := notify.Watchdog(); got != want {
			t.Errorf("WATCHDOG_USEC=%q: %s, want %s", value, got, want)
		}
	}
}

// TestWatch: the manager hears of a process that works several times a period, and nothing of one that does not answer in
// time.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const period = 20 * time.Second
		begun := time.Now()
		var told []time.Duration
		m := notify.NewTo(nil, func(state string) error {
			if state != "WATCHDOG=1" {
				t.Errorf("told %q", state)
			}
			told = append(told, time.Since(begun))
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 3*period)
		defer cancel()
		m.Watch(ctx, period, func(ctx context.Context) error {
			if since := time.Since(begun); since >= period && since < 2*period { // it hangs
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		var before, hung, after int
		for _, at := range told {
			switch {
			case at < period:
				before++
			case at < 2*period:
				hung++
			default:
				after++
			}
		}
		if before < 3 || hung != 0 || after < 3 {
			t.Errorf("told %d times while it answered, %d while it hung, %d after; at %v", before, hung, after, told)
		}
	})
}
