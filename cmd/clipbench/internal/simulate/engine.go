package simulate

import (
	"container/heap"
	"math"
)

// engine runs events in the order of their times, and those of one time in the order in which they were made.
type engine struct {
	now    Seconds
	events events
	made   int
}

type event struct {
	at  Seconds
	seq int
	do  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, k int) bool {
	return e[i].at < e[k].at || e[i].at == e[k].at && e[i].seq < e[k].seq
}
func (e events) Swap(i, k int) { e[i], e[k] = e[k], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	(*e)[last] = event{}
	*e = (*e)[:last]
	return x
}

// at has something done at a time, at the earliest now.
func (e *engine) at(when Seconds, do func()) {
	e.made++
	heap.Push(&e.events, event{at: max(when, e.now), seq: e.made, do: do})
}

// in has something done after a time.
func (e *engine) in(wait Seconds, do func()) { e.at(e.now+wait, do) }

func (e *engine) run() {
	for len(e.events) > 0 {
		next := heap.Pop(&e.events).(event)
		e.now = next.at
		next.do()
	}
}

// quota is a bucket of points whose customers are served in the order of arrival.
type quota struct {
	rate, burst float64
	level       float64
	filled      Seconds
	peak        *rate
}

func newQuota(perSecond float64) *quota {
	return &quota{rate: perSecond, burst: perSecond, level: perSecond, peak: &rate{}}
}

// take gives when so many points are there for the next customer, and takes them.
func (q *quota) take(now Seconds, points float64) Seconds {
	from := max(now, q.filled)
	q.level = min(max(q.burst, points), q.level+q.rate*float64(from-q.filled))
	q.filled = from
	if q.level < points {
		wait := Seconds((points - q.level) / q.rate)
		q.filled, q.level = from+wait, points
	}
	q.level -= points
	q.peak.add(q.filled, points)
	return q.filled
}

// line is a connection of a number of bytes a second that all share, served in the order of arrival; 0 has no limit.
type line struct {
	rate float64
	free Seconds
}

// pass gives when so many bytes are through that one customer alone takes at least so long for.
func (l *line) pass(now Seconds, bytes float64, alone Seconds) Seconds {
	if l.rate <= 0 {
		return now + alone
	}
	l.free = max(l.free, now) + Seconds(bytes/l.rate)
	return max(l.free, now+alone)
}

// rate counts what happens in each second.
type rate struct {
	counts map[int]float64
	most   float64
}

func (r *rate) add(at Seconds, n float64) {
	if r.counts == nil {
		r.counts = make(map[int]float64)
	}
	second := int(math.Floor(float64(at)))
	r.counts[second] += n
	r.most = max(r.most, r.counts[second])
}

// spread counts a number of things that are as far apart as each other.
func (r *rate) spread(from, to Seconds, n float64) {
	first, last := math.Floor(float64(from)), math.Floor(float64(to))
	for s := first; s <= last; s++ {
		r.add(Seconds(s), n/(last-first+1))
	}
}

// together has n things done, width of them at once and in their order, and then calls all.
func together(n, width int, do func(i int, done func()), all func()) {
	next, left := 0, n
	if n == 0 {
		all()
		return
	}
	var one func()
	one = func() {
		if next == n {
			return
		}
		i := next
		next++
		do(i, func() {
			if left--; left == 0 {
				all()
				return
			}
			one()
		})
	}
	for range min(n, width) {
		one()
	}
}
