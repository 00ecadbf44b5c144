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
	// Beat goes up each time that it is rewritten; Done says that its holder fetches no more.
	Beat int64 `json:"beat"`
	Done bool  `json:"done"`
}

// leases are those that this host holds: for each, it fetches a payload or a head that others wait for.
//
// A lease is an object that its holder rewrites every beat. Hosts that want the same see it stand still by their own clocks, and
// then one of them takes it over with a condition on its ETag. Nothing is right or wrong by it: a store that ignores
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
	// stop ends its beats.
	stop context.CancelFunc
	// alive tells whether its holder still fetches; once offered is set it has fetched, and others wait for the upload.
	alive   func() bool
	offered bool
}

func newLeases(ctx context.Context, b Bucket, root string, timeout time.Duration, failed func(error)) *leases {
	return &leases{ctx: ctx, bucket: b, root: root, holder: rand.Text(), timeout: timeout, failed: failed, held: make(map[Name]*lease)}
}

// write writes a lease on a condition, and gives its ETag.
func (l *leases) write(ctx context.Context, name Name, text leaseText, on Condition) (etag string, err error) {
	text.Holder = l.holder
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

// claim takes the lease of an object on a condition. alive tells, each beat, whether its holder still fetches.
func (l *leases) claim(ctx context.Context, name Name, on Condition, alive func() bool) bool {
	l.mu.Lock()
	_, mine := l.held[name]
	l.mu.Unlock()
	if mine {
		return true
	}
	brief, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	etag, err := l.write(brief, name, leaseText{}, on)
	if err != nil {
		if brief.Err() != nil && ctx.Err() == nil {
			l.failed(errSlow)
		}
		return false
	}
	ctx, stop := context.WithCancel(l.ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, mine := l.held[name]; mine || l.ctx.Err() != nil {
		stop()
		return true
	}
	own := &lease{stop: stop, alive: alive}
	l.held[name] = own
	l.beats.Go(func() { l.keep(ctx, name, etag, own) })
	return true
}

// keep rewrites a lease every beat until it is ended, is another host's, or its holder does not fetch any more.
func (l *leases) keep(ctx context.Context, name Name, etag string, own *lease) {
	defer l.end(name)
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	text := leaseText{}
	for !text.Done {
		select {
		case <-ctx.Done():
			text.Done = true
		case <-ticker.C:
			text.Done = !l.waits(own)
		}
		if l.ctx.Err() != nil {
			return
		}
		text.Beat++
		patient, cancel := context.WithTimeout(l.ctx, askTimeout)
		next, err := l.write(patient, name, text, Condition{Match: etag})
		cancel()
		if err != nil {
			return // another host has it, or will see it stand still
		}
		etag = next
	}
}

// waits reports whether others are to wait for what a lease is for.
func (l *leases) waits(own *lease) bool {
	l.mu.Lock()
	offered := own.offered
	l.mu.Unlock()
	return offered || own.alive()
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
	delete(l.held, name)
	l.mu.Unlock()
	if own != nil {
		own.stop()
	}
}

// follow waits, where another host fetches an object, until that is there, which look tells, or this host is to fetch it: also where
// allows says that the bucket may not be asked any more.
func (l *leases) follow(ctx context.Context, name Name, allows, alive func() bool, look func() (there bool)) (there bool) {
	if l.claim(ctx, name, Condition{Absent: true}, alive) {
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
			if l.claim(ctx, name, Condition{Match: etag}, alive) {
				return false
			}
			moved = time.Now() // another host was quicker
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
