package kvs

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	// firstProbe is when a host that refused a connection is tried for the first time, probeEvery how often later, and how
	// long a try may take.
	firstProbe = 100 * time.Millisecond
	probeEvery = time.Second
	// probedFor is how long a host is tried after the last call that wanted to go there.
	probedFor = time.Minute
	// maxOutages bounds how many addresses are tried at the same time.
	maxOutages = 64
	// backAtOnce spreads the calls that have waited for a host, so that they do not arrive in the same moment.
	backAtOnce = 50 * time.Millisecond
)

// errLeaving: calls no longer wait for hosts that refuse connections.
var errLeaving = errors.New("not waited for, the mount ends")

// dialer makes a connection, as net.Dialer does.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// outages knows the addresses that refuse connections and finds out when they accept them again. One probe a second goes
// to each for as long as calls want to go there, however many they are. A probe is a connection that carries no request,
// so it costs nothing. Calls do not try an address that is known to refuse: they wait for the probe.
type outages struct {
	dial dialer
	// leaving is closed when calls are not to wait any more, closed when probes are to end.
	leaving, closed chan struct{}
	leave, shut     sync.Once
	probes          sync.WaitGroup

	// mu guards the rest.
	mu    sync.Mutex
	known map[string]*outage
}

// outage is an address that refuses connections.
type outage struct {
	err   error
	since time.Time
	// over is closed when the address accepts connections, or when nothing is known of it any more.
	over chan struct{}
	// asked is when a call wanted to go there last; guarded by outages.mu.
	asked time.Time
}

// refusedError is the error of a connection that was refused.
type refusedError struct {
	err    error
	outage *outage
}

func (e *refusedError) Error() string { return e.err.Error() }

func (e *refusedError) Unwrap() error { return e.err }

func newOutages(dial dialer) *outages {
	return &outages{dial: dial, leaving: make(chan struct{}), closed: make(chan struct{}), known: make(map[string]*outage)}
}

// connect makes a connection for a call. One that is refused, now or a moment ago, is a refusedError.
func (o *outages) connect(ctx context.Context, network, address string) (net.Conn, error) {
	if out := o.of(address); out != nil {
		return nil, &refusedError{out.err, out}
	}
	conn, err := o.dial(ctx, network, address)
	if errors.Is(err, syscall.ECONNREFUSED) {
		if out := o.begin(network, address, err); out != nil {
			return nil, &refusedError{err, out}
		}
	}
	return conn, err
}

// of gives the outage of an address that a call wants to go to; nil if none is known.
func (o *outages) of(address string) *outage {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.known[address]
	if out != nil {
		out.asked = time.Now()
	}
	return out
}

// begin notes that an address refuses connections, and has it probed. It gives nil where too many do, or after shutdown.
func (o *outages) begin(network, address string, err error) *outage {
	o.mu.Lock()
	defer o.mu.Unlock()
	if out := o.known[address]; out != nil {
		return out
	}
	select {
	case <-o.closed:
		return nil
	default:
	}
	if len(o.known) >= maxOutages {
		return nil
	}
	out := &outage{err: err, since: time.Now(), asked: time.Now(), over: make(chan struct{})}
	o.known[address] = out
	o.probes.Go(func() { o.probe(network, address, out) })
	return out
}

// probe tries an address until it accepts connections, or no call wants to go there any more.
func (o *outages) probe(network, address string, out *outage) {
	defer o.end(address, out)
	for wait := firstProbe; ; wait = min(2*wait, probeEvery) {
		select {
		case <-time.After(wait):
		case <-o.closed:
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), probeEvery)
		conn, err := o.dial(ctx, network, address)
		cancel()
		if conn != nil {
			_ = conn.Close() // nothing was sent
		}
		if !errors.Is(err, syscall.ECONNREFUSED) || !o.wanted(out) {
			return
		}
	}
}

// wanted tells whether a call wanted to go to the address lately.
func (o *outages) wanted(out *outage) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return time.Since(out.asked) < probedFor
}

// end forgets an outage and wakes the calls that wait for its end.
func (o *outages) end(address string, out *outage) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.known, address)
	close(out.over)
}

// giveUp ends all waits for hosts that refuse connections, now and from now on.
func (o *outages) giveUp() { o.leave.Do(func() { close(o.leaving) }) }

// close ends the probes.
func (o *outages) close() {
	o.shut.Do(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		close(o.closed)
	})
	o.probes.Wait()
}

// sleep waits, or gives the error of a context that ends before.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
