// Package quota lets the calls that read a stream share one of its quotas by priority: a Bucket holds the quota's points
// and fills at its rate.
//
// # How calls share the points of a bucket
//
//   - A call takes all its points at once, when they are there, and waits in the bucket's queue until then. Nothing is
//     promised to it before. So a later call of higher priority has every point that those in the queue wait for.
//   - Next is the call of the highest priority, and of these the one that came first. No call overtakes it with fewer
//     points: it would wait for ever behind small calls. The choice is made again when a priority changes, so that a
//     call moves up when somebody begins to read what it was made for. But where a call for a head has waited for
//     headWait, one call in headShare is for a head: readers that use all of a quota would else let nobody open anything
//     of the stream.
//   - Heads have the full rate while nobody else is seen to read the stream. For a while after somebody was, here (calls
//     for heads and others were in the queue together) or elsewhere (the service refused calls more than once in that
//     time), they also take their points from an allowance, which fills at half the quota at most. So half the quota is
//     left to the others. Prefetch is not held back so: without it its reader would ask for the same at the full rate.
//     The allowance is as large as the bucket, so that the heads of a clip of some minutes are asked for at once, but
//     never more than what is in it: what readers took is not made up for.
//     Even alone they leave some points in the bucket: calls that reach the service later than they were sent, and then
//     together, would be refused where heads have spent all. So do all calls that take points for metadata, as a long
//     listing goes out in several calls at once, and the first of them have to connect. Both leave less once answers tell how late
//     the first of them was (arrivals.go).
//   - A bucket holds a second's points, or what the largest call in the queue needs if that is more.
//   - A refusal by the service empties the bucket and halves the rate at which it fills: others take of the same quota.
//     The rate comes back (see recovery).
//
// Bucket.mu guards everything in a bucket and is held for moments only. A timer of the bucket, which runs only while a
// call waits, serves the queue when the points of the next call are there. No goroutine stays behind.
package quota

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/queue"
)

const (
	// slowGrace is how long a bucket takes further refusals for part of the one that slowed it: they were under way.
	slowGrace = 500 * time.Millisecond
	// allowed is the share of the quota that heads may take for so long after others were seen.
	allowed  = 0.5
	courtesy = time.Minute
	// spare is the share of a second's points that heads, and pages of a listing, leave in the bucket.
	spare = 0.2
	// headWait is how long heads give way to readers, and headShare which share of the calls they have then.
	headWait  = 2 * time.Second
	headShare = 4
	// almost is what points may lack for rounding.
	almost = 1e-6
)

// ErrLate says that the points of a call would come after its deadline, even if no other call waited. It is an
// archive.ErrThrottled.
var ErrLate = fmt.Errorf("no points before the deadline: %w", archive.ErrThrottled)

// Bucket holds points of one quota.
type Bucket struct {
	// quota is the rate in points a second, and burst what the bucket holds as a rule.
	quota, burst float64
	// together says that all calls leave points in the bucket, as those for heads do.
	together bool

	// mu guards what follows.
	mu       sync.Mutex
	recovery recovery
	// points that were there at the time filled, and how many of them heads may have.
	points, allowance float64
	filled            time.Time
	// shared is until when others are believed to read the stream too.
	shared time.Time
	// refused is when the service last refused a call.
	refused time.Time
	// others counts the calls since the last one for a head.
	others  int
	waiting queue.Queue[ticket]
	// mixed: calls for heads and others have waited together since the last choice.
	mixed bool
	// timer is set while a call waits.
	timer *time.Timer
	// arrivals tells how much calls have to leave where they leave points in the bucket.
	arrivals arrivals
}

// ticket is one call that waits.
type ticket struct {
	points float64
	since  time.Time
}

// New returns a full bucket that fills at quota points a second.
func New(quota float64) *Bucket {
	burst, now := max(1, math.Floor(quota)), time.Now()
	return &Bucket{
		quota: quota, burst: burst, recovery: recovery{share: 1, back: 1, since: now}, points: burst, allowance: burst, filled: now,
	}
}

// Take waits for n points. It returns ErrLate at once where they would come after the deadline of ctx, and the error of ctx
// when that ends.
func (b *Bucket) Take(ctx context.Context, n int, demand *archive.Demand) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := b.queue(ctx, float64(n), demand)
	if t == nil {
		return ErrLate
	}
	if t.Wait(ctx, b.look) == nil {
		return nil
	}
	b.leave(t)
	return ctx.Err()
}

// queue puts a call into the queue; nil for one that a reader's points would reach after its deadline.
func (b *Bucket) queue(ctx context.Context, points float64, demand *archive.Demand) *queue.Waiter[ticket] {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.fillLocked(now)
	if deadline, ok := ctx.Deadline(); ok && b.points+b.gainLocked(now, deadline, 1) < points-almost {
		return nil
	}
	t := b.waiting.Add(demand, ticket{points: points, since: now})
	b.serveLocked(now)
	return t
}

// leave takes a call out of the queue. What it was given in the same moment goes back.
func (b *Bucket) leave(t *queue.Waiter[ticket]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.fillLocked(now)
	if !b.waiting.Remove(t) {
		b.points += t.Value.points // the allowance stays: for what it waited is not known any more
	}
	b.serveLocked(now)
}

// GiveBack puts points back that a call took and did not cost.
func (b *Bucket) GiveBack(points float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.fillLocked(now)
	b.points = max(b.points, min(b.burst, b.points+points))
	b.allowance = min(b.points, b.allowance+points)
	b.serveLocked(now)
}

// Answered tells of an answer to a call for which points were taken, and when that was sent.
func (b *Bucket) Answered(sent time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.arrivals.note(sent, now)
	b.serveLocked(now)
}

// look serves the calls that have their points now.
func (b *Bucket) look() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.serveLocked(time.Now())
}

// Slow halves the rate and empties the bucket, once for refusals that come together. It gives the share of the quota
// that is left.
func (b *Bucket) Slow() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.recovery.share < 1 && now.Sub(b.recovery.since) < slowGrace {
		return b.recovery.share
	}
	b.fillLocked(now)
	b.recovery = b.recovery.slower(now)
	b.points, b.allowance = 0, 0
	if !b.refused.IsZero() && now.Sub(b.refused) < courtesy {
		b.shared = now.Add(courtesy)
	}
	b.refused = now
	b.serveLocked(now)
	return b.recovery.share
}

// serveLocked gives calls their points as long as there are enough for the next one, and sets the timer for it.
func (b *Bucket) serveLocked(now time.Time) {
	b.fillLocked(now)
	for b.waiting.Len() > 0 {
		next, until := b.nextLocked(now)
		if at := b.readyLocked(now, next); at.After(now) {
			if !until.IsZero() && until.Before(at) {
				at = until
			}
			b.wakeLocked(at.Sub(now))
			return
		}
		if b.points >= b.burst-almost {
			b.arrivals.begin(now)
		}
		points := next.Value.points
		b.points -= points
		b.others++
		if next.Priority() == archive.ForHead {
			b.allowance = max(0, b.allowance-points)
			b.others = 0
		}
		b.allowance = min(b.allowance, b.points)
		b.waiting.Grant(next)
	}
	b.mixed = false
	if b.timer != nil {
		b.timer.Stop()
	}
}

// nextLocked chooses the next of the calls that wait, and tells until when time alone does not change the choice; the zero
// time if it never does. It notes where calls for heads and others wait together.
func (b *Bucket) nextLocked(now time.Time) (next *queue.Waiter[ticket], until time.Time) {
	var head *queue.Waiter[ticket]
	heads := 0
	for t := range b.waiting.All() {
		if next == nil {
			next = t
		}
		if t.Priority() == archive.ForHead {
			if heads++; heads == 1 {
				head = t
			}
		}
	}
	if b.mixed = heads > 0 && heads < b.waiting.Len(); b.mixed {
		b.shared = now.Add(courtesy)
	}
	if head == nil || next == head || b.others < headShare-1 {
		return next, time.Time{}
	}
	if until = head.Value.since.Add(headWait); until.After(now) {
		return next, until
	}
	return head, time.Time{}
}

// readyLocked is when a call can have its points, or when that has to be asked again.
func (b *Bucket) readyLocked(now time.Time, t *queue.Waiter[ticket]) time.Time {
	points := t.Value.points
	lack, lackAllowance := points-b.points, 0.0
	again := t.Priority() == archive.ForHead && now.Before(b.shared)
	switch {
	case again:
		lackAllowance = points - b.allowance
	case t.Priority() == archive.ForHead || b.together:
		// Those of a large call that fills the bucket beyond its size come with nothing to spare.
		lack += min(b.arrivals.spare(spare)*b.burst, max(0, b.burst-points))
	}
	at := b.whenLocked(now, lack, 1)
	if other := b.whenLocked(now, lackAllowance, allowed); other.After(at) {
		at = other
	}
	if again && at.After(b.shared) {
		at = b.shared
	}
	return at
}

// whenLocked is when so many more points have come at no more than a share of the quota. It is later than now if any are
// to come.
func (b *Bucket) whenLocked(now time.Time, points, most float64) time.Time {
	if points <= almost {
		return now
	}
	_, before := b.recovery.at(now, most)
	at := b.recovery.when(before+points/b.quota, most)
	if soonest := now.Add(time.Microsecond); at.Before(soonest) {
		return soonest
	}
	return at
}

// wakeLocked sets the timer.
func (b *Bucket) wakeLocked(after time.Duration) {
	if b.timer == nil {
		b.timer = time.AfterFunc(after, b.look)
		return
	}
	b.timer.Reset(after)
}

// fillLocked adds what has come since the last time.
func (b *Bucket) fillLocked(now time.Time) {
	if b.mixed {
		b.shared = now.Add(courtesy)
	}
	room := b.burst
	for t := range b.waiting.All() {
		room = max(room, t.Value.points)
	}
	alone := b.filled // from when on nobody else was seen
	if b.shared.After(alone) {
		alone = b.shared
		if now.Before(alone) {
			alone = now
		}
	}
	b.points = min(room, b.points+b.gainLocked(b.filled, now, 1))
	b.allowance = min(b.points, b.allowance+b.gainLocked(b.filled, alone, allowed)+b.gainLocked(alone, now, 1))
	b.filled = now
}

// Opening tells the points that a call for a head may take at once now, and those a second after that.
func (b *Bucket) Opening() (atOnce, perSecond float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.fillLocked(now)
	share, _ := b.recovery.at(now, 1)
	if now.Before(b.shared) {
		return min(b.points, b.allowance), b.quota * min(share, allowed)
	}
	return max(0, b.points-b.arrivals.spare(spare)*b.burst), b.quota * share
}

// gainLocked gives the points that come between two times at no more than a share of the quota.
func (b *Bucket) gainLocked(from, to time.Time, most float64) float64 {
	if !to.After(from) {
		return 0
	}
	_, before := b.recovery.at(from, most)
	_, after := b.recovery.at(to, most)
	return b.quota * (after - before)
}

// Level is what is in a bucket.
type Level struct {
	// Left is how many points a call could have at once, of Burst. Rate is how many come a second now, Limit how many do
	// when the service has not refused calls of late.
	Left, Burst, Rate, Limit float64
	// Waiting is how many calls wait for points.
	Waiting int
}

// Level is what is in the bucket now.
func (b *Bucket) Level() Level {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.fillLocked(now)
	share, _ := b.recovery.at(now, 1)
	return Level{
		Left: max(b.points, 0), Burst: b.burst, Rate: b.quota * share, Limit: b.quota, Waiting: b.waiting.Len(),
	}
}
