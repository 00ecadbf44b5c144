package shared_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/shared"
	"clipfs/clip/shared/memory"
)

// slowLog is a log that takes a minute for each line.
type slowLog struct{ slog.Handler }

func (slowLog) Handle(context.Context, slog.Record) error {
	time.Sleep(time.Minute)
	return nil
}

// TestSlowLog: a log that takes no line, as a pipe that nobody reads, holds no other caller up that looks when a bucket fails.
func TestSlowLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		b.Fail = func(context.Context, string, string) error { return errors.New("refused") }
		host := open(t, b, shared.Options{Logger: slog.New(slowLog{slog.NewTextHandler(io.Discard, nil)})})
		var first sync.WaitGroup
		defer first.Wait()
		first.Go(func() { wants(t, host, always) })
		synctest.Wait()
		if fetch, took := wants(t, host, always); !fetch || took != 0 {
			t.Errorf("another caller is to fetch: %t, after %s", fetch, took)
		}
	})
}
