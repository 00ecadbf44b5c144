package kvs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/wire"
	"clipfs/clip/kvs"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/time/rate"
)

// mediaQuota is what the service allows (developer guide, "Amazon Kinesis Video Streams quotas"), in points a second.
const mediaQuota = 500

// least is the share of the quota that each of two has.
const least = 0.3

// sharer is one of those who read a stream.
type sharer struct {
	service  *kvs.Archive
	priority archive.Priority

	points atomic.Int64
}

// ask asks for payloads of so many points, one after the other, until ctx ends.
func (s *sharer) ask(ctx context.Context, t *testing.T, stream archive.StreamName, span archive.Span, points int) {
	for ctx.Err() == nil {
		p, err := s.service.Payload(ctx, archive.PayloadQuery{Stream: stream, Span: span, Fragments: points, Priority: as(s.priority)})
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			return
		}
		s.points.Add(int64(points))
		if _, err := io.Copy(io.Discard, p.Body); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
		if err := p.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}

// pair are two who read the one stream of an emulator.
type pair struct {
	stream  archive.StreamName
	sharers [2]sharer
	before  [2]int64
}

// shares gives what each had of the quota since begun.
func (p *pair) shares(begun time.Time) (shares [2]float64) {
	for i := range p.sharers {
		shares[i] = float64(p.sharers[i].points.Load()-p.before[i]) / time.Since(begun).Seconds() / mediaQuota
	}
	return shares
}

// TestTwoShareTheQuota: of two who read one stream of the emulator at the same time each has its share, and few calls
// are refused. The time is the bubble's, so that the shares are those that the two agree on, on any machine.
func TestTwoShareTheQuota(t *testing.T) {
	const (
		settle = 2 * time.Second // in the first moments the service has a second's points on top
		enough = 7 * time.Second
		longer = time.Minute // for shares that swing, and refusals that came close together
		points = 30          // a minute of the test card
	)
	card, err := footage.TestCard()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*pair{
		{stream: "readers", sharers: [2]sharer{{priority: archive.ForReader}, {priority: archive.ForReader}}},
		{stream: "heads", sharers: [2]sharer{{priority: archive.ForHead}, {priority: archive.ForHead}}},
		{stream: "reader-and-heads", sharers: [2]sharer{{priority: archive.ForReader}, {priority: archive.ForHead}}},
	} {
		t.Run(string(p.stream), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := newNetwork()
				server := serveStreams(t, emulator.Options{Listen: network.listen, Latency: 20 * time.Millisecond}, emulator.Stream{
					Name: wire.StreamName(p.stream), Source: footage.NewLoop(card, time.Unix(0, 0), footage.Options{NoStamp: true}),
				})
				ctx, cancel := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				defer wg.Wait()
				defer cancel()
				for i := range p.sharers {
					s := &p.sharers[i]
					cfg := signed(server, secretKey)
					cfg.HTTPClient = network.client(t)
					s.service = newArchive(t, cfg, kvs.Options{})
					for range 16 {
						wg.Go(func() { s.ask(ctx, t, p.stream, recent(time.Minute), points) })
					}
				}
				time.Sleep(settle)
				server.ResetCalls()
				begun := time.Now()
				p.before = [2]int64{p.sharers[0].points.Load(), p.sharers[1].points.Load()}
				for {
					time.Sleep(time.Second)
					shares, calls := p.shares(begun), clipCalls(server)
					swings := min(shares[0], shares[1]) < least || tooManyRefused(calls)
					if took := time.Since(begun); took < enough || took < longer && swings {
						continue
					}
					t.Logf("shares of the quota: %.2f and %.2f; %d of %d calls refused", shares[0], shares[1], calls.Throttled, calls.Calls)
					if swings {
						t.Errorf("want at least %.2f of the quota for each and less than a tenth refused", least)
					}
					return
				}
			})
		})
	}
}

// clipCalls gives the GetClip calls that a server of one stream has had.
func clipCalls(server *emulator.Server) emulator.CallCount {
	for _, c := range server.Calls() {
		if c.API == wire.GetClip {
			return c
		}
	}
	return emulator.CallCount{}
}

// network connects clients and servers of a bubble: its connections are pipes, and a goroutine that waits for one waits
// for the bubble's time.
type network struct {
	// mu guards what follows.
	mu        sync.Mutex
	listeners map[string]*pipeListener
}

// newNetwork gives one on which nobody listens.
func newNetwork() *network { return &network{listeners: make(map[string]*pipeListener)} }

// listen is emulator.Options.Listen. Each listener has a port of its own.
func (n *network) listen(context.Context, string, string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &pipeListener{
		addr:  &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 10_000 + len(n.listeners)},
		conns: make(chan net.Conn), closed: make(chan struct{}),
	}
	n.listeners[l.addr.String()] = l
	return l, nil
}

// dial is http.Transport.DialContext.
func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[address]
	n.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("dial %s: %w", address, syscall.ECONNREFUSED)
	}
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, fmt.Errorf("dial %s: %w", address, syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// client gives a client that connects to the servers on this network, and sends requests as an archive's own does.
func (n *network) client(t *testing.T) aws.HTTPClient {
	transport := &http.Transport{DialContext: n.dial, MaxIdleConnsPerHost: 32}
	t.Cleanup(transport.CloseIdleConnections)
	return kvs.NewPackedClient(transport)
}

// pipeListener is a listener of a network.
type pipeListener struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return l.addr }

// tooManyRefused reports whether more than a tenth of the calls were.
func tooManyRefused(c emulator.CallCount) bool { return c.Throttled*10 > c.Calls }

// TestSharesInTheLongRun: whoever comes later has as much as who was there before, and the quota is used up.
func TestSharesInTheLongRun(t *testing.T) {
	const long = 5 * time.Minute
	for _, tc := range []struct {
		name            string
		sharers, points int
		refused         float64
	}{
		{"alone", 1, 30, 0.01},
		{"two", 2, 30, 0.04},
		{"two, large calls", 2, 200, 0.2},
		{"three", 3, 30, 0.1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limit := rate.NewLimiter(mediaQuota, mediaQuota)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var wg sync.WaitGroup
				defer wg.Wait()
				defer cancel()
				var calls, refused atomic.Int64
				all := make([]*sharer, tc.sharers)
				for i := range all {
					service := newService()
					service.answers["/getClip"] = func(w http.ResponseWriter, _ request, _ int) {
						time.Sleep(10*time.Millisecond + rand.N(30*time.Millisecond)) // the way there
						calls.Add(1)
						if !limit.AllowN(time.Now(), tc.points) {
							refused.Add(1)
							throttle(w)
							return
						}
						clipBody(w, "media")
					}
					all[i] = &sharer{service: newArchive(t, config(service), kvs.Options{})}
					for range 16 {
						wg.Go(func() { all[i].ask(ctx, t, "door", archive.NewSpan(start(), time.Minute), tc.points) })
					}
					time.Sleep(20 * time.Second)
				}
				before := make([]int64, len(all))
				for i, s := range all {
					before[i] = s.points.Load()
				}
				time.Sleep(long)
				sum := 0.0
				for i, s := range all {
					share := float64(s.points.Load()-before[i]) / long.Seconds() / mediaQuota
					if want := 0.8 / float64(len(all)); share < want {
						t.Errorf("%d had %.2f of the quota, want at least %.2f", i, share, want)
					}
					sum += share
				}
				part := float64(refused.Load()) / float64(calls.Load())
				t.Logf("%.3f of the quota used, %.3f of the calls refused", sum, part)
				if sum < 0.95 || part > tc.refused {
					t.Errorf("%.2f of the quota used, %.3f of the calls refused; want 0.95 at least and %.3f at most", sum, part, tc.refused)
				}
			})
		})
	}
}

// serveStreams starts the emulator with these streams.
func serveStreams(t *testing.T, o emulator.Options, streams ...emulator.Stream) *emulator.Server {
	t.Helper()
	o.Address = "127.0.0.1:0"
	o.Retention = 2 * time.Hour
	o.Credentials = wire.Credentials{Key: "AKIDEXAMPLE", Secret: secretKey}
	o.Streams = streams
	server, err := emulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// TestHeadsOfAnHour: answers to GetClip calls tell that the first of them was not late, so that the heads of an hour leave few points unused, and none
// is refused.
func TestHeadsOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const heads, points = 60, 30
		limit := rate.NewLimiter(mediaQuota, mediaQuota)
		var refused atomic.Int64
		service := newService()
		service.answers["/getClip"] = func(w http.ResponseWriter, _ request, _ int) {
			if !limit.AllowN(time.Now(), points) {
				refused.Add(1)
				throttle(w)
				return
			}
			time.Sleep(300 * time.Millisecond)
			clipBody(w, "media")
		}
		a := newArchive(t, config(service), kvs.Options{})
		var wg sync.WaitGroup
		begun := time.Now()
		for i := range heads {
			wg.Go(func() {
				q := archive.PayloadQuery{Stream: "door", Span: archive.NewSpan(start().Add(time.Duration(i)*time.Minute), time.Minute), Fragments: points, Priority: archive.NewDemand(archive.ForHead)}
				p, err := a.Payload(t.Context(), q)
				if err != nil {
					t.Error(err)
					return
				}
				_ = p.Body.Close()
			})
		}
		wg.Wait()
		// The points beyond the burst, a twentieth of a second's, and an answer; a fifth would be 150 ms more.
		if took := time.Since(begun); took > 3*time.Second || refused.Load() > 0 {
			t.Errorf("took %s, and %d calls were refused; want 2.95 s and none", took, refused.Load())
		}
	})
}
