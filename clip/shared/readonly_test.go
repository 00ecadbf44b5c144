package shared_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/shared"
	"clipfs/clip/shared/memory"
)

// readOnly is a bucket to which a host may not write.
type readOnly struct{ *memory.Bucket }

func (readOnly) Put(context.Context, string, io.ReadSeeker, int64, shared.Condition) (string, error) {
	return "", errors.New("denied")
}

// TestGoneForOneThatMayNotWrite: a host that may not write waits for one that is gone no longer than one that takes over.
func TestGoneForOneThatMayNotWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		at := &dying{Bucket: b}
		leader, host := open(t, at, shared.Options{}), open(t, readOnly{b}, shared.Options{})
		wants(t, leader, always)
		time.Sleep(time.Second)
		at.die()
		if fetch, took := wants(t, host, always); !fetch || took > 3*time.Second {
			t.Errorf("to fetch: %t, after %s", fetch, took)
		}
	})
}
