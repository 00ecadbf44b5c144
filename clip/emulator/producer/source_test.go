package producer_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/producer"
	"clipfs/clip/emulator/wire"
)

// network is two listeners whose connections are pipes, over which the time of a bubble goes on.
type network struct{ conns map[string]chan net.Conn }

type pipes struct {
	address *net.TCPAddr
	conns   chan net.Conn
	closed  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return p.address }

func (n *network) listen(context.Context, string, string) (net.Listener, error) {
	p := &pipes{address: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5000 + len(n.conns)}, conns: make(chan net.Conn), closed: make(chan struct{})}
	n.conns[p.address.String()] = p.conns
	return p, nil
}

func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case n.conns[address] <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// startBubble runs an emulator in a bubble and gives its endpoint and a client of it.
func startBubble(t *testing.T) (*emulator.Server, *http.Client) {
	t.Helper()
	n := &network{conns: make(map[string]chan net.Conn)}
	srv, err := emulator.New(emulator.Options{Listen: n.listen, Streams: []emulator.Stream{{Name: "cam"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: n.dial, DisableCompression: true}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv, &http.Client{Transport: transport}
}

// testCard is a source of the test card.
func testCard(t *testing.T) footage.Source {
	t.Helper()
	media, err := footage.TestCard()
	if err != nil {
		t.Fatal(err)
	}
	return footage.NewLoop(media, time.Unix(0, 0), footage.Options{})
}

// TestPaced: footage goes out as a camera records it, for longer than one connection can last, and none is lost or doubled
// where the next one begins.
func TestPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := startBubble(t)
		const long = 50 * time.Minute
		begun := time.Now()
		var last time.Duration
		acks, err := producer.PutSource(t.Context(), srv.Endpoint(), "cam", testCard(t), begun, begun.Add(long), true,
			producer.Options{HTTP: client, OnAck: func(a producer.Ack) {
				if a.EventType != producer.Persisted {
					return
				}
				late := time.Since(time.UnixMilli(a.FragmentTimecode))
				if late < 1900*time.Millisecond || late > 3*time.Second {
					t.Errorf("fragment of %s persisted %s after it began", time.UnixMilli(a.FragmentTimecode), late)
				}
				last = time.UnixMilli(a.FragmentTimecode).Sub(begun)
			}})
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[int64]int)
		for _, a := range acks {
			if a.EventType == producer.Persisted {
				seen[a.FragmentTimecode]++
			}
		}
		want := int(long / (2 * time.Second))
		if len(seen) != want || last != long-2*time.Second {
			t.Errorf("%d fragments up to %s, want %d", len(seen), last, want)
		}
		for at, n := range seen {
			if n != 1 {
				t.Errorf("fragment of %d persisted %d times", at, n)
			}
		}
		var calls int64
		for _, c := range srv.Calls() {
			if c.API == wire.PutMedia {
				calls += c.Calls
			}
		}
		if calls != 2 {
			t.Errorf("%d connections, want 2", calls)
		}
	})
}

// TestAtOnce: footage goes out as fast as it is taken, which is five fragments a second, and without any is an error. A stream
// is made that is not there.
func TestAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := startBubble(t)
		o := producer.Options{HTTP: client}
		from := time.Now().Add(-time.Hour)
		if err := producer.CreateStream(t.Context(), srv.Endpoint(), "new", 24, o); err != nil {
			t.Fatal(err)
		}
		var refused *producer.ResponseError
		if err := producer.CreateStream(t.Context(), srv.Endpoint(), "new", 24, o); !errors.As(err, &refused) || refused.Kind != "ResourceInUseException" {
			t.Errorf("made again: %v", err)
		}
		begun := time.Now()
		acks, err := producer.PutSource(t.Context(), srv.Endpoint(), "new", testCard(t), from, from.Add(time.Minute), false, o)
		if n := len(producer.Numbers(acks)); err != nil || n != 30 || time.Since(begun) > 6*time.Second {
			t.Errorf("%d fragments in %s, %v", n, time.Since(begun), err)
		}
		none := footage.NewSource()
		if _, err := producer.PutSource(t.Context(), srv.Endpoint(), "new", none, from, from.Add(time.Minute), false, o); !errors.Is(err, footage.ErrNoFragments) {
			t.Errorf("without footage: %v", err)
		}
	})
}
