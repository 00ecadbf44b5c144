package shared_test

import (
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/shared"
	"clipfs/clip/shared/memory"
	"clipfs/clip/tier"
)

// TestHostThatIsGone: a host that is gone costs another one its time once, not once for each of its leases, and one that comes back is followed again.
func TestHostThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const leases = 20
		b := memory.New()
		at := &dying{Bucket: b}
		leader, host := open(t, at, shared.Options{}), open(t, b, shared.Options{})
		for i := range leases { // every other one is idle
			leader.Open(t.Context(), partID(i), tier.Fetch{Whole: func() bool { return i%2 == 0 }, Wake: func() {}})
		}
		time.Sleep(time.Second)
		at.die()
		begun := time.Now()
		for i := range leases {
			if fetch, took := wantsOf(t, host, partID(i)); !fetch || took > 3*time.Second {
				t.Errorf("%d: another host is to fetch: %t, after %s", i, fetch, took)
			}
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("%d leases of a host that is gone took %s", leases, took)
		}
		at.live()
		time.Sleep(5 * time.Second)
		id := partID(leases)
		if fetch, _ := wantsOf(t, leader, id); !fetch {
			t.Error("the first host is not to fetch")
		}
		time.AfterFunc(3*time.Second, func() { leader.Offer(id, offerOf(100)) })
		if fetch, took := wantsOf(t, host, id); fetch || took < 3*time.Second {
			t.Errorf("once it is back another host is to fetch: %t, after %s", fetch, took)
		}
	})
}
