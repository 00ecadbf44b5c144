package clip

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"clipfs/clip/archive"
)

const (
	// chunkTime is for how long one download may have the bandwidth at most before another gets its turn.
	chunkTime = 50 * time.Millisecond
	// minChunk and maxChunk bound how many bytes that is.
	minChunk, maxChunk = 4 << 10, 256 << 10
)

// bandwidth keeps all downloads together to a number of bytes a second. Each pays for what it has read before it reads
// on; who waits to pay is served by urgency, and those of one urgency in turn, a chunk at a time. A nil one is no limit.
type bandwidth struct {
	limiter *rate.Limiter
	chunk   int

	// mu guards the rest.
	mu      sync.Mutex
	waiting []*payment
	// serving says that a goroutine serves those who wait; it ends when nobody does.
	serving  bool
	watchers map[*func()]struct{}
	// nobody wakes that goroutine when the last one who waited has given up.
	nobody chan struct{}
}

// payment is one who waits. paid is closed when it is its turn.
type payment struct {
	demand *archive.Demand
	bytes  int
	paid   chan struct{}
}

// newBandwidth gives one for so many bytes a second; nil for 0.
func newBandwidth(perSecond int64) *bandwidth {
	if perSecond <= 0 {
		return nil
	}
	chunk := int(min(max(perSecond*int64(chunkTime)/int64(time.Second), minChunk), maxChunk))
	return &bandwidth{
		limiter: rate.NewLimiter(rate.Limit(perSecond), chunk), chunk: chunk,
		watchers: make(map[*func()]struct{}), nobody: make(chan struct{}, 1),
	}
}

// most is how many bytes to read at once.
func (b *bandwidth) most(n int) int {
	if b == nil {
		return n
	}
	return min(n, b.chunk)
}

// pay waits for as long as reading so many bytes, no more than a chunk, has to take; or for ctx to end, whose cause it
// gives then.
func (b *bandwidth) pay(ctx context.Context, demand *archive.Demand, n int) error {
	if b == nil || n <= 0 {
		return nil
	}
	p := &payment{demand: demand, bytes: n, paid: make(chan struct{})}
	b.mu.Lock()
	b.waiting = append(b.waiting, p)
	if !b.serving {
		b.serving = true
		go b.serve()
	}
	b.mu.Unlock()
	select {
	case <-p.paid:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.waiting, p); i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
	}
	if len(b.waiting) == 0 {
		select {
		case b.nobody <- struct{}{}:
		default:
		}
	}
	return context.Cause(ctx)
}

// serve lets those go on who wait, one after the other, until nobody does. Who is next is decided when what the one before
// has read is paid: by then that one waits again, if it is to.
func (b *bandwidth) serve() {
	for {
		b.mu.Lock()
		b.serving = len(b.waiting) > 0
		serving := b.serving
		b.mu.Unlock()
		if !serving {
			return
		}
		if d := b.limiter.ReserveN(time.Now(), 0).Delay(); d > 0 {
			b.rest(d)
			continue
		}
		b.mu.Lock()
		p := b.nextLocked()
		b.mu.Unlock()
		if p == nil {
			continue
		}
		b.limiter.ReserveN(time.Now(), p.bytes)
		close(p.paid)
		b.tell()
	}
}

// rest waits, unless there is nobody to wait for.
func (b *bandwidth) rest(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.nobody:
	}
}

// nextLocked takes out who comes next; nil if nobody waits.
func (b *bandwidth) nextLocked() *payment {
	next, urgency := -1, archive.ForAhead+1
	for i, p := range b.waiting {
		if u := p.demand.Load(); u < urgency {
			next, urgency = i, u
		}
	}
	if next < 0 {
		return nil
	}
	p := b.waiting[next]
	b.waiting = slices.Delete(b.waiting, next, next+1)
	return p
}

// watch has progress called whenever bytes were let through, until stop is: while the limit holds everything back, what
// comes of others is a sign of life for those who wait for their turn.
func (b *bandwidth) watch(progress func()) (stop func()) {
	if b == nil {
		return func() {}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watchers[&progress] = struct{}{}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.watchers, &progress)
	}
}

// tell calls the watchers.
func (b *bandwidth) tell() {
	b.mu.Lock()
	var all []func()
	for w := range b.watchers {
		all = append(all, *w)
	}
	b.mu.Unlock()
	for _, progress := range all {
		progress()
	}
}
