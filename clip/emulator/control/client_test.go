package control_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/authority"
	"clipfs/clip/emulator/control"
	"clipfs/clip/emulator/producer"
)

// serve runs an emulator in this process.
func serve(t *testing.T, o emulator.Options) *emulator.Server {
	t.Helper()
	o.Address = "127.0.0.1:0"
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

// dial makes a client.
func dial(t *testing.T, server *emulator.Server, o control.Options) *control.Client {
	t.Helper()
	client, err := control.New(server.Endpoint()+"/", o)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestClient: each call does what it says, as the emulator sees it.
func TestClient(t *testing.T) {
	ctx := t.Context()
	server := serve(t, emulator.Options{})
	client := dial(t, server, control.Options{})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(producer.CreateStream(ctx, server.Endpoint(), "door", 24, producer.Options{}))
	calls, err := client.Calls(ctx)
	if must(err); len(calls) != 1 || calls[0].API != "CreateStream" || calls[0].Stream != "door" || calls[0].Calls != 1 || calls[0].Bytes == 0 {
		t.Errorf("calls %+v", calls)
	}
	must(client.ResetCalls(ctx))
	if calls, err := client.Calls(ctx); err != nil || len(calls) != 0 {
		t.Errorf("calls %+v after a reset, %v", calls, err)
	}

	day := time.Date(2031, 1, 1, 10, 0, 0, 123e6, time.FixedZone("", 3600))
	must(client.SetClock(ctx, day))
	must(client.Advance(ctx, 90*time.Minute))
	if now, err := client.Now(ctx); err != nil || now.Before(day.Add(90*time.Minute)) || now.After(day.Add(100*time.Minute)) {
		t.Errorf("it is %s, %v", now, err)
	}
	if err := client.SetClock(ctx, time.Time{}); !errors.Is(err, control.ErrRefused) || !strings.Contains(err.Error(), "1970") {
		t.Errorf("a time that it cannot have: %v", err)
	}
	must(client.ResetClock(ctx))

	added, err := client.AddFaults(ctx, "kind=throttle,api=CreateStream", "kind=denied,api=GetClip")
	if must(err); len(added) != 2 || added[0].Fault != "kind=throttle,api=CreateStream" {
		t.Fatalf("faults %+v", added)
	}
	var refused *producer.ResponseError
	if err := producer.CreateStream(ctx, server.Endpoint(), "yard", 24, producer.Options{}); !errors.As(err, &refused) || refused.Kind != "ClientLimitExceededException" {
		t.Errorf("throttled: %v", err)
	}
	if all, err := client.Faults(ctx); err != nil || len(all) != 2 || all[0].Hits != 1 || all[1].Hits != 0 {
		t.Errorf("faults %+v, %v", all, err)
	}
	must(client.RemoveFault(ctx, added[0].ID))
	if err := client.RemoveFault(ctx, added[0].ID); !errors.Is(err, control.ErrRefused) {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := client.AddFaults(ctx, "kind=none"); !errors.Is(err, control.ErrRefused) {
		t.Errorf("no such fault: %v", err)
	}
	must(client.ClearFaults(ctx))
	if all := server.Faults(); len(all) != 0 {
		t.Errorf("faults %+v", all)
	}
	must(client.Advance(ctx, time.Hour))
	must(client.Reset(ctx))
	if ahead := time.Until(server.Now()); ahead > time.Minute {
		t.Errorf("the clock is %s ahead", ahead)
	}
	must(producer.CreateStream(ctx, server.Endpoint(), "door", 24, producer.Options{})) // which was removed
}

// TestClientTLS: what the emulator tells is trusted, and nothing else.
func TestClientTLS(t *testing.T) {
	a, err := authority.New()
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, emulator.Options{TLS: a.Config()})
	if _, err := dial(t, server, control.Options{CA: string(a.PEM())}).Calls(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := dial(t, server, control.Options{}).Calls(t.Context()); err == nil {
		t.Error("trusted without its certificate")
	}
	if _, err := control.New(server.Endpoint(), control.Options{CA: "what"}); err == nil {
		t.Error("that is no certificate")
	}
}

// TestStartFails: what does not start, or says something else, is an error at once.
func TestStartFails(t *testing.T) {
	for program, says := range map[string]string{"/nowhere/clipfs": "no such file", "/bin/true": "not ready", "/bin/echo": "said"} {
		p, err := control.Start(context.Background(), control.Command{Program: program})
		if err == nil || !strings.Contains(err.Error(), says) || p != nil {
			t.Errorf("%s: %v", program, err)
		}
	}
}
