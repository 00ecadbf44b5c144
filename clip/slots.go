package clip

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
)

const (
	// slotsGrow is after which time without a refusal one more download of a stream is tried at once.
	slotsGrow = 5 * time.Second
	// slotsGrace is how long further refusals count as part of the one that halved the number: they were under way.
	slotsGrace = time.Second
	// urgentOver is how many times the number of downloads readers may go to, as a seek never waits behind prefetch.
	urgentOver = 2
	// headsOver is how many times the number of downloads heads may go to: little is transferred of them, they wait for the
	// service to begin, and there are as many as the quota allows. It is more than urgentOver, as readers would else let
	// nobody open anything.
	headsOver = 4
	// parkedOver is how many times the number of downloads may be parked: they transfer nothing.
	parkedOver = 4
)

// slots bounds how many downloads run at once. Who waits is served by urgency, then by order; readers do not wait for
// those who are less urgent, and those who open clips have places that readers do not take. A download of
// which nobody wants more is parked: it has no place until somebody does. Of more than parkedOver allows those are given up
// that are the least likely to be wanted: of the clips opened earlier, then what is last in the file. After the service
// refused calls on a stream for exceeded limits, which are each stream's own, fewer of that stream run at once, and slowly
// more again; other streams do not wait for it.
type slots struct {
	// giveUp ends a download unless somebody holds it. It is called without mu.
	giveUp func(cache.Key) bool
	most   int

	// mu guards the rest.
	mu sync.Mutex
	// waiting has who waits, in the order of coming, running those who have or had a place, parked ones too.
	waiting []*slot
	running []*slot
	// refusals has the streams of which fewer run than most.
	refusals map[archive.StreamName]refusal
}

// refusal is how many downloads of a stream were let run at once at a time, since when there are more.
type refusal struct {
	limit int
	since time.Time
}

// pace gives how many may run at a time by now, as a rule.
func (r refusal) pace(now time.Time) int { return r.limit + int(now.Sub(r.since)/slotsGrow) }

// slot is one download.
type slot struct {
	key    cache.Key
	stream archive.StreamName
	// opening is the number of the opening of a clip that it was made for, and start when its footage begins.
	opening uint64
	start   time.Time
	demand  *archive.Demand
	// wanted tells whether somebody wants more of it than its head, and left whether nobody has to do with it at all. They
	// are called with slots.mu held.
	wanted, left func() bool
	// headCame says that all has come that those want who want no more than its head.
	headCame atomic.Bool

	// slots.mu guards the rest. turn is closed when it is its turn.
	turn   chan struct{}
	parked bool
	// given says that it was to be given up.
	given bool
}

// rests reports whether a download has nothing to do.
func (d *slot) rests() bool { return d.left() || d.headCame.Load() && !d.wanted() }

// newSlots gives slots for at most so many downloads at once.
func newSlots(most int, giveUp func(cache.Key) bool) *slots {
	return &slots{giveUp: giveUp, most: most, refusals: make(map[archive.StreamName]refusal)}
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
	d.parked = true
	s.queueLocked(d)
	s.mu.Unlock()
	return s.wait(ctx, d)
}

// queueLocked puts a download among those who wait.
func (s *slots) queueLocked(d *slot) {
	d.turn = make(chan struct{})
	s.waiting = append(s.waiting, d)
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
			d.parked = true
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
	full, held := s.loadLocked("").full(s.most), s.heldLocked(time.Now())
	var next [urgencies]int // of each urgency who came first and may run, counted from 1
	for i, d := range s.waiting {
		if d.parked && d.rests() {
			continue
		}
		if u := d.demand.Load(); next[u] == 0 && !full[u] && !held[d.stream][u] {
			next[u] = i + 1
		}
	}
	for _, i := range next {
		if i > 0 {
			s.placeLocked(i - 1)
			return true
		}
	}
	return false
}

// heldLocked gives of which urgency no more may run, of each stream that was refused, and forgets refusals that are over.
func (s *slots) heldLocked(now time.Time) map[archive.StreamName][urgencies]bool {
	if len(s.refusals) == 0 {
		return nil
	}
	held := make(map[archive.StreamName][urgencies]bool, len(s.refusals))
	for stream, r := range s.refusals {
		pace := r.pace(now)
		if pace >= s.most {
			delete(s.refusals, stream)
			continue
		}
		held[stream] = s.loadLocked(stream).full(pace)
	}
	return held
}

// placeLocked gives a place to one of those who wait.
func (s *slots) placeLocked(i int) {
	d := s.waiting[i]
	s.waiting = slices.Delete(s.waiting, i, i+1)
	if !d.parked {
		s.running = append(s.running, d)
	}
	d.parked, d.given = false, false
	close(d.turn)
}

// load is how many downloads run, and how many of them for no more than a head.
type load struct{ busy, heads int }

// loadLocked counts the downloads that run of a stream; of all, if it is empty.
func (s *slots) loadLocked(stream archive.StreamName) (n load) {
	for _, d := range s.running {
		if d.parked || stream != "" && d.stream != stream {
			continue
		}
		n.busy++
		if d.demand.Load() == archive.ForHead {
			n.heads++
		}
	}
	return n
}

// limit gives how many downloads may run at a time for one more of an urgency to begin, where it is pace as a rule.
func (n load) limit(pace int, u archive.Priority) int {
	switch u {
	case archive.ForReader:
		return urgentOver*pace + n.heads
	case archive.ForHead:
		return headsOver * pace
	default:
		return pace
	}
}

// full gives of which urgency no more may run, where it is pace as a rule.
func (n load) full(pace int) (full [urgencies]bool) {
	for u := range full {
		full[u] = n.busy >= n.limit(pace, archive.Priority(u))
	}
	return full
}

// refused halves how many of a stream may run.
func (s *slots) refused(stream archive.StreamName) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	pace := s.most
	if before, ok := s.refusals[stream]; ok {
		if now.Sub(before.since) < slotsGrace {
			return
		}
		pace = min(pace, before.pace(now))
	}
	s.refusals[stream] = refusal{limit: max(1, min(pace, s.loadLocked(stream).busy)/2), since: now}
}
