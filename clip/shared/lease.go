package shared

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"

	"clipfs/clip/tier"
)

const (
	// beat is how often a lease is rewritten by its holder, and pollEvery how often a host that follows looks.
	beat, pollEvery = 500 * time.Millisecond, 200 * time.Millisecond
	// beats is how many of them a lease may stand still, and Options.Timeout, before another host takes it over.
	beats = 3
	// followTimes is how many times Options.Timeout a host follows at most.
	followTimes = 20
	// maxLease is the most that is read of a lease.
	maxLease = 4096
)

// leaseText is what stands in a lease.
type leaseText struct {
	Holder string `json:"holder"`
	// Beat goes up each time that its holder rewrites it; Done says that its holder fetches no more. Idle says that its holder has begun
	// to fetch, and goes on once another host sets Wanted.
	Beat   int64 `json:"beat"`
	Done   bool  `json:"done"`
	Idle   bool  `json:"idle,omitempty"`
	Wanted bool  `json:"wanted,omitempty"`
}

// leases are those that this host holds: for each, it fetches a payload or a head that others wait for.
//
// A lease is an object that its holder rewrites every beat. Hosts that want the same see it stand still by their own clocks, and
// then one of them takes it over with a condition on its ETag. A host that has begun a fetch for its head alone holds an idle lease,
// which it does not rewrite: another host that wants all of it says so in the lease, and the holder, which looks every beat, goes on.
// Nothing is right or wrong by it: a store that ignores
// conditions, or a lease that is forged, has a host fetch what another fetches too, or wait a little.
type leases struct {
	ctx    context.Context //nolint:containedctx // the beats are the tier's own, and of no caller
	bucket Bucket
	root   string
	holder string
	// timeout is how long a request may take for which a user waits; failed is told of one that took longer, or failed otherwise.
	timeout time.Duration
	failed  func(error)
	beats   sync.WaitGroup

	// mu guards held and what is in it.
	mu   sync.Mutex
	held map[Name]*lease
}

// lease is one that this host holds.
type lease struct {
	// stop ends its beats. ready is closed once it is known whether this host has it.
	stop  context.CancelFunc
	ready chan struct{}
	// fetch is what it is for; once offered is set that was fetched, and others wait for the upload.
	fetch   tier.Fetch
	offered bool
}

func newLeases(ctx context.Context, b Bucket, root string, timeout time.Duration, failed func(error)) *leases {
	return &leases{ctx: ctx, bucket: b, root: root, holder: rand.Text(), timeout: timeout, failed: failed, held: make(map[Name]*lease)}
}

// write writes a lease on a condition, and gives its ETag.
func (l *leases) write(ctx context.Context, name Name, text leaseText, on Condition) (etag string, err error) {
	b, err := json.Marshal(text)
	if err != nil {
		return "", err
	}
	return l.bucket.Put(ctx, l.root+leaseOf(name).String(), bytes.NewReader(b), int64(len(b)), on)
}

// read reads a lease.
func (l *leases) read(ctx context.Context, name Name) (text leaseText, etag string, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	o, err := l.bucket.Get(ctx, l.root+leaseOf(name).String())
	if err != nil {
		return text, "", err
	}
	b, err := io.ReadAll(io.LimitReader(o.Body, maxLease))
	if err = errors.Join(err, o.Body.Close()); err == nil {
		_ = json.Unmarshal(b, &text) // what is none stands still
	}
	return text, o.ETag, err
}

// claim takes the lease of an object on a condition.
func (l *leases) claim(ctx context.Context, name Name, on Condition, fetch tier.Fetch) bool {
	if l.holds(ctx, name) {
		return true
	}
	brief, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	text := leaseText{Holder: l.holder}
	etag, err := l.write(brief, name, text, on)
	if err != nil {
		if brief.Err() != nil && ctx.Err() == nil {
			l.failed(errSlow)
		}
		return false
	}
	if own, ctx := l.begin(name, fetch); own != nil {
		close(own.ready)
		l.beats.Go(func() { l.keep(ctx, name, etag, text, own) })
	}
	return true
}

// begin notes that this host has a lease, or may soon; nil where it has it already.
func (l *leases) begin(name Name, fetch tier.Fetch) (own *lease, ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[name] != nil || l.ctx.Err() != nil {
		return nil, nil
	}
	ctx, stop := context.WithCancel(l.ctx)
	own = &lease{stop: stop, ready: make(chan struct{}), fetch: fetch}
	l.held[name] = own
	return own, ctx
}

// holds reports whether this host has a lease.
func (l *leases) holds(ctx context.Context, name Name) bool {
	l.mu.Lock()
	own := l.held[name]
	l.mu.Unlock()
	if own == nil {
		return false
	}
	select {
	case <-own.ready:
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[name] == own
}

// reserve takes the lease of an object that this host has begun to fetch and does not go on with, if no other host has it. It waits for
// nothing.
func (l *leases) reserve(name Name, fetch tier.Fetch) {
	own, ctx := l.begin(name, fetch)
	if own == nil {
		return
	}
	l.beats.Go(func() {
		text := leaseText{Holder: l.holder, Idle: true}
		brief, cancel := context.WithTimeout(ctx, l.timeout)
		etag, err := l.write(brief, name, text, Condition{Absent: true})
		if err != nil && brief.Err() == nil {
			before, tag, asked := l.read(brief, name)
			if asked == nil && before.Done {
				etag, err = l.write(brief, name, text, Condition{Match: tag})
			}
		}
		cancel()
		if err != nil {
			l.end(name)
			close(own.ready)
			return
		}
		close(own.ready)
		l.keep(ctx, name, etag, text, own)
	})
}

// keep rewrites a lease every beat until it is ended, is another host's, or its holder does not fetch any more. One that is idle is
// read instead.
func (l *leases) keep(ctx context.Context, name Name, etag string, text leaseText, own *lease) {
	defer l.drop(name, own)
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for !text.Done {
		select {
		case <-ctx.Done():
			text.Done = true
		case <-ticker.C:
		}
		if l.ctx.Err() != nil {
			return
		}
		waits := l.waits(own)
		switch {
		case text.Done:
		case !waits && own.fetch.Wake == nil:
			text.Done = true
		case !waits && text.Idle:
			now, tag, err := l.read(l.ctx, name)
			if err != nil || now.Holder != l.holder {
				return
			}
			if !now.Wanted {
				continue
			}
			own.fetch.Wake()
			etag, waits = tag, true
		}
		text.Idle = !waits
		text.Beat++
		var err error
		if etag, err = l.rewrite(name, text, etag); err != nil {
			return // another host has it, or will see it stand still
		}
	}
}

// rewrite rewrites a lease of this host. Another host may have set Wanted meanwhile.
func (l *leases) rewrite(name Name, text leaseText, etag string) (string, error) {
	patient, cancel := context.WithTimeout(l.ctx, askTimeout)
	defer cancel()
	next, err := l.write(patient, name, text, Condition{Match: etag})
	if err == nil {
		return next, nil
	}
	now, tag, asked := l.read(patient, name)
	if asked != nil || now.Holder != l.holder || !now.Wanted {
		return "", err
	}
	return l.write(patient, name, text, Condition{Match: tag})
}

// waits reports whether others are to wait for what a lease is for.
func (l *leases) waits(own *lease) bool {
	l.mu.Lock()
	offered := own.offered
	l.mu.Unlock()
	return offered || own.fetch.Whole()
}

// ask has the holder of an idle lease go on.
func (l *leases) ask(ctx context.Context, name Name, text leaseText, etag string) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	text.Wanted = true
	_, _ = l.write(ctx, name, text, Condition{Match: etag}) // the next look tells what came of it
}

// offered tells that what a lease is for was fetched, if this host holds it.
func (l *leases) offered(name Name) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if own := l.held[name]; own != nil {
		own.offered = true
	}
}

// end ends a lease, if this host holds it: others need not wait any more.
func (l *leases) end(name Name) {
	l.mu.Lock()
	own := l.held[name]
	l.mu.Unlock()
	if own != nil {
		l.drop(name, own)
	}
}

// drop ends a lease, unless that has ended and this host has another one for the same.
func (l *leases) drop(name Name, own *lease) {
	l.mu.Lock()
	if l.held[name] == own {
		delete(l.held, name)
	}
	l.mu.Unlock()
	own.stop()
}

// close ends all leases, and waits until that is told, for so long at most.
func (l *leases) close(longest time.Duration) {
	l.mu.Lock()
	for name, own := range l.held {
		delete(l.held, name)
		own.stop()
	}
	l.mu.Unlock()
	told := make(chan struct{})
	go func() {
		l.beats.Wait()
		close(told)
	}()
	timer := time.NewTimer(longest)
	defer timer.Stop()
	select {
	case <-told:
	case <-timer.C:
	}
}

// follow waits, where another host fetches an object, until that is there, which look tells, or this host is to fetch it: also where
// allows says that the bucket may not be asked any more.
func (l *leases) follow(ctx context.Context, name Name, allows func() bool, fetch tier.Fetch, look func() (there bool)) (there bool) {
	if l.claim(ctx, name, Condition{Absent: true}, fetch) {
		return false
	}
	begun := time.Now()
	var last string
	var moved time.Time
	for ctx.Err() == nil && allows() && time.Since(begun) < followTimes*l.timeout {
		text, etag, err := l.read(ctx, name)
		switch {
		case errors.Is(err, ErrNotFound):
			return false // removed
		case err != nil:
			if ctx.Err() == nil {
				l.failed(err)
			}
			return false
		}
		if look() {
			return true
		}
		if etag != last || moved.IsZero() {
			last, moved = etag, time.Now()
		}
		if text.Done || time.Since(moved) > beats*beat+l.timeout {
			if l.claim(ctx, name, Condition{Match: etag}, fetch) {
				return false
			}
			moved = time.Now() // another host was quicker
		} else if text.Idle && !text.Wanted {
			l.ask(ctx, name, text, etag)
		}
		timer := time.NewTimer(pollEvery)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return false
}
