package fs

import (
	"context"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"golang.org/x/time/rate"
)

const (
	// maxExplained bounds how many names are remembered as explained, explainedFor is for how long one is.
	maxExplained = 1024
	explainedFor = time.Hour
	// explainAtOnce is how many names are explained at once, explainEvery how often one more: a program that tries names
	// must not fill the log.
	explainAtOnce = 20
	explainEvery  = 10 * time.Second
)

// explainer logs why names that are meant as times or lengths are none: a line a name.
type explainer struct {
	logger *slog.Logger
	limit  *rate.Limiter

	// mu guards told.
	mu   sync.Mutex
	told map[string]time.Time
}

// newExplainer gives one that has explained nothing.
func newExplainer(logger *slog.Logger) *explainer {
	return &explainer{logger: logger, limit: rate.NewLimiter(rate.Every(explainEvery), explainAtOnce), told: make(map[string]time.Time)}
}

// say logs that a name at a path is none and why, unless that was said lately. Nothing is said without a reason.
func (e *explainer) say(name, path, reason string) {
	if reason == "" || !e.due(name+"\x00"+reason, time.Now()) {
		return
	}
	e.logger.Info(name+": "+reason, "path", path)
}

// due tells whether something is to be said, and notes that it was.
func (e *explainer) due(text string, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if at, ok := e.told[text]; ok && now.Sub(at) < explainedFor {
		return false
	}
	if !e.limit.AllowN(now, 1) {
		return false
	}
	if len(e.told) >= maxExplained {
		clear(e.told)
	}
	e.told[text] = now
	return true
}

// missing answers the lookup of a name that cannot be there. reason is what the log is to say of it, if anything.
func (t *tree) missing(ctx context.Context, name, path, reason string, err error) syscall.Errno {
	t.explained.say(name, path, reason)
	return t.operations.missing(ctx, path, err)
}
