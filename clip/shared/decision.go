package shared

import (
	"maps"
	"slices"
	"time"
)

// decision is what is to become of the leases of an hour.
type decision struct {
	// text is what is to stand there, where made says that it is another than what does; urgent says that somebody waits for that.
	text         leasesText
	made, urgent bool
	// taken are the leases that this host takes by it, asks those of them for which callers wait, ended those that it ends, and over those
	// whose end need not be written.
	taken, ended, over []leased
	asks               map[leased][]*ask
	// busy says that others may wait for this host then.
	busy bool
}

// decide compares what stands there with what this host has and wants. It answers callers that need not wait.
func (g *group) decide() *decision {
	g.mu.Lock()
	owned, asks := make(map[leased]own, len(g.own)), slices.Clone(g.asks)
	for what, o := range g.own {
		if head := what.head(); o.taken && !o.attached && !o.offered && (g.own[head] == nil || g.own[head].ended != going) {
			o.ended = max(o.ended, dropped) // nobody is going to fetch it
		}
		owned[what] = *o
	}
	closed := g.closed
	g.mu.Unlock()
	d := &decision{asks: make(map[leased][]*ask), urgent: closed, text: leasesText{
		Held: maps.Clone(g.text.Held), Done: slices.Clone(g.text.Done), Private: slices.Clone(g.text.Private), Early: slices.Clone(g.text.Early),
	}}
	if d.text.Held == nil {
		d.text.Held = make(map[leased]claim)
	}
	g.weed(d)
	for what, c := range d.text.Held {
		if _, has := owned[what]; !has && c.Holder == g.holder { // left by a write whose answer did not come
			delete(d.text.Held, what)
			d.made = true
		}
	}
	for what, o := range owned {
		g.decideOwn(d, what, o)
	}
	for _, a := range asks {
		g.decideAsk(d, a, owned)
	}
	d.urgent = d.urgent || len(d.ended) > 0 && !d.busy // whoever waits need not wait for more to end
	return d
}

// decideOwn has what stands there of a lease of this host be what it is now.
func (g *group) decideOwn(d *decision, what leased, o own) {
	c, there := d.text.Held[what]
	held := there && c.Holder == g.holder
	switch {
	case o.ended == going && !held && (o.taken || there || d.full()):
		g.drop(what) // another host has it, or there is no space for it
		return
	case o.ended == going && o.attached && !o.offered && o.fetch.Wake == nil && !o.fetch.Whole():
		o.ended = dropped // nothing is fetched any more
		g.mu.Lock()
		g.endLocked(what, dropped)
		g.mu.Unlock()
	}
	if o.ended != going {
		if !held {
			d.over = append(d.over, what)
			return
		}
		d.ended = append(d.ended, what)
		delete(d.text.Held, what)
		d.text.end(what, o.ended)
		d.made = true
		return
	}
	idle := !o.attached || !o.offered && !o.fetch.Whole()
	if held && c.Wanted && idle && o.attached {
		o.fetch.Wake()
		idle = false
	}
	if now := (claim{Holder: g.holder, Idle: idle, Wanted: c.Wanted && idle}); now != c {
		d.text.Held[what] = now
		d.made = true
	}
	if !o.taken {
		d.taken = append(d.taken, what)
	}
	d.busy = d.busy || !idle
}

// drop forgets a lease.
func (g *group) drop(what leased) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.own, what)
}

// decideAsk answers a caller, or has it take a lease or follow another host.
func (g *group) decideAsk(d *decision, a *ask, owned map[leased]own) {
	c, there := d.text.Held[a.what]
	mineNow, has := owned[a.what]
	switch {
	case len(d.asks[a.what]) > 0: // another caller of this host takes it
		d.asks[a.what] = append(d.asks[a.what], a)
	case has && mineNow.ended == going && there && c.Holder == g.holder:
		g.begin(d, a)
	case there && c.Holder != g.holder && c.valid():
		g.follow(d, a, c)
	case slices.Contains(d.text.Private, a.what), a.claim.Holder != "" && slices.Contains(d.text.Early, a.what): // who comes later tries again
		g.answer(a, alone)
	case a.claim.Holder != "" || !a.looked && slices.Contains(d.text.Done, a.what):
		g.answer(a, look)
	default:
		g.take(d, a)
	}
}

// begin has a caller go on with what this host has reserved for it.
func (g *group) begin(d *decision, a *ask) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if o := g.own[a.what]; o != nil {
		o.attach(a.fetch)
	}
	g.answerLocked(a, mine)
	if c := d.text.Held[a.what]; c.Idle {
		c.Idle, c.Wanted = false, false
		d.text.Held[a.what] = c
		d.made = true
	}
	d.busy = true
}

// follow has a caller wait for another host, or take its lease over.
func (g *group) follow(d *decision, a *ask, c claim) {
	now := claim{Holder: c.Holder, Idle: c.Idle, Wanted: true}
	if a.claim != now {
		a.claim, a.since = now, time.Now()
	}
	switch {
	case !g.alive(c.Holder, a.since):
		g.take(d, a)
	case c.Idle && !c.Wanted:
		d.text.Held[a.what] = now
		d.made, d.urgent = true, true
	}
}

// answer answers a caller.
func (g *group) answer(a *ask, v verdict) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answerLocked(a, v)
}

// take has a caller's host take a lease, and with that of a head that of its payload, unless another host has it. Where there is no space for
// it the caller fetches without one.
func (g *group) take(d *decision, a *ask) {
	if _, there := d.text.Held[a.what]; !there && d.full() {
		g.answer(a, alone)
		return
	}
	d.made, d.urgent = true, true
	d.text.forget(a.what)
	d.text.Held[a.what] = claim{Holder: g.holder}
	d.asks[a.what] = append(d.asks[a.what], a)
	d.taken = append(d.taken, a.what)
	payload, head := a.what.payload()
	if _, there := d.text.Held[payload]; head && !there && !d.full() {
		d.text.Held[payload] = claim{Holder: g.holder, Idle: true}
		d.taken = append(d.taken, payload)
	}
}

// full reports whether there are as many leases as there may be.
func (d *decision) full() bool { return len(d.text.Held) >= maxHeld }

// weed ends, where there are as many leases as there may be, those of one other host if its beat has stood still since then: each time of any one,
// of one that has many sooner.
func (g *group) weed(d *decision) {
	switch {
	case !d.full():
		g.full = time.Time{}
		return
	case g.full.IsZero():
		g.full = time.Now()
	}
	for _, c := range d.text.Held {
		if c.Holder == g.holder {
			continue
		}
		if !c.valid() || !g.alive(c.Holder, g.full) {
			d.made = true
			maps.DeleteFunc(d.text.Held, func(_ leased, other claim) bool { return other.Holder == c.Holder })
		}
		return
	}
}

// end notes how a lease has ended.
func (t *leasesText) end(what leased, how ending) {
	t.forget(what)
	switch how {
	case uploaded:
		t.Done = last(append(t.Done, what))
	case unshared:
		t.Private = last(append(t.Private, what))
	case early:
		t.Early = last(append(t.Early, what))
	case dropped, going:
	}
}

// forget forgets that a lease has ended.
func (t *leasesText) forget(what leased) {
	same := func(other leased) bool { return other == what }
	t.Done, t.Private, t.Early = slices.DeleteFunc(t.Done, same), slices.DeleteFunc(t.Private, same), slices.DeleteFunc(t.Early, same)
}

// last gives the last of what has ended.
func last(all []leased) []leased { return all[max(0, len(all)-maxEnded):] }
