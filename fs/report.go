package fs

import (
	"context"
	"log/slog"
	"sync"
	"syscall"
)

// maxOnce bounds how many different texts are remembered as logged.
const maxOnce = 1024

// once tells what was logged: a player that tries again a hundred times a second must not fill the disk.
type once struct {
	// mu guards logged.
	mu     sync.Mutex
	logged map[string]struct{}
}

func newOnce() *once { return &once{logged: make(map[string]struct{})} }

// level is the level of a text that is logged for the first time, and debug when it was logged before.
func (o *once) level(first slog.Level, text string) slog.Level {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.logged[text]; known {
		return slog.LevelDebug
	}
	if len(o.logged) >= maxOnce {
		clear(o.logged)
	}
	o.logged[text] = struct{}{}
	return first
}

// reporter logs failures, each text once.
type reporter struct {
	logger *slog.Logger
	logged *once
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
	errno, level := Errno(err), slog.LevelWarn
	switch errno {
	case syscall.ENOENT, syscall.EINTR, syscall.ESTALE, syscall.EDQUOT: // an answer, not a failure; the limit itself is logged once
		r.logger.DebugContext(waiting, "answered", "op", operation, "path", path, "errno", errno, "cause", err)
		return errno
	case syscall.EIO:
		level = slog.LevelError
	}
	level = r.logged.level(level, operation+"\x00"+path+"\x00"+err.Error())
	r.logger.Log(waiting, level, "failed", "op", operation, "path", path, "errno", errno, "cause", err)
	return errno
}
