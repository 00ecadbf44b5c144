package kvs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"clipfs/clip/archive"
)

const (
	// toldFor is for how long a cause that was logged is not logged again when it ends and begins again.
	toldFor = time.Minute
	// remindEvery is how often a cause is logged that goes on.
	remindEvery = 10 * time.Minute
	// maxTroubles bounds how many causes are remembered.
	maxTroubles = 256
)

// The causes that are a host's, whatever it is asked for.
const (
	causeRefused     = "connection refused"
	causeName        = "host name"
	causeCertificate = "certificate"
	causeConnect     = "no connection"
)

// cause is what goes wrong where: a kind of failure at a host. One that depends on what is asked has the API too.
type cause struct{ host, api, kind string }

// trouble is a cause that was seen.
type trouble struct {
	// since is when it began, zero where it is over; told is when it was logged last, and shown whether that was since.
	since, told time.Time
	shown       bool
}

// troubles logs failures of attempts as they happen, each cause once, and that things work again.
type troubles struct {
	log *slog.Logger

	// mu guards known.
	mu    sync.Mutex
	known map[cause]*trouble
}

func newTroubles(log *slog.Logger) *troubles {
	return &troubles{log: log, known: make(map[cause]*trouble)}
}

// causeOf classifies the failure of an attempt; false for one that is an answer and no trouble, or the caller's.
func causeOf(host, api string, err error) (cause, bool) {
	_, kind := diagnose(err)
	if errors.Is(kind, archive.ErrThrottled) {
		return cause{host, api, "throttled"}, true
	}
	if !errors.Is(kind, archive.ErrUnreachable) || isContext(err) || errors.Is(err, errLeaving) {
		return cause{}, false
	}
	var dial *net.OpError
	switch status := statusOf(err); {
	case errors.Is(err, syscall.ECONNREFUSED):
		return cause{host, "", causeRefused}, true
	case errors.As(err, new(*net.DNSError)):
		return cause{host, "", causeName}, true
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return cause{host, "", causeCertificate}, true
	case errors.As(err, &dial) && dial.Op == "dial":
		return cause{host, "", causeConnect}, true
	case errors.Is(err, errSilent):
		return cause{host, api, "silence"}, true
	case status >= 300:
		return cause{host, api, fmt.Sprintf("status %d", status)}, true
	case status != 0 || errors.Is(kind, ErrAnswer):
		return cause{host, api, "answer"}, true
	}
	return cause{host, api, "connection cut"}, true
}

// failed logs a failure of a call, unless its cause is known.
func (t *troubles) failed(c cause, stream archive.StreamName, text string) {
	if !t.begin(c, time.Now()) {
		return
	}
	level, message := slog.LevelWarn, "the archive does not answer as it should"
	if c.kind == "throttled" {
		level, message = slog.LevelInfo, "the archive refuses calls for exceeded limits; they are made again, more slowly"
	}
	t.log.Log(context.Background(), level, message, "host", c.host, "api", c.api, "stream", string(stream), "problem", c.kind, "cause", text)
}

// begin notes that a cause was seen, and tells whether it is to be logged.
func (t *troubles) begin(c cause, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := t.known[c]
	if seen == nil {
		if len(t.known) >= maxTroubles {
			clear(t.known)
		}
		seen = &trouble{}
		t.known[c] = seen
	}
	if seen.since.IsZero() {
		seen.since, seen.shown = now, false
	}
	again := toldFor
	if seen.shown {
		again = remindEvery
	}
	if !seen.told.IsZero() && now.Sub(seen.told) < again {
		return false
	}
	seen.told, seen.shown = now, true
	return true
}

// answered notes that a host has answered a call, and logs what is over thereby.
func (t *troubles) answered(host, api string) {
	for c, since := range t.end(func(c cause) bool { return c.host == host && (c.api == "" || c.api == api) }) {
		t.log.Info("the archive answers again", "host", host, "api", c.api, "problem", c.kind, "after", time.Since(since).Round(time.Millisecond))
	}
}

// end notes that causes are over, and gives those that were logged, with when they began.
func (t *troubles) end(over func(cause) bool) map[cause]time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	var logged map[cause]time.Time
	for c, seen := range t.known {
		if seen.since.IsZero() || !over(c) {
			continue
		}
		if seen.shown {
			if logged == nil {
				logged = make(map[cause]time.Time)
			}
			logged[c] = seen.since
		}
		seen.since = time.Time{}
	}
	return logged
}
