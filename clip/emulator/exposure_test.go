package emulator_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"

	"clipfs/clip/emulator"
)

// elsewhere is a listener on loopback that says it is at another address.
type elsewhere struct {
	net.Listener
	address net.Addr
}

func (e elsewhere) Addr() net.Addr { return e.address }

// TestExposedListenersAreWarnedOf: an emulator that is not on loopback says so, of each of its listeners; one that is says
// nothing.
func TestExposedListenersAreWarnedOf(t *testing.T) {
	for ip, want := range map[string]int{"127.0.0.1": 0, "::1": 0, "0.0.0.0": 2, "::": 2, "192.0.2.7": 2} {
		var log bytes.Buffer
		srv, err := emulator.New(emulator.Options{
			Log:     slog.New(slog.NewTextHandler(&log, nil)),
			Address: "127.0.0.1:0",
			Listen: func(ctx context.Context, network, address string) (net.Listener, error) {
				l, err := new(net.ListenConfig).Listen(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return elsewhere{l, &net.TCPAddr{IP: net.ParseIP(ip), Port: 4580}}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := srv.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		if got := strings.Count(log.String(), "EXPOSED"); got != want {
			t.Errorf("%s: %d warnings, want %d\n%s", ip, got, want, &log)
		}
	}
}

// TestLoopbackIsTheDefault: nothing that is left out opens the emulator to the network.
func TestLoopbackIsTheDefault(t *testing.T) {
	host, _, err := net.SplitHostPort(emulator.DefaultAddress)
	if err != nil || !net.ParseIP(host).IsLoopback() {
		t.Errorf("default address %s, %v", emulator.DefaultAddress, err)
	}
}
