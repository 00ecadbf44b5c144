package shared

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"clipfs/clip/tier"
)

const (
	// maxLeases is the most that is read of the leases of an hour, maxHeld how many there may be, maxEnded how many are remembered that ended.
	maxLeases, maxHeld, maxEnded = 256 << 10, 1024, 128
	// writeTries is how often leases are written that other hosts write too, conflictPause how long a host rests between at most, and endTries
	// how often the end of a lease is written that cannot be, a beat apart: others wait for it in vain while this host beats.
	writeTries, conflictPause, endTries = 8, 20 * time.Millisecond, 120
)

// leased is what a lease is for: its kind and its key.
type leased string

// payload gives the payload of a head; false for a payload.
func (w leased) payload() (leased, bool) {
	key, head := strings.CutPrefix(string(w), string(Heads)+"/")
	return leased(string(Media) + "/" + key), head
}

// head gives the head of a payload.
func (w leased) head() leased {
	return leased(string(Heads)) + w[1:]
}

// leasesText is what stands in the leases of an hour.
type leasesText struct {
	Held map[leased]claim `json:"held,omitempty"`
	// Done, Private and Early are the last that ended: those of what was uploaded, those of what may not be, and of what may not be yet.
	Done    []leased `json:"done,omitempty"`
	Private []leased `json:"private,omitempty"`
	Early   []leased `json:"early,omitempty"`
}

// claim is a lease. Idle says that its holder has begun to fetch, and goes on once another host sets Wanted.
type claim struct {
	Holder string `json:"holder"`
	Idle   bool   `json:"idle,omitempty"`
	Wanted bool   `json:"wanted,omitempty"`
}

// valid reports whether a lease is that of a host.
func (c claim) valid() bool {
	return validHolder(c.Holder)
}

// ending is how a lease of this host ends.
type ending int

const (
	// going: not at all.
	going ending = iota
	// dropped: what it is for is not coming, uploaded: it is there, unshared: it may not be, early: not yet.
	dropped
	uploaded
	unshared
	early
)

// own is a lease that this host has, or is about to take.
type own struct {
	fetch tier.Fetch
	// attached says that there is a fetch, taken that the lease is written, offered that what it is for was fetched.
	attached, taken, offered bool
	ended                    ending
	// failed counts the writes that should have ended it.
	failed int
}

// attach has a lease go by a fetch. A later one that can be woken takes the place of the one before, which has ended or is about to.
func (o *own) attach(fetch tier.Fetch) {
	if !o.attached || fetch.Wake != nil {
		o.fetch, o.attached = fetch, true
	}
}

// ask is a caller that waits for a lease.
type ask struct {
	what   leased
	fetch  tier.Fetch
	looked bool
	begun  time.Time
	answer chan verdict
	// claim is the lease of another host that it follows, since a time.
	claim claim
	since time.Time
}

// group is the leases of an hour. A goroutine runs while this host has or wants any; it alone reads and writes them.
type group struct {
	*leases
	name Name
	wake chan struct{}

	// leases.mu guards what follows.
	running bool
	asks    []*ask
	own     map[leased]*own
	// busy says that others may wait for this host.
	busy bool
	// text is what stands in the object, read when it was last read or written. Only the goroutine changes them; what they refer to does not change.
	text leasesText
	read time.Time

	// The rest is the goroutine's: the ETag of the object, which is "" where there is none, or none is known; when it was last written, and when it
	// was first read as it is where another host has written it.
	etag    string
	written time.Time
	changed time.Time
	// late says that something is to be written a while after that, unsure that a write was not answered.
	late, unsure bool
	// full is since when there are as many leases as there may be.
	full time.Time
}

// endLocked ends a lease; it reports whether there is something to do.
func (g *group) endLocked(what leased, how ending) bool {
	o := g.own[what]
	if o == nil || o.ended != going {
		return false
	}
	o.ended = how
	if payload, head := what.payload(); head {
		if p := g.own[payload]; p != nil && !p.attached {
			p.ended = dropped
		}
	}
	return true
}

// run sees to the leases until this host has and wants none.
func (g *group) run() {
	for woken := true; ; {
		if woken {
			g.rest(gather, nil)
		}
		pause := g.step()
		if pause < 0 {
			return
		}
		woken = g.rest(pause, g.wake)
	}
}

// step does what there is to do, and gives how long to rest then; less than 0 is for good.
func (g *group) step() time.Duration {
	g.mu.Lock()
	asks := slices.Clone(g.asks)
	owned := maps.Clone(g.own)
	if len(asks)+len(owned) == 0 || g.ctx.Err() != nil {
		g.running, g.busy = false, false
		g.giveUpLocked(asks)
		g.mu.Unlock()
		return -1
	}
	closed := g.closed
	if closed || !g.allows() {
		g.giveUpLocked(asks)
		asks = nil
	}
	g.mu.Unlock()
	switch {
	case !g.allows():
		if closed {
			g.forgetEnded(0)
		}
	case (g.unsure || g.due(asks)) && !g.load(len(asks) > 0):
		if g.unsure {
			g.forgetEnded(endTries)
		}
		return beat
	default:
		g.settle()
	}
	return g.pause()
}

// giveUpLocked has callers fetch by themselves.
func (g *group) giveUpLocked(asks []*ask) {
	for _, a := range asks {
		g.answerLocked(a, alone)
	}
}

// answerLocked answers a caller that waits.
func (g *group) answerLocked(a *ask, v verdict) {
	if i := slices.Index(g.asks, a); i >= 0 {
		g.asks = slices.Delete(g.asks, i, i+1)
		a.answer <- v
	}
}

// forgetEnded forgets leases that have ended, after so many tries to write that which failed, and those that are not taken yet.
func (g *group) forgetEnded(after int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	maps.DeleteFunc(g.own, func(_ leased, o *own) bool {
		if o.ended != going {
			o.failed++
		}
		return o.failed > after || !o.taken
	})
}

// due reports whether the leases are to be read: another host is followed, or may have asked for what is idle here.
func (g *group) due(asks []*ask) bool {
	rest := time.Since(g.read)
	for _, a := range asks {
		if a.claim.Holder != "" && rest >= g.poll(a) {
			return true
		}
	}
	if rest < beat {
		return false
	}
	for _, c := range g.text.Held {
		if c.Holder == g.holder && c.Idle {
			return true
		}
	}
	return false
}

// poll is how long a follower rests between its looks: longer where nothing changes.
func (g *group) poll(a *ask) time.Duration {
	since := a.begun
	if g.changed.After(since) {
		since = g.changed
	}
	return min(max(firstPoll, time.Since(since)/8), lastPoll)
}

// load reads the leases. A failure counts against the bucket where a user waits.
func (g *group) load(waits bool) bool {
	var text leasesText
	etag, err := g.leases.read(g.root+g.name.String(), maxLeases, &text)
	switch {
	case errors.Is(err, ErrNotFound):
		etag = ""
	case err != nil:
		if waits && g.ctx.Err() == nil {
			g.failed(err)
		}
		return false
	}
	if etag != g.etag {
		g.changed = time.Now()
	}
	g.unsure = false
	g.know(text, etag)
	return true
}

// know notes what stands in the object by now.
func (g *group) know(text leasesText, etag string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.text, g.etag, g.read = text, etag, time.Now()
}

// settle compares the leases with what this host has and wants, and writes them where they are to be others, now or a while after the last
// time.
func (g *group) settle() {
	for range writeTries {
		d := g.decide()
		g.late = d.made && !d.urgent && time.Since(g.written) < tell
		if !d.made || g.late {
			g.commit(&decision{busy: d.busy, over: d.over})
			return
		}
		ctx, cancel := context.WithTimeout(g.ctx, g.timeout)
		on := Condition{Absent: g.etag == "", Match: g.etag}
		etag, err := g.write(ctx, g.root+g.name.String(), d.text, on)
		slow := ctx.Err() != nil
		cancel()
		if err == nil {
			g.know(d.text, etag)
			g.written = g.read
			g.commit(d)
			return
		}
		if slow && len(d.asks) > 0 && g.ctx.Err() == nil {
			g.failed(errSlow)
		}
		before := g.etag
		if slow || !g.load(d.urgent) { // it may stand there all the same, which is read first of all
			g.unsure = true
			g.commit(&decision{taken: d.taken, asks: d.asks, busy: d.busy})
			g.fail(d)
			return
		}
		if g.etag == before { // the bucket takes no leases
			g.fail(d)
			return
		}
		g.rest(rand.N(conflictPause), nil)
	}
}

// fail has callers fetch by themselves that want a lease, as it cannot be written, and forgets what has ended.
func (g *group) fail(d *decision) {
	g.forgetEnded(endTries)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.written = time.Now()
	for _, a := range slices.Clone(g.asks) {
		if a.claim.Holder == "" || slices.Contains(d.asks[a.what], a) || !g.allows() {
			g.answerLocked(a, alone)
		}
	}
}

// commit notes what is written.
func (g *group) commit(d *decision) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, what := range slices.Concat(d.ended, d.over) {
		if o := g.own[what]; o != nil && o.ended != going {
			delete(g.own, what)
		}
	}
	for _, what := range d.taken {
		if g.own[what] == nil {
			g.own[what] = &own{}
		}
		g.own[what].taken = true
	}
	for what, asks := range d.asks {
		o := g.own[what]
		for _, a := range asks {
			if slices.Contains(g.asks, a) {
				o.attach(a.fetch)
				g.answerLocked(a, mine)
			}
		}
		if !o.attached { // its caller has left
			g.endLocked(what, dropped)
		}
	}
	if len(d.taken)+len(d.ended) > 0 {
		g.moved = time.Now()
	}
	if g.busy = d.busy || len(d.asks) > 0; g.busy {
		g.pulseLocked()
	}
}

// pause gives how long to rest.
func (g *group) pause() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.asks)+len(g.own) == 0 {
		return 0
	}
	pause := beat
	if g.late {
		pause = tell - time.Since(g.written)
	}
	for _, a := range g.asks {
		pause = min(pause, g.poll(a)-time.Since(g.read))
	}
	return max(pause, time.Millisecond)
}
