package download

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/queue"
)

const (
	// growAfter is the time without a refusal after which one more download of a stream is tried at once.
	growAfter = 5 * time.Second
	// refusalGrace is how long further refusals count as part of the one that halved the number: they were under way.
	refusalGrace = time.Second
	// readersOver is how many times the usual number of downloads readers may reach: a seek never waits behind prefetch.
	readersOver = 2
	// HeadsOver is how many times the usual number of downloads heads may reach: little is transferred of them, they wait for
	// the service to begin, and there are as many as the quota allows. It is more than readersOver: else readers would let no
	// clip be opened.
	HeadsOver = 4
	// PausedOver is how many times the usual number of downloads may be paused: they transfer nothing.
	PausedOver = 4
)

// scheduler bounds how many downloads run at once. They are served by priority, then in the order of coming; readers do not
// wait for what is less pressing, and opening clips has places that readers do not take. Nor does a paused download wait for heads that
// nobody reads on from: its call was made, and theirs wait for points.
//
// A download of which no holder wants more is paused: it has no place until one does. Where more than PausedOver allows are
// paused, those are given up that are the least likely to be wanted: of the clips opened earlier, then what is last in the
// file. After the service refused calls on a stream for exceeded limits, which are each stream's own, fewer of that stream run
// at once, and slowly more again; other streams do not wait for it.
type scheduler struct {
	// giveUp ends a download that is not held. It is called without mu.
	giveUp func(cache.Key) bool
	most   int

	// mu guards the rest.
	mu      sync.Mutex
	demands demands
	// waiting has the downloads that wait for a place, running those that have or had one, paused ones too.
	waiting queue.Queue[*download]
	running []*download
	// refusals has the streams of which fewer run than most.
	refusals map[archive.StreamName]refusal
}

// refusal is how many downloads of a stream were allowed at once at a time, since when there are more.
type refusal struct {
	limit int
	since time.Time
}

// pace gives how many may run at a time by now, as a rule.
func (r refusal) pace(now time.Time) int { return r.limit + int(now.Sub(r.since)/growAfter) }

// download is one download.
type download struct {
	key    cache.Key
	stream archive.StreamName
	// opening is the number of the opening of a clip that it was made for, and start when its footage begins.
	opening uint64
	start   time.Time
	// headCame says that all has come that a holder wants who wants no more than the head.
	headCame atomic.Bool

	// scheduler.mu guards the rest.
	demand *demand
	waiter *queue.Waiter[*download]
	paused bool
	// given says that it was to be given up.
	given bool
}

// idle reports whether a download has nothing to do.
func (d *download) idle() bool { return d.demand.none() || d.headCame.Load() && !d.demand.more() }

// newScheduler gives one for at most so many downloads at once.
func newScheduler(most int, giveUp func(cache.Key) bool) *scheduler {
	return &scheduler{
		giveUp: giveUp, most: most, demands: make(demands), refusals: make(map[archive.StreamName]refusal),
	}
}

// enter makes a download known. exit has to follow.
func (s *scheduler) enter(d *download) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.demand = s.demands.of(d.key)
	d.demand.downloads++
}

func (s *scheduler) exit(d *download) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.demand.downloads--
	s.demands.settle(d.key, d.demand)
}

// want adds holders of a payload, or takes them away if n is less than 0, and schedules what that changes.
func (s *scheduler) want(key cache.Key, p archive.Priority, n int) {
	s.mu.Lock()
	d := s.demands.of(key)
	d.holders[p] += n
	s.demands.settle(key, d)
	s.mu.Unlock()
	s.schedule()
}

// take waits for a place, or for ctx to end, whose cause it gives then. leave gives the place back.
func (s *scheduler) take(ctx context.Context, d *download) error {
	s.mu.Lock()
	return s.waitUnlock(ctx, d)
}

// proceed is called before each piece of work by a download that has a place. It returns at once as long as a holder wants
// more of it. Else the download is paused, which it reports, and proceed returns when it has a place again, or with the cause of
// ctx and no place.
func (s *scheduler) proceed(ctx context.Context, d *download) (paused bool, err error) {
	s.mu.Lock()
	if !d.paused && !d.idle() {
		s.mu.Unlock()
		return false, nil
	}
	d.paused = true
	return true, s.waitUnlock(ctx, d)
}

// wantsMore reports whether more of a download is wanted than its head.
func (s *scheduler) wantsMore(d *download) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return d.demand.more()
}

// waitUnlock unlocks mu and waits for a download's turn. What moves a download up calls schedule itself.
func (s *scheduler) waitUnlock(ctx context.Context, d *download) error {
	d.waiter = s.waiting.Add(d.demand.priority, d)
	s.mu.Unlock()
	s.schedule()
	err := d.waiter.Wait(ctx, nil)
	if err != nil {
		s.leave(d)
	}
	return err
}

// leave ends a download, wherever it stands. A second call does nothing.
func (s *scheduler) leave(d *download) {
	s.mu.Lock()
	s.waiting.Remove(d.waiter)
	if i := slices.Index(s.running, d); i >= 0 {
		s.running = slices.Delete(s.running, i, i+1)
		d.paused = false
	}
	s.mu.Unlock()
	s.schedule()
}

// schedule pauses the downloads that are idle, serves those that can be served, and has what is paused beyond the bound given
// up.
func (s *scheduler) schedule() {
	s.mu.Lock()
	for _, d := range s.running {
		if d.idle() {
			d.paused = true
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

// tooManyLocked gives the keys of the downloads that are paused beyond the bound. Each is given once while it is paused.
func (s *scheduler) tooManyLocked() []cache.Key {
	var paused []*download
	for _, d := range s.running {
		if d.paused && !d.given && d.demand.none() {
			paused = append(paused, d)
		}
	}
	over := len(paused) - s.most*PausedOver
	if over <= 0 {
		return nil
	}
	slices.SortFunc(paused, func(a, b *download) int { return cmp.Or(cmp.Compare(a.opening, b.opening), b.start.Compare(a.start)) })
	keys := make([]cache.Key, over)
	for i, d := range paused[:over] {
		d.given = true
		keys[i] = d.key
	}
	return keys
}

// serveLocked gives a place to the download that comes next; false if there is none.
func (s *scheduler) serveLocked() bool {
	load, held := s.loadLocked(""), s.heldLocked(time.Now())
	full := load.full(s.most)
	for w := range s.waiting.All() {
		d, p := w.Value, w.Priority()
		goesOn := d.paused && p == archive.ForAhead && load.bodies() < s.most
		if full[p] && !goesOn || held[d.stream][p] || d.paused && d.idle() {
			continue
		}
		if !d.paused {
			s.running = append(s.running, d)
		}
		d.paused, d.given = false, false
		s.waiting.Grant(w)
		return true
	}
	return false
}

// heldLocked gives which priorities are full, of each stream that was refused, and forgets refusals that are over.
func (s *scheduler) heldLocked(now time.Time) map[archive.StreamName][priorities]bool {
	if len(s.refusals) == 0 {
		return nil
	}
	held := make(map[archive.StreamName][priorities]bool, len(s.refusals))
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

// load is how many downloads run, and how many of them for no more than a head.
type load struct{ busy, heads int }

// bodies is how many of the downloads run for more than a head.
func (n load) bodies() int { return n.busy - n.heads }

// loadLocked counts the downloads that run of a stream; of all, if it is empty.
func (s *scheduler) loadLocked(stream archive.StreamName) (n load) {
	for _, d := range s.running {
		if d.paused || stream != "" && d.stream != stream {
			continue
		}
		n.busy++
		if d.demand.priority.Load() == archive.ForHead {
			n.heads++
		}
	}
	return n
}

// full gives the priorities of which no more may run, where it is pace as a rule.
func (n load) full(pace int) [priorities]bool {
	limit := [priorities]int{
		archive.ForReader: readersOver*pace + n.heads,
		archive.ForHead:   HeadsOver * pace,
		archive.ForAhead:  pace,
	}
	var full [priorities]bool
	for p := range full {
		full[p] = n.busy >= limit[p]
	}
	return full
}

// refused halves how many of a stream may run.
func (s *scheduler) refused(stream archive.StreamName) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	pace := s.most
	if before, ok := s.refusals[stream]; ok {
		if now.Sub(before.since) < refusalGrace {
			return
		}
		pace = min(pace, before.pace(now))
	}
	s.refusals[stream] = refusal{limit: max(1, min(pace, s.loadLocked(stream).busy)/2), since: now}
}
