package clip

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"clipfs/cache"
)

const (
	// slotsGrow is after which time without a refusal one more download is tried at once.
	slotsGrow = 5 * time.Second
	// slotsGrace is how long further refusals count as part of the one that halved the number: they were under way.
	slotsGrace = time.Second
	// urgentOver is how many times the number of downloads readers may go to, as a seek never waits behind prefetch, and
	// heads, of which little is transferred.
	urgentOver = 2
	// headsWait is how long those who open clips give way to readers, and headsShare which part of the places they have
	// from then on: where many read all the time nobody would get to open anything.
	headsWait  = 2 * time.Second
	headsShare = 4
	// parkedOver is how many times the number of downloads may be parked: they transfer nothing.
	parkedOver = 4
)

// slots bounds how many downloads run at once. Who waits is served by urgency, then by order; readers do not wait for
// those who are less urgent, but for every fourth place where somebody has waited to open a clip for a while. A download of which nobody wants more is parked: it has no place until somebody does. Of more
// than parkedOver allows those are given up that are the least likely to be wanted: of the clips opened earlier, then what
// is last in the file. After the service refused calls for exceeded limits fewer run at once, and slowly more again.
type slots struct {
	// giveUp ends a download unless somebody holds it. It is called without mu.
	giveUp func(cache.Key) bool
	most   int

	// mu guards the rest.
	mu   sync.Mutex
	busy int
	// waiting has who waits, in the order of coming, running those who have or had a place, parked ones too.
	waiting []*slot
	running []*slot
	// limit held at the time since; it grows from there.
	limit int
	since time.Time
	// readers is how many readers were served since somebody who opens a clip was.
	readers int
}

// slot is one download.
type slot struct {
	key cache.Key
	// opening is the number of the opening of a clip that it was made for, and start when its footage begins.
	opening uint64
	start   time.Time
	// urgency tells who waits for it, wanted whether somebody wants more of it than its head, and left whether nobody has to
	// do with it at all. They are called with slots.mu held.
	urgency      func() Urgency
	wanted, left func() bool
	// headCame says that all has come that those want who want no more than its head.
	headCame atomic.Bool

	// slots.mu guards the rest. turn is closed when it is its turn, since when it waits for that.
	turn   chan struct{}
	since  time.Time
	parked bool
	// given says that it was to be given up.
	given bool
}

// rests reports whether a download has nothing to do.
func (d *slot) rests() bool { return d.left() || d.headCame.Load() && !d.wanted() }

// newSlots gives slots for at most so many downloads at once.
func newSlots(most int, giveUp func(cache.Key) bool) *slots {
	return &slots{giveUp: giveUp, most: most, limit: most}
}

// take waits for a place, or for ctx to end, whose cause it gives then. leave gives the place back.
func (s *slots) take(ctx context.Context, d *slot) error {
	s.mu.Lock()
	s.queueLocked(d)
	s.mu.Unlock()
	return s.wait(ctx, d)
}

// goOn is called by a download that has a place before each piece of work. It returns at once as long as somebody wants
// more of it. Else the download is parked, and goOn returns when it has a place again, or with the cause of ctx; then it
// has none.
func (s *slots) goOn(ctx context.Context, d *slot) error {
	s.mu.Lock()
	if !d.parked && !d.rests() {
		s.mu.Unlock()
		return nil
	}
	s.parkLocked(d)
	s.queueLocked(d)
	s.mu.Unlock()
	return s.wait(ctx, d)
}

// queueLocked puts a download among those who wait.
func (s *slots) queueLocked(d *slot) {
	d.turn, d.since = make(chan struct{}), time.Now()
	s.waiting = append(s.waiting, d)
}

// parkLocked takes its place from a download.
func (s *slots) parkLocked(d *slot) {
	if !d.parked {
		d.parked = true
		s.busy--
	}
}

// wait waits for a download's turn.
func (s *slots) wait(ctx context.Context, d *slot) error {
	s.look()
	select {
	case <-d.turn:
		return nil
	case <-ctx.Done():
	}
	s.leave(d)
	return context.Cause(ctx)
}

// leave ends a download, wherever it stands. A second call does nothing.
func (s *slots) leave(d *slot) {
	s.mu.Lock()
	if i := slices.Index(s.waiting, d); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	}
	if i := slices.Index(s.running, d); i >= 0 {
		s.running = slices.Delete(s.running, i, i+1)
		s.parkLocked(d)
		d.parked = false
	}
	s.mu.Unlock()
	s.look()
}

// look parks those of which nobody wants more, serves those who can be served, and has what is parked beyond the bound
// given up.
func (s *slots) look() {
	s.mu.Lock()
	for _, d := range s.running {
		if !d.parked && d.rests() {
			s.parkLocked(d)
		}
	}
	for s.serveLocked() {
	}
	keys := s.tooManyLocked()
	s.mu.Unlock()
	for _, key := range keys {
		s.giveUp(key)
	}
}

// tooManyLocked gives the keys of those that are parked beyond the bound. Each is given once while it is parked.
func (s *slots) tooManyLocked() []cache.Key {
	var parked []*slot
	for _, d := range s.running {
		if d.parked && !d.given && d.left() {
			parked = append(parked, d)
		}
	}
	over := len(parked) - s.most*parkedOver
	if over <= 0 {
		return nil
	}
	slices.SortFunc(parked, func(a, b *slot) int { return cmp.Or(cmp.Compare(a.opening, b.opening), b.start.Compare(a.start)) })
	keys := make([]cache.Key, over)
	for i, d := range parked[:over] {
		d.given = true
		keys[i] = d.key
	}
	return keys
}

// serveLocked gives a place to who comes next; false if nobody does.
func (s *slots) serveLocked() bool {
	now := time.Now()
	next, head, urgency := -1, -1, ForAhead+1
	for i, d := range s.waiting {
		if d.parked && d.rests() {
			continue
		}
		u := d.urgency()
		if u < urgency {
			next, urgency = i, u
		}
		if u == ForHead && head < 0 && now.Sub(d.since) >= headsWait {
			head = i
		}
	}
	limit := s.limitLocked(now)
	if urgency <= ForHead {
		limit *= urgentOver
	}
	if next < 0 || s.busy >= limit {
		return false
	}
	switch {
	case head >= 0 && s.readers >= headsShare-1:
		next, s.readers = head, 0
	case urgency == ForReader:
		s.readers++
	case urgency == ForHead:
		s.readers = 0
	}
	d := s.waiting[next]
	s.waiting = slices.Delete(s.waiting, next, next+1)
	if !d.parked {
		s.running = append(s.running, d)
	}
	d.parked, d.given = false, false
	s.busy++
	close(d.turn)
	return true
}

// limitLocked gives how many downloads may run at a time.
func (s *slots) limitLocked(now time.Time) int {
	return min(s.most, s.limit+int(now.Sub(s.since)/slotsGrow))
}

// refused halves how many may run.
func (s *slots) refused() {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.since) < slotsGrace {
		return
	}
	s.limit, s.since = max(1, min(s.limitLocked(now), s.busy)/2), now
}
