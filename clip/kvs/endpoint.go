package kvs

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"clipfs/clip/archive"
	"clipfs/clip/recent"
)

// endpointLifetime is how long a data endpoint is kept: as long as the producer libraries of the service do.
const endpointLifetime = 40 * time.Minute

// maxStreams is how many streams' endpoints are remembered.
const maxStreams = 4096

// endpointKey is what the service gives data endpoints for (API reference, GetDataEndpoint).
type endpointKey struct {
	stream archive.StreamName
	api    types.APIName
}

// endpoints keeps data endpoints. Those who ask for one at the same time share one call.
type endpoints struct {
	// start begins a call for an endpoint, ask makes it.
	start func(endpointKey) *call
	ask   func(context.Context, endpointKey, *call) (string, error)

	lifetime time.Duration

	// mu guards what follows.
	mu      sync.Mutex
	kept    *simplelru.LRU[endpointKey, keptEndpoint]
	flights map[endpointKey]*flight
}

// keptEndpoint is a data endpoint and when it ends.
type keptEndpoint struct {
	url   string
	until time.Time
}

// flight is one call for a data endpoint, and who waits for it. It outlives each of them, and ends when the last has
// gone.
type flight struct {
	call     *call
	cancel   context.CancelFunc
	refusals archive.Refusals
	// done is closed when url and err are set.
	done chan struct{}
	url  string
	err  error

	// waiters is guarded by endpoints.mu.
	waiters int
}

// newEndpoints gives an empty store that asks by calls of start and ask.
func newEndpoints(
	lifetime time.Duration, start func(endpointKey) *call, ask func(context.Context, endpointKey, *call) (string, error),
) *endpoints {
	kept := recent.List[endpointKey, keptEndpoint](maxStreams)
	return &endpoints{start: start, ask: ask, lifetime: lifetime, kept: kept, flights: make(map[endpointKey]*flight)}
}

// get gives the data endpoint, kept or asked for; fresh tells which.
func (e *endpoints) get(ctx context.Context, key endpointKey) (url string, fresh bool, err error) {
	e.mu.Lock()
	if k, ok := e.kept.Get(key); ok && time.Now().Before(k.until) {
		e.mu.Unlock()
		return k.url, false, nil
	}
	f := e.flights[key]
	if f == nil {
		f = e.launchLocked(ctx, key)
	}
	f.waiters++
	e.mu.Unlock()
	f.refusals.Join(ctx)

	select {
	case <-f.done:
		return f.url, true, f.err
	case <-ctx.Done():
		e.leave(key, f)
		return "", true, f.call.explain(ctx, ctx.Err())
	}
}

// launchLocked starts the call for an endpoint, free of the caller's context.
func (e *endpoints) launchLocked(ctx context.Context, key endpointKey) *flight {
	f := &flight{call: e.start(key), done: make(chan struct{})}
	ctx, f.cancel = context.WithCancel(f.refusals.In(context.WithoutCancel(ctx)))
	e.flights[key] = f
	go func() {
		defer f.cancel()
		url, err := e.ask(ctx, key, f.call)
		e.land(key, f, url, err)
	}()
	return f
}

// land keeps what came and wakes the calls that wait.
func (e *endpoints) land(key endpointKey, f *flight, url string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.flights[key] == f {
		delete(e.flights, key)
	}
	if err == nil {
		e.kept.Add(key, keptEndpoint{url: url, until: time.Now().Add(e.lifetime)})
	}
	f.url, f.err = url, err
	close(f.done)
}

// leave takes one waiter off; the last one ends the call.
func (e *endpoints) leave(key endpointKey, f *flight) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if f.waiters--; f.waiters > 0 {
		return
	}
	f.cancel()
	if e.flights[key] == f {
		delete(e.flights, key)
	}
}

// drop forgets an endpoint, unless another has taken its place already.
func (e *endpoints) drop(key endpointKey, url string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if k, ok := e.kept.Peek(key); ok && k.url == url {
		e.kept.Remove(key)
	}
}

// checkEndpoint says whether calls may go to a data endpoint. One on https is fine. One on http is if control calls go by
// http too, and it is on this machine or insecure allows what is elsewhere: who talks TLS with the service is not led
// away from it by an answer. A control endpoint of "" is the SDK's own, on https. Errors wrap ErrEndpoint; what they quote
// is not cleaned.
func checkEndpoint(control, data string, insecure bool) error {
	u, err := url.Parse(data)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%w: %q is not the URL of an endpoint", ErrEndpoint, data)
	}
	switch u.Scheme {
	case "https":
		return nil
	case "http":
		if c, err := url.Parse(control); err != nil || c.Scheme != "http" {
			return fmt.Errorf("%w: %s is not encrypted, but the control endpoint is", ErrEndpoint, data)
		}
		if isLoopback(u.Hostname()) || insecure {
			return nil
		}
		return fmt.Errorf("%w: %s is not encrypted and not on this machine", ErrEndpoint, data)
	}
	return fmt.Errorf("%w: %s is neither https nor http", ErrEndpoint, data)
}

// ErrInsecure says that the control endpoint is on http and not on this machine. It is an archive.ErrInvalid.
var ErrInsecure error = &sentinel{text: "control endpoint is not encrypted and not on this machine", kind: archive.ErrInvalid}

// checkInsecure says whether control calls may go to an endpoint; "" is the SDK's own, on https.
func checkInsecure(control string, insecure bool) error {
	u, err := url.Parse(control)
	if err == nil && u.Scheme == "http" && !isLoopback(u.Hostname()) && !insecure {
		return fmt.Errorf("%w: http://%s", ErrInsecure, u.Host)
	}
	return nil
}

// isLoopback tells whether a host is this machine.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
