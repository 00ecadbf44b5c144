package kvs

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"clipfs/clip/archive"
)

// How calls share the points of a bucket:
//
//   - A call takes all its points at once, when they are there, and waits in the bucket's queue until then. Nothing is
//     promised to it before. So whoever comes later and is more urgent has every point that those in the queue wait for.
//   - Next is the most urgent in the queue, and of these the one that came first. Nobody overtakes it with fewer
//     points: it would wait for ever behind small calls. Urgencies are asked anew for each choice, and every lookAgain
//     at the latest, so that a call moves up when somebody begins to read what it was made for. But where somebody has
//     waited to open a clip for headWait, one call in headShare is for a head: readers who use all of a quota would else let
//     nobody open anything of the stream.
//   - Whoever opens a clip has the full rate while nobody else is seen to read the stream. For a while after somebody was,
//     here (calls that are not for heads and calls that are were in the queue together) or elsewhere (the service refused
//     calls more than once in that time), it also takes its points from an allowance, which fills at half the quota at most. So half the quota is left to
//     the others. What is fetched ahead of a reader is not held back so: without it he would ask for the same at the full
//     rate himself. The allowance is as large as the bucket, so that the heads of a clip of some minutes are asked for at
//     once, but never more than what is in it: what readers took is not made up for.
//     Even alone it leaves some points in the bucket: calls that reach the service later than they were sent, and then
//     together, would be refused where it has spent all.
//   - A bucket holds a second's points, or what the largest call in the queue needs if that is more.
//   - A refusal by the service empties the bucket and halves the rate at which it fills: others take of the same quota.
//     The rate comes back in two legs (see pace): soon to a little less than it was, so that the one of two mounts that
//     happens to be refused does not lose its half to the other for long, and from there slowly.
//
// bucket.mu guards everything in a bucket and is held for moments only. Calls in the queue wait on their own channels; a
// timer of the bucket, which runs only while somebody waits, serves them. No goroutine stays behind.

const (
	// slowGrace is how long a bucket takes further refusals for part of the one that slowed it: they were under way.
	slowGrace = 500 * time.Millisecond
	// comeback is the part of the rate before a refusal to which it comes back at quickRecovery. The less it is, the
	// longer does one mount have more than another; the more it is, the more calls are refused.
	comeback = 0.9
	// quickRecovery and recovery are how long the rate would take from nothing to the quota, before and after that.
	quickRecovery = 10 * time.Second
	recovery      = time.Minute
	// allowed is the share of the quota that those who open clips may take for so long after others were seen.
	allowed  = 0.5
	courtesy = time.Minute
	// spare is the share of a second's points that those who open clips leave in the bucket.
	spare = 0.2
	// headWait is how long those who open clips give way to readers, and headShare which share of the calls they have then.
	headWait  = 2 * time.Second
	headShare = 4
	// lookAgain is how long a choice of who is next holds: who waits can become a reader, and the rate grows.
	lookAgain = 20 * time.Millisecond
	// almost is what points may lack for rounding.
	almost = 1e-6
)

// bucket holds points of one quota.
type bucket struct {
	// quota is the rate in points a second, and burst what the bucket holds as a rule.
	quota, burst float64

	// mu guards what follows.
	mu   sync.Mutex
	pace pace
	// points that were there at the time filled, and how many of them those who open clips may have.
	points, allowance float64
	filled            time.Time
	// shared is until when others are taken to read the stream too.
	shared time.Time
	// refused is when the service last refused a call.
	refused time.Time
	// others counts the calls since the last one for a head.
	others int
	// waiting has who waits, in the order of coming; timer is set while there is anybody.
	waiting []*ticket
	timer   *time.Timer
}

// ticket is one call that waits.
type ticket struct {
	points float64
	since  time.Time
	// urgency may be nil, for a reader.
	urgency func() archive.Priority
	// turn is closed when the ticket has its points. It is out of the queue then.
	turn chan struct{}
}

// spares tells whether an urgency is that of somebody who opens a clip, and leaves half to others.
func spares(u archive.Priority) bool { return u == archive.ForHead }

// newBucket gives a full bucket that fills at quota points a second.
func newBucket(quota float64) *bucket {
	burst, now := max(1, math.Floor(quota)), time.Now()
	return &bucket{
		quota: quota, burst: burst, pace: pace{share: 1, back: 1, since: now}, points: burst, allowance: burst, filled: now,
	}
}

// take waits for n points.
func (b *bucket) take(ctx context.Context, n int, urgency func() archive.Priority) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := &ticket{points: float64(n), since: time.Now(), urgency: urgency, turn: make(chan struct{})}
	if !b.queue(ctx, t) {
		return errPaced
	}
	select {
	case <-t.turn:
		return nil
	case <-ctx.Done():
		b.leave(t)
		return ctx.Err()
	}
}

// queue puts a call into the queue. It refuses one that a reader's points would reach after its deadline.
func (b *bucket) queue(ctx context.Context, t *ticket) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.fillLocked(now)
	if deadline, ok := ctx.Deadline(); ok && b.points+b.gainLocked(now, deadline) < t.points-almost {
		return false
	}
	b.waiting = append(b.waiting, t)
	b.serveLocked(now)
	return true
}

// leave takes a call out of the queue. What it was given in the same moment goes back.
func (b *bucket) leave(t *ticket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.fillLocked(now)
	if i := slices.Index(b.waiting, t); i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
	} else {
		b.points += t.points // the allowance stays: who waited is not known any more
	}
	b.serveLocked(now)
}

// giveBack puts points back that a call took and did not cost.
func (b *bucket) giveBack(points float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.fillLocked(now)
	b.points = max(b.points, min(b.burst, b.points+points))
	b.allowance = min(b.points, b.allowance+points)
	b.serveLocked(now)
}

// look serves those whose points have come.
func (b *bucket) look() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.serveLocked(time.Now())
}

// slow halves the rate and empties the bucket, once for refusals that come together. It gives the share of the quota
// that is left.
func (b *bucket) slow() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.pace.share < 1 && now.Sub(b.pace.since) < slowGrace {
		return b.pace.share
	}
	b.fillLocked(now)
	b.pace = b.pace.slower(now)
	b.points, b.allowance = 0, 0
	if !b.refused.IsZero() && now.Sub(b.refused) < courtesy {
		b.shared = now.Add(courtesy)
	}
	b.refused = now
	b.serveLocked(now)
	return b.pace.share
}

// serveLocked gives their points to those whose turn it is, and sets the timer for the rest.
func (b *bucket) serveLocked(now time.Time) {
	b.fillLocked(now)
	for len(b.waiting) > 0 {
		i, urgency := b.nextLocked(now)
		t := b.waiting[i]
		if wait := b.waitLocked(now, t.points, urgency); wait > 0 {
			b.wakeLocked(wait)
			return
		}
		b.points -= t.points
		b.others++
		if spares(urgency) {
			b.allowance = max(0, b.allowance-t.points)
			b.others = 0
		}
		b.allowance = min(b.allowance, b.points)
		b.waiting = slices.Delete(b.waiting, i, i+1)
		close(t.turn)
	}
	if b.timer != nil {
		b.timer.Stop()
	}
}

// nextLocked chooses who is next of those who wait, and gives its urgency. It notes where some open clips and some do not.
func (b *bucket) nextLocked(now time.Time) (next int, urgency archive.Priority) {
	sparing, patient := 0, -1
	for i, t := range b.waiting {
		u := archive.ForReader
		if t.urgency != nil {
			u = t.urgency()
		}
		if spares(u) {
			sparing++
			if patient < 0 && now.Sub(t.since) >= headWait {
				patient = i
			}
		}
		if i == 0 || u < urgency {
			next, urgency = i, u
		}
	}
	if sparing > 0 && sparing < len(b.waiting) {
		b.shared = now.Add(courtesy)
	}
	if patient >= 0 && b.others >= headShare-1 {
		return patient, archive.ForHead
	}
	return next, urgency
}

// waitLocked gives after which time, at most lookAgain, points can be had for an urgency, or that has to be asked again.
func (b *bucket) waitLocked(now time.Time, points float64, u archive.Priority) time.Duration {
	share, _ := b.pace.at(now)
	seconds := (points - b.points - almost) / (b.quota * share)
	if spares(u) && !now.Before(b.shared) {
		// Those of a large call that fills the bucket beyond its size come with nothing to spare.
		left := min(spare*b.burst, max(0, b.burst-points))
		seconds += left / (b.quota * share)
	}
	if spares(u) && now.Before(b.shared) {
		seconds = max(seconds, (points-b.allowance-almost)/(b.quota*min(share, allowed)))
	}
	return time.Duration(math.Ceil(min(seconds, lookAgain.Seconds()) * float64(time.Second)))
}

// wakeLocked sets the timer.
func (b *bucket) wakeLocked(after time.Duration) {
	if b.timer == nil {
		b.timer = time.AfterFunc(after, b.look)
		return
	}
	b.timer.Reset(after)
}

// fillLocked adds what has come since the last time.
func (b *bucket) fillLocked(now time.Time) {
	room := b.burst
	for _, t := range b.waiting {
		room = max(room, t.points)
	}
	alone := b.filled // from when on nobody else was seen
	if b.shared.After(alone) {
		alone = b.shared
		if now.Before(alone) {
			alone = now
		}
	}
	spared := min(b.gainLocked(b.filled, alone), b.quota*allowed*alone.Sub(b.filled).Seconds())
	b.points = min(room, b.points+b.gainLocked(b.filled, now))
	b.allowance = min(b.points, b.allowance+spared+b.gainLocked(alone, now))
	b.filled = now
}

// opening gives the points that whoever opens a clip now may take at once, and those a second after that.
func (b *bucket) opening() (atOnce, perSecond float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.fillLocked(now)
	share, _ := b.pace.at(now)
	if now.Before(b.shared) {
		return min(b.points, b.allowance), b.quota * min(share, allowed)
	}
	return max(0, b.points-spare*b.burst), b.quota * share
}

// gainLocked gives the points that come between two times.
func (b *bucket) gainLocked(from, to time.Time) float64 {
	if !to.After(from) {
		return 0
	}
	_, before := b.pace.at(from)
	_, after := b.pace.at(to)
	return b.quota * (after - before)
}

// pace is the share of a quota at which a bucket fills, from a refusal on.
type pace struct {
	// share at the time since. It grows to back at one speed and to 1 at another.
	share, back float64
	since       time.Time
}

// slower gives the pace after a refusal. However many come, each slowGrace later than the one before, about a fortieth of
// the quota is left. Old accounts are limited by calls, a few a second, and retries do the rest.
func (p pace) slower(now time.Time) pace {
	share, _ := p.at(now)
	return pace{share: share / 2, back: share * comeback, since: now}
}

// at gives the share at a time after since, and how many seconds of the whole quota have come until then.
func (p pace) at(t time.Time) (share, whole float64) {
	share = p.share
	left := t.Sub(p.since).Seconds()
	for _, leg := range [...]struct{ to, perSecond float64 }{
		{p.back, 1 / quickRecovery.Seconds()}, {1, 1 / recovery.Seconds()},
	} {
		if share >= leg.to {
			continue
		}
		end, seconds := leg.to, (leg.to-share)/leg.perSecond
		if left < seconds {
			end, seconds = share+left*leg.perSecond, left
		}
		whole += (share + end) / 2 * seconds
		share, left = end, left-seconds
	}
	return share, whole + share*left
}
