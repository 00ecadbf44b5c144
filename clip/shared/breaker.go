package shared

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// firstProbe and lastProbe bound the time between probes, which grows.
	firstProbe, lastProbe = 250 * time.Millisecond, 30 * time.Second
	// probeTimeout is how long a probe may take: no user waits for it.
	probeTimeout = 5 * time.Second
)

// breaker keeps users from a bucket that fails, or uploads from one that takes none. A failure opens it, and only a probe closes it.
type breaker struct {
	logger *slog.Logger
	// opened and closed are what the log says then.
	opened, closed string
	// probe asks the bucket for something.
	probe func(context.Context) error
	// ctx ends the probes.
	ctx    context.Context //nolint:containedctx // the probes are the breaker's own, and of no caller
	probes sync.WaitGroup

	// mu guards the rest.
	mu     sync.Mutex
	isOpen bool
	cycles int64
	cause  error
}

// allows reports whether the bucket may be asked.
func (b *breaker) allows() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.isOpen
}

// state gives how often it was opened, and why it is open; nil if it is closed.
func (b *breaker) state() (cycles int64, cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.isOpen {
		return b.cycles, nil
	}
	return b.cycles, b.cause
}

// failed opens it, because of an error.
func (b *breaker) failed(cause error) {
	b.mu.Lock()
	opens := !b.isOpen && b.ctx.Err() == nil
	if opens {
		b.isOpen, b.cause = true, cause
		b.cycles++
		b.probes.Go(b.close)
	}
	b.mu.Unlock()
	if opens { // a log may be slow
		b.logger.Warn(b.opened, "cause", cause)
	}
}

// close probes until that goes well, and closes the breaker then.
func (b *breaker) close() {
	begun := time.Now()
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval, pause.Multiplier = firstProbe, lastProbe, 2
	timer := time.NewTimer(pause.NextBackOff())
	defer timer.Stop()
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-timer.C:
		}
		ctx, cancel := context.WithTimeout(b.ctx, probeTimeout)
		err := b.probe(ctx)
		cancel()
		if err == nil {
			break
		}
		b.logger.Debug("the shared cache was probed", "cause", err)
		b.mu.Lock()
		b.cause = err
		b.mu.Unlock()
		timer.Reset(pause.NextBackOff())
	}
	b.mu.Lock()
	b.isOpen, b.cause = false, nil
	b.mu.Unlock()
	b.logger.Info(b.closed, "after", time.Since(begun).Round(time.Millisecond))
}
