package shared

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"clipfs/clip/tier"
)

const (
	// gather is how long a host waits for more of an hour to be asked for before it takes leases.
	gather = 10 * time.Millisecond
	// tell is how long the end of a lease may wait for others to be written with.
	tell = 200 * time.Millisecond
	// firstPoll and lastPoll bound how long a host that follows rests between its looks: an eighth of the time in which it has seen no change.
	firstPoll, lastPoll = 200 * time.Millisecond, time.Second
	// fresh is for how long a host that has read a lease of another one does not look for the object.
	fresh = time.Second
	// followTimes is how many times Options.Timeout a host follows at most.
	followTimes = 20
	// maxGroups is how many hours are remembered in which this host has no lease.
	maxGroups = 1024
)

// verdict is what comes of asking for a lease.
type verdict int

const (
	// alone: this host fetches without a lease.
	alone verdict = iota
	// mine: this host has the lease, and fetches.
	mine
	// look: another host has ended its lease, and the object may be there.
	look
)

// leaseName is where the lease of an object stands, and what it is called there.
type leaseName struct {
	group Name
	what  leased
}

// leaseOf gives where the lease of a payload, or of the record of its head, stands.
func leaseOf(name Name, id tier.ID) leaseName {
	return leaseName{leasesOf(name.Stream, id.Start), leased(string(name.Kind) + "/" + string(name.Key))}
}

// leases are those that this host has, and those of other hosts that it follows, by the hour in which they stand together.
type leases struct {
	ctx    context.Context //nolint:containedctx // leases are the tier's own, and of no caller
	bucket Bucket
	root   string
	holder string
	// timeout is how long a request may take; failed is told of one that took longer, or failed otherwise, where a user waits for it. allows
	// reports whether the bucket may be asked.
	timeout time.Duration
	allows  func() bool
	failed  func(error)
	// running has the goroutines of groups and of the beat.
	running sync.WaitGroup
	// opaque says that the bucket's ETags are not those of sumOf, by which what came can be told, sums that they are. Neither is known at first.
	opaque, sums atomic.Bool

	// mu guards the rest, and what the fields of a group say that it guards.
	mu     sync.Mutex
	groups map[Name]*group
	closed bool
	// sights are what is seen of the beats of other hosts.
	sights map[string]*sight
	// beating says that this host has a beat now, count how many it has written, and moved when it last got further. tried says that the bucket
	// was tried for conditions, deaf that it ignores them: then there are no leases.
	beating, tried, deaf bool
	count                int64
	moved                time.Time
}

func newLeases(ctx context.Context, b Bucket, root string, timeout time.Duration, allows func() bool, failed func(error)) *leases {
	return &leases{
		ctx: ctx, bucket: b, root: root, holder: rand.Text(), timeout: timeout, allows: allows, failed: failed,
		groups: make(map[Name]*group), sights: make(map[string]*sight),
	}
}

// follow waits, where another host fetches an object, until that is there, which again looks for and tells, or this host is to fetch it: also
// where the bucket may not be asked any more.
func (l *leases) follow(ctx context.Context, at leaseName, fetch tier.Fetch, again func() (over bool)) {
	ctx, cancel := context.WithTimeout(ctx, followTimes*l.timeout)
	defer cancel()
	for looked := false; l.ask(ctx, at, fetch, looked) == look && !again(); looked = true {
	}
}

// ask asks for a lease: a host that has it already is told so at once, and one that another host has is waited for. looked says that the
// object was looked for after the last time.
func (l *leases) ask(ctx context.Context, at leaseName, fetch tier.Fetch, looked bool) verdict {
	a := &ask{what: at.what, fetch: fetch, looked: looked, begun: time.Now(), answer: make(chan verdict, 1)}
	g := l.change(at.group, true, func(g *group) bool {
		g.asks = append(g.asks, a)
		return true
	})
	if g == nil {
		return alone
	}
	select {
	case v := <-a.answer:
		return v
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	g.asks = slices.DeleteFunc(g.asks, func(other *ask) bool { return other == a })
	select {
	case v := <-a.answer:
		return v
	default:
		return alone
	}
}

// reserve takes the lease of an object that this host has begun to fetch and does not go on with, unless another host has it. It waits
// for nothing.
func (l *leases) reserve(at leaseName, fetch tier.Fetch) {
	l.change(at.group, true, func(g *group) bool {
		if o := g.own[at.what]; o == nil || o.ended != going { // an earlier fetch has ended it, and the bucket is not told yet
			g.own[at.what] = &own{}
		}
		g.own[at.what].attach(fetch)
		return true
	})
}

// holds reports whether this host has a lease for a fetch that it has begun. It goes by another fetch from then on, where that is one.
func (l *leases) holds(at leaseName, fetch tier.Fetch) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.groups[at.group]
	if g == nil || g.own[at.what] == nil || !g.own[at.what].taken || !g.own[at.what].attached || g.own[at.what].ended != going {
		return false
	}
	g.own[at.what].attach(fetch)
	return true
}

// elsewhere reports whether another host has a lease, as this one has read a moment ago: then the object is not there.
func (l *leases) elsewhere(at leaseName) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.groups[at.group]
	if g == nil || time.Since(g.read) > fresh {
		return false
	}
	c, there := g.text.Held[at.what]
	s := l.sights[c.Holder]
	return there && c.Holder != l.holder && c.valid() && (s == nil || !s.gone)
}

// offered tells that what a lease is for was fetched, if this host has it.
func (l *leases) offered(at leaseName) {
	l.change(at.group, false, func(g *group) bool {
		if o := g.own[at.what]; o != nil {
			o.offered = true
		}
		return false
	})
}

// abandon ends a lease, if this host has it and nothing was offered.
func (l *leases) abandon(at leaseName) {
	l.change(at.group, false, func(g *group) bool {
		o := g.own[at.what]
		return o != nil && !o.offered && g.endLocked(at.what, dropped)
	})
}

// end ends a lease, if this host has it, and that of the payload with that of its head, where no fetch of it has begun.
func (l *leases) end(at leaseName, how ending) {
	l.change(at.group, false, func(g *group) bool {
		return g.endLocked(at.what, how)
	})
}

// change changes a group under the lock, which is made where there is none if begin is set, and has its goroutine see to it where set
// reports that there is something to do. It gives nil where there are no leases, or not any more.
func (l *leases) change(name Name, begin bool, set func(*group) bool) *group {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.deaf || l.ctx.Err() != nil {
		return nil
	}
	g := l.groups[name]
	if g == nil && !begin {
		return nil
	}
	if g == nil {
		if len(l.groups) >= maxGroups {
			l.forgetLocked()
		}
		g = &group{leases: l, name: name, wake: make(chan struct{}, 1), own: make(map[leased]*own)}
		l.groups[name] = g
	}
	if !set(g) {
		return g
	}
	select {
	case g.wake <- struct{}{}:
	default:
	}
	if !g.running {
		g.running = true
		l.running.Go(g.run)
	}
	return g
}

// forgetLocked forgets groups in which nothing goes on.
func (l *leases) forgetLocked() {
	for name, g := range l.groups {
		if !g.running {
			delete(l.groups, name)
		}
	}
}

// close ends all leases, and waits until that is told, for so long at most.
func (l *leases) close(longest time.Duration) {
	l.mu.Lock()
	l.closed = true
	for _, g := range l.groups {
		for what := range g.own {
			g.endLocked(what, dropped)
		}
		select {
		case g.wake <- struct{}{}:
		default:
		}
	}
	l.mu.Unlock()
	told := make(chan struct{})
	go func() {
		l.running.Wait()
		close(told)
	}()
	timer := time.NewTimer(longest)
	defer timer.Stop()
	select {
	case <-told:
	case <-timer.C:
	}
}

// ignored ends all leases, since the bucket ignores conditions: hosts would write over each other's.
func (l *leases) ignored() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deaf = true
	for _, g := range l.groups {
		clear(g.own)
		g.giveUpLocked(slices.Clone(g.asks))
	}
}

// rest waits, for wake at most; it reports whether it was woken.
func (l *leases) rest(pause time.Duration, wake <-chan struct{}) (woken bool) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
		return true
	case <-l.ctx.Done():
	}
	return false
}
