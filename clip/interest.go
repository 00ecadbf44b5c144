package clip

import (
	"slices"
	"sync"

	"clipfs/cache"
	"clipfs/clip/archive"
)

// interest knows who waits for which payload, and pushes that into the demand of its download, so that one that was begun
// ahead goes first once somebody reads.
type interest struct {
	// mu guards payloads and what is in them.
	mu       sync.Mutex
	payloads map[cache.Key]*interested
}

// interested is who waits for one payload.
type interested struct {
	counts [urgencies]int
	// demand is that of the downloads of the payload that joined.
	demand    *archive.Demand
	downloads int
}

// urgencies is how many there are.
const urgencies = int(archive.ForAhead) + 1

// newInterest gives one where nobody waits.
func newInterest() *interest { return &interest{payloads: make(map[cache.Key]*interested)} }

// add counts somebody in.
func (i *interest) add(key cache.Key, u archive.Priority) { i.change(key, u, 1) }

// remove counts somebody out who was counted in.
func (i *interest) remove(key cache.Key, u archive.Priority) { i.change(key, u, -1) }

// change adds to how many wait.
func (i *interest) change(key cache.Key, u archive.Priority, by int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	p := i.ofLocked(key)
	p.counts[u] += by
	first := slices.IndexFunc(p.counts[:int(archive.ForAhead)], func(n int) bool { return n > 0 })
	if first < 0 {
		first = int(archive.ForAhead)
	}
	p.demand.Store(archive.Priority(first))
	i.tidyLocked(key, p)
}

// join gives the demand for a payload to a download of it, which calls leave when it ends.
func (i *interest) join(key cache.Key) (demand *archive.Demand, leave func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	p := i.ofLocked(key)
	p.downloads++
	return p.demand, func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		p.downloads--
		i.tidyLocked(key, p)
	}
}

// ofLocked gives who waits for a payload.
func (i *interest) ofLocked(key cache.Key) *interested {
	p := i.payloads[key]
	if p == nil {
		p = &interested{demand: archive.NewDemand(archive.ForAhead)}
		i.payloads[key] = p
	}
	return p
}

// tidyLocked forgets a payload that nobody has to do with.
func (i *interest) tidyLocked(key cache.Key, p *interested) {
	if p.downloads == 0 && p.counts == ([urgencies]int{}) {
		delete(i.payloads, key)
	}
}

// more reports whether anybody wants more of a payload than its head.
func (i *interest) more(key cache.Key) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	p := i.payloads[key]
	return p != nil && p.counts[archive.ForReader]+p.counts[archive.ForAhead] > 0
}

// none reports whether nobody has to do with a payload.
func (i *interest) none(key cache.Key) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	p := i.payloads[key]
	return p == nil || p.counts == ([urgencies]int{})
}

// hold is one holder's hold on a payload in the cache.
type hold struct {
	*cache.Entry
	library *Library
	key     cache.Key
	urgency archive.Priority
	once    sync.Once
}

// hold takes a hold, for who asked, on the payload that a fetch brings, which begins if the payload is not there. It never
// waits.
func (l *Library) hold(who asked, f *fetch, u archive.Priority) (*hold, error) {
	l.interest.add(f.key, u)
	entry, err := l.cache.Acquire(f.key, f.request(who))
	if err != nil {
		l.interest.remove(f.key, u)
		return nil, fetchError(err)
	}
	l.slots.look()
	return &hold{Entry: entry, library: l, key: f.key, urgency: u}, nil
}

// release gives the hold up; a second call does nothing. A download that nobody holds any more is parked.
func (h *hold) release() {
	h.once.Do(func() {
		h.Release()
		h.library.interest.remove(h.key, h.urgency)
		h.library.slots.look()
	})
}
