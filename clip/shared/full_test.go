package shared_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
	"clipfs/clip/shared"
	"clipfs/clip/shared/memory"
	"clipfs/clip/tier"
)

// TestManyLeases: however much hosts fetch at once of the same minutes, no lease of another host is lost: what finds no space among them is fetched
// without one. Those of a host that is gone make space.
func TestManyLeases(t *testing.T) {
	const many = 400 // of each of two hosts
	idOf := func(i int) tier.ID {
		id := someID()
		id.Key = cache.Key(fmt.Sprintf("p-%032d", i))
		return id
	}
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		at := &dying{Bucket: b}
		first, second, third := open(t, at, shared.Options{}), open(t, b, shared.Options{}), open(t, b, shared.Options{})
		for n, host := range []*shared.Tier{first, second} {
			var all sync.WaitGroup
			for i := range many {
				all.Go(func() {
					if fetch, took := wantsOf(t, host, idOf(n*many+i)); !fetch || took > time.Second {
						t.Errorf("host %d is to fetch: %t, after %s", n, fetch, took)
					}
				})
			}
			all.Wait()
		}
		time.AfterFunc(3*time.Second, func() { first.Offer(idOf(0), offerOf(100)) })
		if fetch, took := wantsOf(t, third, idOf(0)); fetch || took < 3*time.Second {
			t.Errorf("the third host is to fetch: %t, after %s", fetch, took)
		}
		at.die()
		const later = 20
		for i := range later { // without a lease at first
			time.Sleep(500 * time.Millisecond)
			if fetch, took := wantsOf(t, third, idOf(2*many+i)); !fetch || took > time.Second {
				t.Errorf("the third host is to fetch: %t, after %s", fetch, took)
			}
		}
		if fetch, took := wantsOf(t, second, idOf(2*many+later-1)); !fetch || took < 20*shared.DefaultTimeout {
			t.Errorf("the second host is to fetch: %t, after %s: it has not followed the third", fetch, took)
		}
	})
}
