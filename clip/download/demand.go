package download

import (
	"clipfs/cache"
	"clipfs/clip/archive"
)

// priorities is how many there are.
const priorities = int(archive.ForAhead) + 1

// demand is who wants one payload. scheduler.mu guards it, but for priority.
type demand struct {
	// holders counts them by priority.
	holders [priorities]int
	// downloads is how many downloads of the payload there are.
	downloads int
	// priority is the first of the holders'; ForAhead if there are none. It tells the archive of its changes.
	priority *archive.Demand
}

// more reports whether any holder wants more than the head.
func (d *demand) more() bool { return d.holders[archive.ForReader]+d.holders[archive.ForAhead] > 0 }

// none reports whether there are no holders.
func (d *demand) none() bool { return d.holders == [priorities]int{} }

// demandLocked gives the demand for a payload. It is forgotten once it has neither holders nor downloads.
func (s *scheduler) demandLocked(key cache.Key) *demand {
	d := s.demands[key]
	if d == nil {
		d = &demand{priority: archive.NewDemand(archive.ForAhead)}
		s.demands[key] = d
	}
	return d
}

// settleLocked follows a change of the holders or the downloads of a payload.
func (s *scheduler) settleLocked(key cache.Key, d *demand) {
	first := archive.ForReader
	for first < archive.ForAhead && d.holders[first] == 0 {
		first++
	}
	d.priority.Store(first)
	if d.none() && d.downloads == 0 {
		delete(s.demands, key)
	}
}

// want adds a holder of a payload, unwant takes it away. schedule has to follow.
func (s *scheduler) want(key cache.Key, p archive.Priority) { s.count(key, p, 1) }

func (s *scheduler) unwant(key cache.Key, p archive.Priority) { s.count(key, p, -1) }

func (s *scheduler) count(key cache.Key, p archive.Priority, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.demandLocked(key)
	d.holders[p] += n
	s.settleLocked(key, d)
}
