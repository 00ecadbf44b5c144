package shared_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/shared"
	"clipfs/clip/shared/memory"
	"clipfs/clip/tier"
)

// TestAbandonedAfterTheOffer: what was offered is waited for until it is uploaded, though another caller of its host gives it up meanwhile.
func TestAbandonedAfterTheOffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		leader, host := open(t, b, shared.Options{}), open(t, b, shared.Options{})
		if leader.Head(t.Context(), someID()) != nil {
			t.Fatal("it is there already")
		}
		slow := headOf()
		slow.Confirm = func(ctx context.Context) (tier.Confirmed, error) {
			time.Sleep(3 * time.Second)
			return headOf().Confirm(ctx)
		}
		leader.Offer(someID(), slow)
		leader.Abandon(someID(), true)
		if host.Head(t.Context(), someID()) == nil {
			t.Error("the other host is to fetch")
		}
	})
}

// TestFetchAfterFetch: a fetch that begins right behind one that was given up has a lease of its own, and goes on under that of one that is
// about to be: another host neither begins a third one nor wakes the first.
func TestFetchAfterFetch(t *testing.T) {
	for what, between := range map[string]func(leader *shared.Tier){
		"given up": func(leader *shared.Tier) { leader.Abandon(someID(), false) },
		"about to": func(*shared.Tier) {},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := memory.New()
			leader, host := open(t, b, shared.Options{}), open(t, b, shared.Options{})
			var woken atomic.Int32
			first := tier.Fetch{Whole: func() bool { return false }, Wake: func() { woken.Add(1) }}
			leader.Open(t.Context(), someID(), first)
			time.Sleep(time.Second)
			between(leader)
			second := first
			second.Wake = func() { time.AfterFunc(time.Second, func() { leader.Offer(someID(), offerOf(100)) }) }
			leader.Open(t.Context(), someID(), second)
			time.Sleep(time.Second)
			if fetch, took := wants(t, host, always); fetch || woken.Load() != 0 {
				t.Errorf("%s: the other host is to fetch: %t, after %s; the first fetch was woken %d times", what, fetch, took, woken.Load())
			}
		})
	}
}
