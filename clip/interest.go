package clip

import (
	"sync"

	"clipfs/cache"
	"clipfs/clip/archive"
)

// interest knows who waits for which payload, so that a download that was begun ahead goes first once somebody reads.
type interest struct {
	// mu guards counts.
	mu     sync.Mutex
	counts map[cache.Key]*[urgencies]int
}

// urgencies is how many there are.
const urgencies = int(archive.ForAhead) + 1

// newInterest gives one where nobody waits.
func newInterest() *interest { return &interest{counts: make(map[cache.Key]*[urgencies]int)} }

// add counts somebody in.
func (i *interest) add(key cache.Key, u archive.Priority) {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := i.counts[key]
	if n == nil {
		n = new([urgencies]int)
		i.counts[key] = n
	}
	n[u]++
}

// remove counts somebody out who was counted in.
func (i *interest) remove(key cache.Key, u archive.Priority) {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := i.counts[key]
	n[u]--
	if *n == ([urgencies]int{}) {
		delete(i.counts, key)
	}
}

// of gives the most urgent of those who wait for a payload; ForAhead if nobody does.
func (i *interest) of(key cache.Key) archive.Priority {
	i.mu.Lock()
	defer i.mu.Unlock()
	if n := i.counts[key]; n != nil {
		for u := range n {
			if n[u] > 0 {
				return archive.Priority(u)
			}
		}
	}
	return archive.ForAhead
}

// more reports whether anybody wants more of a payload than its head.
func (i *interest) more(key cache.Key) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := i.counts[key]
	return n != nil && n[archive.ForReader]+n[archive.ForAhead] > 0
}

// none reports whether nobody has to do with a payload.
func (i *interest) none(key cache.Key) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.counts[key] == nil
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
