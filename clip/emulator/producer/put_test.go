package producer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/producer"
	"clipfs/clip/emulator/wire"
)

// serve runs an emulator with a stream called a.
func serve(t *testing.T, o emulator.Options) *emulator.Server {
	t.Helper()
	o.Address, o.NoQuota = "127.0.0.1:0", true
	o.Streams = []emulator.Stream{{Name: "a"}}
	srv, err := emulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv
}

func at() time.Time { return time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC) }

func TestPutTestCard(t *testing.T) {
	srv := serve(t, emulator.Options{})
	tests := []struct {
		name     string
		from, to time.Time
		o        producer.Options
		want     int
		first    int64
	}{
		{"a minute", at(), at().Add(time.Minute), producer.Options{}, 30, at().UnixMilli()},
		{"between even seconds", at().Add(time.Millisecond), at().Add(4 * time.Second), producer.Options{}, 1, at().UnixMilli() + 2000},
		{"the end is not in it", at(), at().Add(4*time.Second + time.Millisecond), producer.Options{}, 3, at().UnixMilli()},
		{"relative", at(), at().Add(4 * time.Second), producer.Options{Timecodes: producer.Relative, Start: at().Add(-time.Second)}, 2, 1000},
	}
	for _, tt := range tests {
		calls := 0
		tt.o.OnAck = func(producer.Ack) { calls++ }
		acks, err := producer.PutTestCard(t.Context(), srv.Endpoint(), "a", tt.from, tt.to, tt.o)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if n := len(producer.Numbers(acks)); n != tt.want || acks[0].FragmentTimecode != tt.first || calls != len(acks) {
			t.Errorf("%s: %d fragments, %d calls, the first %+v; want %d, the first at %d", tt.name, n, calls, acks[0], tt.want, tt.first)
		}
	}
	if _, err := producer.PutTestCard(t.Context(), srv.Endpoint(), "a", at(), at(), producer.Options{}); !errors.Is(err, footage.ErrNoFragments) {
		t.Errorf("nothing to send: %v", err)
	}
}

func TestPutErrors(t *testing.T) {
	keys := wire.Credentials{Key: "AK", Secret: "secret"}
	srv := serve(t, emulator.Options{Credentials: keys})
	var card bytes.Buffer
	if err := producer.WriteTestCard(&card, at(), at().Add(4*time.Second)); err != nil {
		t.Fatal(err)
	}
	signed := producer.Options{Key: keys.Key, Secret: keys.Secret}
	var refused *producer.ResponseError
	if _, err := producer.Put(t.Context(), srv.Endpoint(), "b", &card, signed); !errors.As(err, &refused) || refused.Kind != "ResourceNotFoundException" {
		t.Errorf("no such stream: %v", err)
	}
	if _, err := producer.Put(t.Context(), srv.Endpoint(), "a", &card, producer.Options{}); !errors.As(err, &refused) || refused.Status != 403 {
		t.Errorf("other credentials: %v", err)
	}
	var media *producer.MediaError
	if _, err := producer.Put(t.Context(), srv.Endpoint(), "a", strings.NewReader("no media"), signed); !errors.As(err, &media) || media.Ack.ErrorID != 4006 {
		t.Errorf("no media: %v", err)
	}
	broken := errors.New("broken")
	begun := bytes.NewReader(card.Bytes()[:card.Len()/2])
	if _, err := producer.Put(t.Context(), srv.Endpoint(), "a", io.MultiReader(begun, iotest.ErrReader(broken)), signed); !errors.Is(err, broken) {
		t.Errorf("reader fails: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	go func() { _, _ = write.Write(card.Bytes()) }() // Read, or ended by Close.
	o := signed
	o.OnAck = func(producer.Ack) { cancel() }
	for {
		// The connection before may not have been missed yet.
		_, err := producer.Put(ctx, srv.Endpoint(), "a", read, o)
		if errors.As(err, &refused) && refused.Kind == "ConnectionLimitExceededException" {
			continue
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: %v", err)
		}
		break
	}
	_ = read.Close()
}
