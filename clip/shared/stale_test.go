package shared_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/shared"
	"clipfs/clip/shared/memory"
)

// TestLeaseThatIsNotEnded: no host waits for a lease that its holder has ended, though that could not be told at once, while the holder is at
// something else.
func TestLeaseThatIsNotEnded(t *testing.T) {
	fails := func(when string, fail func(context.Context) error) func(context.Context, string, string) error {
		return func(ctx context.Context, call, name string) error {
			if call == when && (call == "get" || strings.Contains(name, "/l/")) {
				return fail(ctx)
			}
			return nil
		}
	}
	refuse := func(context.Context) error { return errors.New("not now") }
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for what, end := range map[string]func(t *testing.T, b *memory.Bucket, leader *shared.Tier){
		"the breaker is open": func(t *testing.T, b *memory.Bucket, leader *shared.Tier) {
			wants(t, leader, always)
			b.Change(func() { b.Fail = fails("get", refuse) })
			leader.Hour(t.Context(), someID().Stream, archive.ByServer, time.Now())
			b.Change(func() { b.Fail = nil })
			leader.Abandon(someID(), false)
		},
		"it cannot be written for a while": func(t *testing.T, b *memory.Bucket, leader *shared.Tier) {
			wants(t, leader, always)
			b.Change(func() { b.Fail = fails("put", refuse) })
			leader.Abandon(someID(), false)
			time.Sleep(5 * time.Second)
			b.Change(func() { b.Fail = nil })
		},
		"the answer to its beginning was lost": func(t *testing.T, b *memory.Bucket, leader *shared.Tier) {
			b.Change(func() { b.Lossy, b.Fail = true, fails("put", hang) })
			wants(t, leader, always)
			b.Change(func() { b.Lossy, b.Fail = false, nil })
			time.Sleep(time.Second)
			leader.Abandon(someID(), false)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := memory.New()
			leader, host := open(t, b, shared.Options{}), open(t, b, shared.Options{})
			other := someID()
			other.Start = other.Start.Add(time.Hour)
			wantsOf(t, leader, other) // which it is at all the time
			time.Sleep(time.Second)
			end(t, b, leader)
			time.Sleep(time.Second)
			if leader.Stats().Cause != nil {
				t.Fatalf("%s: %+v", what, leader.Stats())
			}
			if fetch, took := wants(t, host, always); !fetch || took > time.Second {
				t.Errorf("%s: another host is to fetch: %t, after %s", what, fetch, took)
			}
		})
	}
}
