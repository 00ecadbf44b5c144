package tree

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// maxExplained bounds how many names are remembered as explained, explainedFor is for how long one is.
	maxExplained = 1024
	explainedFor = time.Hour
	// explainAtOnce is how many names are explained at once, explainEvery how often one more: a program that tries
	// names must not fill the log.
	explainAtOnce = 20
	explainEvery  = 10 * time.Second
)

// explainer logs why names are none: a line a name.
type explainer struct {
	logger *slog.Logger
	limit  *rate.Limiter

	// mu guards told.
	mu   sync.Mutex
	told map[string]time.Time
}

func newExplainer(logger *slog.Logger) *explainer {
	return &explainer{logger: logger, limit: rate.NewLimiter(rate.Every(explainEvery), explainAtOnce), told: make(map[string]time.Time)}
}

// say logs that a name at a path is none and why, unless that was said lately. Nothing is said without a reason.
func (e *explainer) say(level slog.Level, name, path, reason string) {
	if reason != "" && e.due(name+"\x00"+reason, time.Now()) {
		e.logger.Log(context.Background(), level, name+": "+reason, "path", path)
	}
}

// due reports whether something is to be said, and notes that it was.
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
