package shared

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"clipfs/clip/tier"
)

const (
	// bytesAtOnce is how many bytes of payloads are written at once. One payload counts for half of that at most, so two large ones are written,
	// or more small ones, which a store's latency would else hold up. payloadsAtOnce is how many payloads are written at once, smallAtOnce how
	// many of all that is small.
	bytesAtOnce                 = 8 << 20
	payloadsAtOnce, smallAtOnce = 8, 6
	// confirmsAtOnce is how many of either are confirmed at once, or wait to be written then: one listing confirms all of the same minutes that
	// wait for it, so those that wait for their turn would take another one.
	confirmsAtOnce = 32
	// uploadStall is how long an upload may go without the bucket taking a byte, or answering.
	uploadStall = 30 * time.Second
)

// offer is one that waits or is uploaded.
type offer struct {
	name Name
	// lease is where its lease stands; the zero value where there is none.
	lease leaseName
	// over says that it replaces what is there.
	over bool
	tier.Offer
}

// queue has the offers that wait, first come first served, but heads and hours beside payloads: other hosts open clips with them.
type queue struct {
	ctx    context.Context //nolint:containedctx // uploads are the tier's own, and of no caller
	most   int64
	upload func(context.Context, offer)
	// payloads has those bytesAtOnce.
	payloads *semaphore.Weighted
	// running has the goroutines that upload.
	running sync.WaitGroup

	// mu guards the rest.
	mu           sync.Mutex
	media, small lane
	names        map[Name]bool
	bytes        int64
	closed       bool
	// idle is closed when nothing runs any more, once closed is set.
	idle chan struct{}
}

// lane is the offers of one sort that wait, how many have been begun and not ended, and the turns of those that are written.
type lane struct {
	waiting []offer
	busy    int
	writes  *semaphore.Weighted
}

func newQueue(ctx context.Context, most int64, upload func(context.Context, offer)) *queue {
	return &queue{
		ctx: ctx, most: most, upload: upload, payloads: semaphore.NewWeighted(bytesAtOnce),
		media: lane{writes: semaphore.NewWeighted(payloadsAtOnce)}, small: lane{writes: semaphore.NewWeighted(smallAtOnce)},
		names: make(map[Name]bool), idle: make(chan struct{}),
	}
}

// add reports whether there was space for an offer, or it waits already.
func (q *queue) add(o offer) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.names[o.name]:
		return true
	case q.closed, q.bytes+o.Size > q.most:
		return false
	}
	q.names[o.name] = true
	q.bytes += o.Size
	l := q.laneOf(o.name.Kind)
	l.waiting = append(l.waiting, o)
	if l.busy < confirmsAtOnce {
		l.busy++
		q.running.Go(func() { q.work(l) })
	}
	return true
}

// laneOf gives the lane of a kind.
func (q *queue) laneOf(kind Kind) *lane {
	if kind == Media {
		return &q.media
	}
	return &q.small
}

// turn waits until an object of so many bytes may be written. The function that it gives has to be called once it is.
func (q *queue) turn(ctx context.Context, kind Kind, size int64) (done func(), err error) {
	l := q.laneOf(kind)
	if err := l.writes.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	if kind != Media {
		return func() { l.writes.Release(1) }, nil
	}
	weight := min(size, bytesAtOnce/2)
	if err := q.payloads.Acquire(ctx, weight); err != nil {
		l.writes.Release(1)
		return nil, err
	}
	return func() {
		q.payloads.Release(weight)
		l.writes.Release(1)
	}, nil
}

// work uploads until nothing waits in a lane.
func (q *queue) work(l *lane) {
	for {
		q.mu.Lock()
		if len(l.waiting) == 0 {
			l.busy--
			q.endLocked()
			q.mu.Unlock()
			return
		}
		o := l.waiting[0]
		l.waiting = l.waiting[1:]
		q.mu.Unlock()
		q.upload(q.ctx, o)
		q.mu.Lock()
		delete(q.names, o.name)
		q.bytes -= o.Size
		q.mu.Unlock()
	}
}

// endLocked closes idle where nothing runs any more.
func (q *queue) endLocked() {
	if q.closed && q.media.busy+q.small.busy == 0 {
		close(q.idle)
	}
}

// waits gives how many bytes wait or are uploaded.
func (q *queue) waits() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes
}

// close takes nothing more, waits for what waits and runs for so long at most, and gives how many offers it dropped.
func (q *queue) close(longest time.Duration) (dropped int64) {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return 0
	}
	q.closed = true
	q.endLocked()
	q.mu.Unlock()
	timer := time.NewTimer(longest)
	defer timer.Stop()
	select {
	case <-q.idle:
	case <-timer.C:
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range []*lane{&q.media, &q.small} {
		dropped += int64(len(l.waiting))
		l.waiting = nil
	}
	return dropped
}

// Offer has what was fetched uploaded, some time. It never waits.
func (t *Tier) Offer(id tier.ID, o tier.Offer) {
	name, ok := nameOf(id, o.Head)
	lease := leaseOf(name, id)
	t.leases.offered(lease)
	if ok && (!t.takes() || !t.queue.add(offer{name: name, lease: lease, Offer: o})) {
		t.counts.dropped.Add(1)
		t.leases.end(lease, dropped)
	}
}

// takes reports whether the bucket may be asked, and takes uploads, as far as is known.
func (t *Tier) takes() bool { return t.breaker.allows() && t.writes.allows() }

// upload uploads an offer, if it may be and need be.
func (t *Tier) upload(ctx context.Context, o offer) {
	how := dropped
	defer func() { t.leases.end(o.lease, how) }()
	log := t.options.Logger.With("stream", o.name.Stream, "kind", o.name.Kind.String(), "key", o.name.Key)
	if !t.takes() {
		t.counts.dropped.Add(1)
		return
	}
	over := o.over || t.isDamaged(o.name)
	there, err := false, error(nil)
	if !over && !t.leases.holds(o.lease, tier.Fetch{}) { // else no other host uploads it
		there, err = t.has(ctx, o.name)
	}
	if there {
		how = uploaded
		t.counts.there.Add(1)
		return
	}
	if err == nil {
		err = t.put(ctx, o, over)
	}
	switch {
	case err == nil:
		how = uploaded
		log.Debug("uploaded to the shared cache", "bytes", o.Size)
	case ctx.Err() != nil, errors.Is(err, tier.ErrGone):
		t.counts.dropped.Add(1)
	case errors.Is(err, tier.ErrPrivate):
		if how = unshared; errors.Is(err, tier.ErrEarly) {
			how = early
		}
		t.counts.refused.Add(1)
		log.Debug("not offered to the shared cache", "cause", err)
	default:
		t.counts.unloads.Add(1)
		t.writes.failed(fmt.Errorf("upload: %w", err))
	}
}

// has asks whether an object is there.
func (t *Tier) has(ctx context.Context, name Name) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return t.bucket.Exists(ctx, t.root+name.String())
}

// isDamaged reports whether an object is to be replaced.
func (t *Tier) isDamaged(name Name) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.damaged.Contains(name.String())
}

// put confirms an offer and writes it, without a condition: while MinIO takes in an object on a condition, it answers nobody who asks
// for that object. What two hosts write of one name says the same.
func (t *Tier) put(ctx context.Context, o offer, over bool) error {
	content, release, err := o.Content()
	if err != nil {
		return err
	}
	defer release()
	c, err := o.Confirm(ctx)
	if err != nil {
		return err
	}
	done, err := t.queue.turn(ctx, o.name.Kind, o.Size)
	if err != nil {
		return err
	}
	defer done()
	head, err := t.options.Key.Encode(o.name, Header{
		Kind: o.name.Kind, Size: o.Size, Payload: c.Identity.Size, Tables: c.Identity.Tables, Digest: c.Identity.Digest,
		Ingested: c.Ingested, Start: c.Start, End: c.End, Part: t.options.Part, Gap: t.options.Gap, Fragments: c.Fragments,
	}, content)
	if err != nil {
		return fmt.Errorf("%w: %w", tier.ErrGone, err) // the cache does not have it any more
	}
	size := int64(len(head)) + o.Size
	stalled, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(uploadStall, func() { cancel(errSlow) })
	defer watch.Stop()
	whole := &joined{head: bytes.NewReader(head), content: content, size: size, read: func() { watch.Reset(uploadStall) }}
	_, err = t.bucket.Put(stalled, t.root+o.name.String(), whole, size, Condition{})
	if err != nil && !over && ctx.Err() == nil {
		if there, asked := t.has(ctx, o.name); asked == nil && there { // and the store lets nobody replace it
			t.counts.there.Add(1)
			return nil
		}
	}
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.damaged.Remove(o.name.String())
	t.mu.Unlock()
	t.counts.uploaded.Add(1)
	t.counts.uploadedBytes.Add(size)
	return nil
}

// joined is a header and the bytes behind it as one.
type joined struct {
	head     *bytes.Reader
	content  io.ReaderAt
	size, at int64
	// read is told of each read.
	read func()
}

// Read implements io.Reader.
func (j *joined) Read(p []byte) (n int, err error) {
	j.read()
	head := j.head.Size()
	switch {
	case j.at >= j.size:
		return 0, io.EOF
	case j.at < head:
		n, err = j.head.ReadAt(p[:min(int64(len(p)), head-j.at)], j.at)
	default:
		n, err = j.content.ReadAt(p[:min(int64(len(p)), j.size-j.at)], j.at-head)
	}
	j.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

// Seek implements io.Seeker.
func (j *joined) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += j.at
	case io.SeekEnd:
		offset += j.size
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek to %d", offset)
	}
	j.at = offset
	return offset, nil
}
