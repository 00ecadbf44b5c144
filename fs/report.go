package fs

import (
	"context"
	"log/slog"
	"sync"
	"syscall"
)

// maxReported bounds how many different failures are remembered as logged.
const maxReported = 1024

// reporter logs failures, each text once: a player that tries again a hundred times a second must not fill the disk.
type reporter struct {
	logger *slog.Logger

	// mu guards logged.
	mu     sync.Mutex
	logged map[string]struct{}
}

// newReporter gives a reporter that writes to logger.
func newReporter(logger *slog.Logger) *reporter {
	return &reporter{logger: logger, logged: make(map[string]struct{})}
}

// errno turns the failure of an operation on a path into what the caller gets, and logs it where that is of use.
// waiting is the context that it waited with, which has ended if the caller was given up.
func (r *reporter) errno(waiting context.Context, operation, path string, err error) syscall.Errno {
	if err == nil {
		return 0
	}
	if waiting.Err() != nil {
		return syscall.EINTR
	}
	errno := Errno(err)
	switch errno {
	case syscall.ENOENT, syscall.EINTR, syscall.ESTALE, syscall.EDQUOT: // an answer, not a failure; the limit itself is logged once
		r.logger.DebugContext(waiting, "answered", "op", operation, "path", path, "errno", errno, "cause", err)
	case syscall.EIO:
		r.once(waiting, slog.LevelError, operation, path, errno, err)
	default:
		r.once(waiting, slog.LevelWarn, operation, path, errno, err)
	}
	return errno
}

// once logs a failure unless the same one was logged already.
func (r *reporter) once(ctx context.Context, level slog.Level, operation, path string, errno syscall.Errno, err error) {
	text := operation + "\x00" + path + "\x00" + err.Error()
	r.mu.Lock()
	_, known := r.logged[text]
	if !known {
		if len(r.logged) >= maxReported {
			clear(r.logged)
		}
		r.logged[text] = struct{}{}
	}
	r.mu.Unlock()
	if known {
		level = slog.LevelDebug
	}
	r.logger.Log(ctx, level, "failed", "op", operation, "path", path, "errno", errno, "cause", err)
}
