package clip

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// slotsGrow is after which time without a refusal one more download is tried at once.
	slotsGrow = 5 * time.Second
	// slotsGrace is how long further refusals count as part of the one that halved the number: they were under way.
	slotsGrace = time.Second
	// readersOver is how many times the number of downloads readers may go to: a seek never waits behind prefetch.
	readersOver = 2
)

// slots bounds how many downloads run at once. Who waits is served by urgency, then by order; readers do not wait for
// those who are less urgent. A download that nobody holds any more gives its place to whoever waits. After the service
// refused calls for exceeded limits fewer run at once, and slowly more again.
type slots struct {
	// giveUp ends a download that nobody holds; false if there is none. It is called without mu.
	giveUp func() bool
	most   int

	// mu guards the rest.
	mu      sync.Mutex
	busy    int
	waiting []*slotTicket
	// limit held at the time since; it grows from there.
	limit int
	since time.Time
}

// slotTicket is one who waits.
type slotTicket struct {
	urgency func() Urgency
	turn    chan struct{}
}

// newSlots gives slots for at most so many downloads at once.
func newSlots(most int, giveUp func() bool) *slots {
	return &slots{giveUp: giveUp, most: most, limit: most}
}

// take waits for a place, or for ctx to end, whose cause it gives then. leave gives the place back.
func (s *slots) take(ctx context.Context, urgency func() Urgency) error {
	t := &slotTicket{urgency: urgency, turn: make(chan struct{})}
	s.mu.Lock()
	s.waiting = append(s.waiting, t)
	s.mu.Unlock()
	s.look()
	select {
	case <-t.turn:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	i := slices.Index(s.waiting, t)
	if i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	}
	s.mu.Unlock()
	if i < 0 { // its turn came in this moment
		s.leave()
	}
	return context.Cause(ctx)
}

// leave gives a place back.
func (s *slots) leave() {
	s.mu.Lock()
	s.busy--
	s.mu.Unlock()
	s.look()
}

// look serves those who can be served, and has downloads given up that nobody holds where others wait.
func (s *slots) look() {
	s.mu.Lock()
	for s.serveLocked() {
	}
	left := len(s.waiting)
	s.mu.Unlock()
	for range left {
		if !s.giveUp() {
			return
		}
	}
}

// serveLocked gives a place to who comes next; false if nobody does.
func (s *slots) serveLocked() bool {
	next, urgency := -1, ForAhead+1
	for i, t := range s.waiting {
		if u := t.urgency(); u < urgency {
			next, urgency = i, u
		}
	}
	limit := s.limitLocked(time.Now())
	if urgency == ForReader {
		limit *= readersOver
	}
	if next < 0 || s.busy >= limit {
		return false
	}
	close(s.waiting[next].turn)
	s.waiting = slices.Delete(s.waiting, next, next+1)
	s.busy++
	return true
}

// limitLocked gives how many downloads may run at a time.
func (s *slots) limitLocked(now time.Time) int {
	return min(s.most, s.limit+int(now.Sub(s.since)/slotsGrow))
}

// refused halves how many may run.
func (s *slots) refused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.limit < s.most && now.Sub(s.since) < slotsGrace {
		return
	}
	s.limit, s.since = max(1, min(s.limitLocked(now), s.busy)/2), now
}
