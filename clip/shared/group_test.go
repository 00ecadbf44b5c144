package shared_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
	"clipfs/clip/shared"
	"clipfs/clip/shared/memory"
	"clipfs/clip/tier"
)

// counting is a bucket that counts the writes and reads of leases and of beats.
type counting struct {
	*memory.Bucket
	leases, beats, reads atomic.Int64
}

func (c *counting) Put(ctx context.Context, name string, content io.ReadSeeker, size int64, on shared.Condition) (string, error) {
	switch {
	case strings.Contains(name, "/l/"):
		c.leases.Add(1)
	case strings.Contains(name, "/hosts/"):
		c.beats.Add(1)
	}
	return c.Bucket.Put(ctx, name, content, size, on)
}

func (c *counting) Get(ctx context.Context, name string) (*shared.Object, error) {
	if strings.Contains(name, "/l/") || strings.Contains(name, "/hosts/") {
		c.reads.Add(1)
	}
	return c.Bucket.Get(ctx, name)
}

// partID is that of a minute of an hour.
func partID(i int) tier.ID {
	id := someID()
	id.Key = cache.Key(fmt.Sprintf("p-%032d", i))
	id.Start = time.Date(2024, 1, 1, 10, i, 0, 0, time.UTC)
	return id
}

// headOf offers the head of a payload of 100 bytes.
func headOf() tier.Offer {
	o := offerOf(10)
	o.Head, o.Confirm = true, offerOf(100).Confirm
	return o
}

// TestLeasesCostLittle: a host that opens and reads an hour alone writes few leases, however many objects that is, and one that follows reads
// few.
func TestLeasesCostLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const parts = 60
		own, other := &counting{Bucket: memory.New()}, &counting{}
		other.Bucket = own.Bucket
		leader, follower := open(t, own, shared.Options{}), open(t, other, shared.Options{})
		begun := time.Now()
		var all, follows sync.WaitGroup
		for i := range parts {
			all.Go(func() { // the head after i/16 s, the payload five seconds later
				id := partID(i)
				if leader.Head(t.Context(), id) != nil {
					t.Errorf("head %d is there", i)
				}
				if leader.Open(t.Context(), id, tier.Fetch{Whole: func() bool { return time.Since(begun) > 5*time.Second }, Wake: func() {}}) != nil {
					t.Errorf("payload %d is there", i)
				}
				time.Sleep(time.Duration(i) * time.Second / 16)
				leader.Offer(id, headOf())
				time.Sleep(5 * time.Second)
				leader.Offer(id, offerOf(100))
			})
			follows.Go(func() {
				time.Sleep(time.Second)
				if follower.Head(t.Context(), partID(i)) == nil {
					t.Errorf("the follower is to fetch head %d", i)
				}
				if fetch, _ := wantsOf(t, follower, partID(i)); fetch {
					t.Errorf("the follower is to fetch payload %d", i)
				}
			})
		}
		all.Wait()
		took := time.Since(begun)
		follows.Wait()
		synctest.Wait()
		if s := leader.Stats(); s.Uploaded != 2*parts {
			t.Errorf("%+v", s)
		}
		if n, most := own.beats.Load(), int64(took/(500*time.Millisecond))+3; n > most {
			t.Errorf("%d beats in %s, want %d at most", n, took, most)
		}
		if n := own.leases.Load(); n > 65 {
			t.Errorf("the leases of %d objects took %d writes, want %d at most", 2*parts, n, 65)
		}
		if n := other.leases.Load() + other.beats.Load(); n > 40 {
			t.Errorf("the host that follows wrote %d times, want %d at most", n, 40)
		}
		if n, most := other.reads.Load(), int64(took/time.Second)*(5+2+1); n > most {
			t.Errorf("the host that follows read %d times, want %d at most", n, most)
		}
		t.Logf("in %s: %d writes of leases, %d beats, %d reads; the follower: %d, %d, %d", took,
			own.leases.Load(), own.beats.Load(), own.reads.Load(), other.leases.Load(), other.beats.Load(), other.reads.Load())
	})
}

// wantsOf is wants of a payload.
func wantsOf(t *testing.T, host *shared.Tier, id tier.ID) (fetch bool, took time.Duration) {
	t.Helper()
	begun := time.Now()
	p := host.Open(t.Context(), id, tier.Fetch{Whole: always})
	if p != nil {
		_ = p.Body.Close()
	}
	return p == nil, time.Since(begun)
}

// TestBeatsOfOneThatWaits: a host that gets no further, as one that waits for its quota, writes little, and is waited for all the same.
func TestBeatsOfOneThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &counting{Bucket: memory.New()}
		leader := open(t, b, shared.Options{Timeout: 30 * time.Second})
		follower := open(t, b.Bucket, shared.Options{Timeout: 30 * time.Second})
		for i := range 30 {
			if fetch, _ := wantsOf(t, leader, partID(i)); !fetch {
				t.Errorf("payload %d is there", i)
			}
		}
		const lasts = time.Minute
		time.AfterFunc(lasts, func() { leader.Offer(partID(0), offerOf(100)) })
		if fetch, took := wantsOf(t, follower, partID(0)); fetch || took < lasts || took > lasts+2*time.Second {
			t.Errorf("the follower is to fetch: %t, after %s", fetch, took)
		}
		if n := b.beats.Load(); n < 20 || n > 50 {
			t.Errorf("%d beats in a minute, want 8 + 28 about", n)
		}
		if n := b.leases.Load(); n > 33 {
			t.Errorf("%d writes of leases", n)
		}
	})
}

// TestNotShared: what its holder finds that it may not offer is waited for once, and then each host fetches it for itself.
func TestNotShared(t *testing.T) {
	for _, why := range []error{tier.ErrPrivate, tier.ErrEarly} {
		synctest.Test(t, func(t *testing.T) {
			const lasts = 2 * time.Second
			b := memory.New()
			private := offerOf(100)
			private.Confirm = func(context.Context) (tier.Confirmed, error) { return tier.Confirmed{}, why }
			var all sync.WaitGroup
			for range 8 {
				host := open(t, b, shared.Options{})
				all.Go(func() {
					fetch, took := wants(t, host, always)
					if !fetch || took > lasts+time.Second {
						t.Errorf("%v: a host is to fetch: %t, after %s", why, fetch, took)
					}
					time.Sleep(lasts)
					host.Offer(someID(), private)
				})
			}
			all.Wait()
		})
	}
}

// TestWrongLeases: whatever stands where leases and beats do, no look fails, and none waits for longer than it may for a host.
func TestWrongLeases(t *testing.T) {
	held := func(by string) string { return fmt.Sprintf(`{"held":{"m/%s":{"holder":%q}}}`, someID().Key, by) }
	for what, test := range map[string]struct {
		text string
		most time.Duration
	}{
		"empty":               {"", 100 * time.Millisecond},
		"no JSON":             {"leases", 100 * time.Millisecond},
		"other JSON":          {`{"held":[1,2],"done":7}`, 100 * time.Millisecond},
		"too large":           {held(strings.Repeat("A", 26)) + strings.Repeat(" ", 300<<10), 3 * time.Second},
		"a path":              {held("../../../etc/passwd"), 100 * time.Millisecond},
		"nobody":              {held(""), 100 * time.Millisecond},
		"a host that is gone": {held(strings.Repeat("A", 26)), 3 * time.Second},
		"done, and not there": {fmt.Sprintf(`{"done":["m/%s"]}`, someID().Key), 100 * time.Millisecond},
		"many":                {`{"held":{` + strings.TrimSuffix(strings.Repeat(`"m/x":{"holder":"y"},`, 10_000), ",") + `}}`, 100 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := memory.New()
			first := open(t, b, shared.Options{})
			wants(t, first, always)
			first.Abandon(someID(), false)
			time.Sleep(time.Second)
			b.Edit("/l/", func([]byte) []byte { return []byte(test.text) })
			host := open(t, b, shared.Options{})
			if fetch, took := wants(t, host, always); !fetch || took > test.most {
				t.Errorf("%s: to fetch: %t, after %s", what, fetch, took)
			}
			host.Offer(someID(), offerOf(100))
			time.Sleep(time.Second)
			if fetch, _ := wants(t, first, always); fetch {
				t.Errorf("%s: it is not there", what)
			}
			if s := host.Stats(); s.Cycles != 0 {
				t.Errorf("%s: %+v", what, s)
			}
			for _, name := range b.Names("") {
				if strings.Contains(name, "passwd") {
					t.Errorf("%s: %s", what, name)
				}
			}
		})
	}
}

// TestLeasesThatCannotBeWritten: where a bucket takes no leases, each host fetches at once, and what it fetched is shared.
func TestLeasesThatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		b.Fail = func(_ context.Context, call, name string) error {
			if call == "put" && (strings.Contains(name, "/l/") || strings.Contains(name, "/hosts/")) {
				return errors.New("denied")
			}
			return nil
		}
		for range 3 {
			host := open(t, b, shared.Options{})
			if fetch, took := wants(t, host, always); !fetch || took > 10*shared.Gather {
				t.Errorf("to fetch: %t, after %s", fetch, took)
			}
			if s := host.Stats(); s.Cycles != 0 {
				t.Errorf("%+v", s)
			}
		}
		host := open(t, b, shared.Options{})
		host.Offer(someID(), offerOf(100))
		synctest.Wait()
		if got, err := take(t, open(t, b, shared.Options{})); err != nil || !bytes.Equal(got, content(100)) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

// TestConditionsIgnoredForLong: hosts that write over each other's leases for a while wait for no lease that nobody has.
func TestConditionsIgnoredForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		b.Unconditional = true
		var hosts []*shared.Tier
		for range 3 {
			hosts = append(hosts, open(t, b, shared.Options{}))
		}
		for round := range 5 {
			for i, host := range hosts {
				id := partID(10*i + round)
				if fetch, took := wantsOf(t, host, id); !fetch || took > shared.Gather {
					t.Errorf("round %d: a host is to fetch: %t, after %s", round, fetch, took)
				}
				time.Sleep(700 * time.Millisecond)
				host.Offer(id, offerOf(100))
			}
			time.Sleep(time.Second)
			for i := range hosts {
				if fetch, took := wantsOf(t, hosts[(i+1)%len(hosts)], partID(10*i+round)); fetch || took != 0 {
					t.Errorf("round %d: another host is to fetch what is there: %t, after %s", round, fetch, took)
				}
			}
		}
	})
}

// TestCallerThatLeavesALease: where the caller leaves that asked for a lease, another host does not wait for it.
func TestCallerThatLeavesALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		b.Fail = func(_ context.Context, call, name string) error {
			if call == "put" && strings.Contains(name, "/l/") {
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		}
		host, other := open(t, b, shared.Options{}), open(t, b, shared.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if p := host.Open(ctx, someID(), tier.Fetch{Whole: always}); p != nil {
			t.Error("it is there")
		}
		time.Sleep(time.Second)
		if fetch, took := wants(t, other, always); !fetch || took > 500*time.Millisecond {
			t.Errorf("another host is to fetch: %t, after %s", fetch, took)
		}
	})
}

// TestFirstBeatFails: a bucket that does not take a host's first beat, or loses it, is not taken for one that ignores conditions.
func TestFirstBeatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		failed := false
		b.Fail = func(_ context.Context, call, name string) error {
			if call == "put" && strings.Contains(name, "/hosts/") && !failed {
				failed = true
				return errors.New("not now")
			}
			return nil
		}
		leader, follower := open(t, b, shared.Options{}), open(t, b, shared.Options{})
		for i := range 3 {
			id := partID(i)
			if fetch, _ := wantsOf(t, leader, id); !fetch {
				t.Errorf("%d: the first host is not to fetch", i)
			}
			time.AfterFunc(3*time.Second, func() { leader.Offer(id, offerOf(100)) })
			if fetch, took := wantsOf(t, follower, id); fetch || took < 3*time.Second {
				t.Errorf("%d: the other host is to fetch: %t, after %s", i, fetch, took)
			}
			for _, name := range b.Names("/hosts/") {
				if err := b.Delete(t.Context(), name); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
