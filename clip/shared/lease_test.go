package shared_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/shared"
	"clipfs/clip/shared/memory"
	"clipfs/clip/tier"
)

// dying is a bucket that a host cannot reach any more once it is dead.
type dying struct {
	*memory.Bucket
	mu   sync.Mutex
	dead bool
}

func (d *dying) Get(ctx context.Context, name string) (*shared.Object, error) {
	if d.isDead() {
		return nil, errors.New("dead")
	}
	return d.Bucket.Get(ctx, name)
}

func (d *dying) Put(ctx context.Context, name string, content io.ReadSeeker, size int64, on shared.Condition) (string, error) {
	if d.isDead() {
		return "", errors.New("dead")
	}
	return d.Bucket.Put(ctx, name, content, size, on)
}

func (d *dying) isDead() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}

func (d *dying) die()  { d.set(true) }
func (d *dying) live() { d.set(false) }

func (d *dying) set(dead bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = dead
}

// always is a fetch that goes on.
func always() bool { return true }

// wants looks for the payload as a host that will fetch it, and tells whether it has to, and after how long it knew.
func wants(t *testing.T, host *shared.Tier, alive func() bool) (fetch bool, took time.Duration) {
	t.Helper()
	begun := time.Now()
	p := host.Open(t.Context(), someID(), tier.Fetch{Whole: alive})
	if p != nil {
		_ = p.Body.Close()
	}
	return p == nil, time.Since(begun)
}

// TestOneFetches: of many hosts that want what is not there one fetches it, and the others have it once it is offered.
func TestOneFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		leader := open(t, b, shared.Options{})
		if fetch, took := wants(t, leader, always); !fetch || took > shared.Gather {
			t.Fatalf("the first host is to fetch: %t, after %s", fetch, took)
		}
		const lasts = 5 * time.Second
		time.AfterFunc(lasts, func() { leader.Offer(someID(), offerOf(100)) })
		var wg sync.WaitGroup
		for range 7 {
			host := open(t, b, shared.Options{})
			wg.Go(func() {
				if fetch, took := wants(t, host, always); fetch || took < lasts || took > lasts+time.Second {
					t.Errorf("another host is to fetch: %t, after %s", fetch, took)
				}
				if s := host.Stats(); s.Hits != 1 || s.Misses != 0 || s.Cycles != 0 {
					t.Errorf("%+v", s)
				}
			})
		}
		wg.Wait()
		if s := leader.Stats(); s.Uploaded != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestLeaderThatStops: where the host that fetches is gone, gives up, or has nothing to fetch any more, one other takes over soon.
func TestLeaderThatStops(t *testing.T) {
	for what, test := range map[string]struct {
		stop func(leader *shared.Tier, at *dying, idle *bool)
		most time.Duration
	}{
		"dead":      {func(_ *shared.Tier, at *dying, _ *bool) { at.die() }, 3 * time.Second}, // its beats end, and it does not say so
		"closed":    {func(leader *shared.Tier, _ *dying, _ *bool) { leader.Close() }, 600 * time.Millisecond},
		"abandoned": {func(leader *shared.Tier, _ *dying, _ *bool) { leader.Abandon(someID(), false) }, 600 * time.Millisecond},
		"idle":      {func(_ *shared.Tier, at *dying, idle *bool) { at.mu.Lock(); *idle = true; at.mu.Unlock() }, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := memory.New()
			at, idle := &dying{Bucket: b}, false
			leader := open(t, at, shared.Options{})
			if fetch, _ := wants(t, leader, func() bool { at.mu.Lock(); defer at.mu.Unlock(); return !idle }); !fetch {
				t.Fatal("the first host does not fetch")
			}
			const after = 2 * time.Second
			time.AfterFunc(after, func() { test.stop(leader, at, &idle) })
			var mu sync.Mutex
			var wg sync.WaitGroup
			fetches := 0
			for range 3 {
				host := open(t, b, shared.Options{})
				wg.Go(func() {
					fetch, took := wants(t, host, always)
					if !fetch {
						return
					}
					mu.Lock()
					fetches++
					mu.Unlock()
					if took < after || took > after+test.most {
						t.Errorf("%s: another host takes over after %s, want %s and %s at most", what, took, after, test.most)
					}
					time.Sleep(time.Second)
					host.Offer(someID(), offerOf(100))
				})
			}
			wg.Wait()
			if fetches != 1 {
				t.Errorf("%s: %d hosts take over", what, fetches)
			}
		})
	}
}

// TestStoreWithoutConditions: where a store ignores conditions each host fetches, and none waits.
func TestStoreWithoutConditions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		b.Unconditional = true
		var hosts []*shared.Tier
		for range 3 {
			host := open(t, b, shared.Options{})
			if fetch, took := wants(t, host, always); !fetch || took > shared.Gather {
				t.Errorf("a host is to fetch: %t, after %s", fetch, took)
			}
			hosts = append(hosts, host)
		}
		for _, host := range hosts {
			host.Offer(someID(), offerOf(100))
		}
		synctest.Wait()
		if got, err := take(t, open(t, b, shared.Options{})); err != nil || len(got) != 100 {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

// torn is a bucket that gives the bytes of an earlier version of the leases with the ETag of the present one, so many times.
type torn struct {
	*memory.Bucket
	before []byte
	left   atomic.Int32
}

func (b *torn) Get(ctx context.Context, name string) (*shared.Object, error) {
	o, err := b.Bucket.Get(ctx, name)
	if err == nil && strings.Contains(name, "/l/") && b.left.Add(-1) >= 0 {
		o.Body = io.NopCloser(bytes.NewReader(b.before))
	}
	return o, err
}

// TestTornLeases: leases that are read while the store replaces them are read again: a host that believed them would write over the lease
// of another one, and both would fetch.
func TestTornLeases(t *testing.T) {
	for _, tc := range []struct {
		times         int32
		writes, reads bool // what the host has done, and knows by that what the store's ETags say: it believes none that is wrong more often either
	}{{times: 1}, {times: 5, reads: true}, {times: 5, writes: true}} {
		synctest.Test(t, func(t *testing.T) {
			b := memory.New()
			leader, at := open(t, b, shared.Options{}), &torn{Bucket: b}
			host := open(t, at, shared.Options{})
			other, third := someID(), someID()
			other.Key, third.Key = other.Key+"-1", third.Key+"-2"
			if tc.writes {
				host.Open(t.Context(), third, tier.Fetch{Whole: always})
			}
			leader.Open(t.Context(), other, tier.Fetch{Whole: always})
			if tc.reads {
				looks, cancel := context.WithTimeout(t.Context(), time.Second)
				host.Open(looks, other, tier.Fetch{Whole: always})
				cancel()
			}
			b.Edit("/l/", func(o []byte) []byte { at.before = o; return o })
			if fetch, _ := wants(t, leader, always); !fetch {
				t.Fatal("the first host does not fetch")
			}
			const lasts = 3 * time.Second
			time.AfterFunc(lasts, func() { leader.Offer(someID(), offerOf(100)) })
			time.Sleep(time.Second) // what the host has read is old
			at.left.Store(tc.times)
			if fetch, took := wants(t, host, always); fetch || took < lasts-time.Second {
				t.Errorf("%+v: another host is to fetch: %t, after %s", tc, fetch, took)
			}
			if at.left.Load() >= 0 {
				t.Error("no leases were read")
			}
		})
	}
}

// TestFollowingIsBounded: a host that is still at it after a while is not waited for any longer.
func TestFollowingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		leader, host := open(t, b, shared.Options{}), open(t, b, shared.Options{})
		wants(t, leader, always)
		if fetch, took := wants(t, host, always); !fetch || took < 20*shared.DefaultTimeout || took > 21*shared.DefaultTimeout {
			t.Errorf("the other host is to fetch: %t, after %s", fetch, took)
		}
	})
}

// TestLeaseThatHangs: a store that reads and does not write costs a look one more time-out, once.
func TestLeaseThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		b.Fail = func(ctx context.Context, call, _ string) error {
			if call == "put" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		host := open(t, b, shared.Options{})
		if fetch, took := wants(t, host, always); !fetch || took != shared.Gather+shared.DefaultTimeout {
			t.Errorf("to fetch: %t, after %s", fetch, took)
		}
		if fetch, took := wants(t, host, always); !fetch || took != 0 || host.Stats().Cycles != 1 {
			t.Errorf("then: %t, after %s, %+v", fetch, took, host.Stats())
		}
	})
}

// TestOfferedIsWaitedFor: others wait for what was fetched until it is uploaded, though nothing reads it any more where it was fetched.
func TestOfferedIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		b.Fail = func(_ context.Context, call, name string) error {
			if call == "put" && strings.Contains(name, "/m/") {
				time.Sleep(3 * time.Second)
			}
			return nil
		}
		leader, host := open(t, b, shared.Options{}), open(t, b, shared.Options{})
		var read atomic.Bool
		wants(t, leader, func() bool { return !read.Load() })
		leader.Offer(someID(), offerOf(100))
		read.Store(true)
		if fetch, took := wants(t, host, always); fetch || took < 3*time.Second {
			t.Errorf("the other host is to fetch: %t, after %s", fetch, took)
		}
	})
}

// TestIdleLease: a host that has begun a fetch goes on with it once another host wants all of it, and is not waited for where it is gone.
func TestIdleLease(t *testing.T) {
	for what, test := range map[string]struct {
		before func(t *testing.T, leader *shared.Tier, at *dying)
		woken  int
		fetch  bool
		most   time.Duration
	}{
		"there":  {func(*testing.T, *shared.Tier, *dying) {}, 1, false, 3 * time.Second},
		"dead":   {func(_ *testing.T, _ *shared.Tier, at *dying) { at.die() }, 0, true, 3 * time.Second},
		"closed": {func(_ *testing.T, leader *shared.Tier, _ *dying) { leader.Close() }, 0, true, 4 * shared.Gather},
		"given up": {func(_ *testing.T, leader *shared.Tier, _ *dying) {
			leader.Abandon(someID(), false)
			time.Sleep(time.Second)
		}, 0, true, 4 * shared.Gather},
		"begins by": {func(t *testing.T, leader *shared.Tier, _ *dying) {
			if fetch, took := wants(t, leader, always); !fetch || took > shared.Gather {
				t.Errorf("the host itself is to fetch: %t, after %s", fetch, took)
			}
		}, 1, false, 3 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := memory.New()
			at := &dying{Bucket: b}
			leader, host := open(t, at, shared.Options{}), open(t, b, shared.Options{})
			var woken atomic.Int32
			if p := leader.Open(t.Context(), someID(), tier.Fetch{
				Whole: func() bool { return woken.Load() > 0 },
				Wake: func() {
					woken.Add(1)
					time.AfterFunc(time.Second, func() { leader.Offer(someID(), offerOf(100)) })
				},
			}); p != nil {
				t.Fatal("it is there already")
			}
			time.Sleep(10 * time.Second)
			test.before(t, leader, at)
			fetch, took := wants(t, host, always)
			if fetch != test.fetch || took > test.most || int(woken.Load()) != test.woken {
				t.Errorf("%s: the other host is to fetch: %t, after %s; %d were woken", what, fetch, took, woken.Load())
			}
			if s := host.Stats(); s.Cycles != 0 {
				t.Errorf("%s: %+v", what, s)
			}
		})
	}
}

// TestKnownToBeElsewhere: what a host has just read to be fetched by another one it does not look for before that one has told of it. Where that one is
// gone it looks before it fetches.
func TestKnownToBeElsewhere(t *testing.T) {
	for _, dies := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := memory.New()
			var early atomic.Int32
			var told atomic.Bool
			b.Fail = func(_ context.Context, call, name string) error {
				if call == "get" && strings.Contains(name, string(partID(1).Key)) && !told.Load() {
					early.Add(1)
				}
				return nil
			}
			at := &dying{Bucket: b}
			leader, host, third := open(t, at, shared.Options{}), open(t, b, shared.Options{}), open(t, b, shared.Options{})
			for i := range 2 {
				wantsOf(t, leader, partID(i))
			}
			early.Store(0)
			var all sync.WaitGroup
			all.Go(func() { wantsOf(t, host, partID(0)) })
			time.Sleep(500 * time.Millisecond)
			time.AfterFunc(1500*time.Millisecond, func() {
				told.Store(true)
				if dies {
					at.die()
					leader = third
				}
				leader.Offer(partID(1), offerOf(100))
			})
			if fetch, took := wantsOf(t, host, partID(1)); fetch || took > 6*time.Second {
				t.Errorf("the other host dies %t: to fetch: %t, after %s", dies, fetch, took)
			}
			if n := early.Load(); n != 0 {
				t.Errorf("%d looks before it was there", n)
			}
			leader.Offer(partID(0), offerOf(100))
			all.Wait()
		})
	}
}
