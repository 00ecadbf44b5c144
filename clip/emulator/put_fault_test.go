package emulator_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/fault"
	camera "clipfs/clip/emulator/producer"
)

// faulted puts ten seconds of the test card, five fragments, into a new stream with a fault in force. It gives the
// acknowledgements and how many fragments there are then, and how long it took.
func (c *client) faulted(stream, rule string) (acks []camera.Ack, stored int, took time.Duration, err error) {
	c.t.Helper()
	c.create(stream, 24)
	r, err := fault.Parse(rule)
	if err != nil {
		c.t.Fatal(err)
	}
	c.server.ClearFaults()
	if _, err := c.server.AddFaults(r); err != nil {
		c.t.Fatal(err)
	}
	from := time.Now().Add(-time.Minute).Truncate(2 * time.Second)
	var media bytes.Buffer
	if err := camera.WriteTestCard(&media, from, from.Add(10*time.Second)); err != nil {
		c.t.Fatal(err)
	}
	begun := time.Now()
	acks, err = c.put(stream, &media, camera.Options{})
	took = time.Since(begun)
	return acks, len(c.list(stream, producer, from, time.Now())), took, err
}

// events gives what the acknowledgements tell, without numbers.
func events(acks []camera.Ack) []camera.Event {
	all := make([]camera.Event, len(acks))
	for i, a := range acks {
		all[i] = a.EventType
	}
	return all
}

// cardSize is about how large a fragment of the test card is, as it is sent.
func cardSize(t *testing.T) int {
	t.Helper()
	var media bytes.Buffer
	from := time.Unix(1_700_000_000, 0)
	if err := camera.WriteTestCard(&media, from, from.Add(10*time.Second)); err != nil {
		t.Fatal(err)
	}
	return media.Len() / 5
}

// TestFailureOfMedia: each ERROR there is comes to order, within the first fragment or after so many bytes; what was whole before
// is stored, and the connection is free for the next producer.
func TestFailureOfMedia(t *testing.T) {
	size := cardSize(t)
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true})
		for _, code := range fault.Codes() {
			for at, want := range map[string]int{"": 0, fmt.Sprintf(",at=%d", size*5/2): 2} {
				name := fmt.Sprint("s", code, "-", want)
				acks, stored, _, err := c.faulted(name, fmt.Sprintf("kind=failure,code=%d%s", code, at))
				var refused *camera.MediaError
				if !errors.As(err, &refused) || refused.Ack.ErrorID != code || refused.Ack.ErrorCode == "" || refused.Ack.FragmentNumber == "" {
					t.Errorf("%d%s: %v, %+v", code, at, err, acks)
				}
				if stored != want || len(camera.Numbers(acks)) != want {
					t.Errorf("%d%s: %d stored, %d persisted, want %d", code, at, stored, len(camera.Numbers(acks)), want)
				}
				c.server.ClearFaults()
				if _, err := c.put(name, bytes.NewReader(newMatroska().cluster(0, frame{1, 0, true})), camera.Options{}); err != nil {
					t.Errorf("%d%s: after it: %v", code, at, err)
				}
			}
		}
	})
}

// TestPersistedLate: PERSISTED comes late, while other media comes, or never; the fragments are stored all the same. IDLE can
// come though media does.
func TestPersistedLate(t *testing.T) {
	const buffering, received, persisted, idle = camera.Buffering, camera.Received, camera.Persisted, camera.Idle
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, StrictAcks: true})
		for i, tt := range []struct {
			rule string
			each []camera.Event
			last []camera.Event
			took time.Duration
		}{
			{"kind=unpersisted", []camera.Event{buffering, received}, nil, 0},
			{"kind=unpersisted,for=4s", []camera.Event{buffering, received}, slices.Repeat([]camera.Event{persisted}, 5), 4 * time.Second},
			{"kind=idle", []camera.Event{buffering, idle, received, persisted}, nil, 0},
			{"kind=idle,count=1,skip=1", []camera.Event{buffering, received, persisted}, nil, 0},
		} {
			acks, stored, took, err := c.faulted(fmt.Sprint("s", i), tt.rule)
			want := append(slices.Repeat(tt.each, 5), tt.last...)
			if err != nil || stored != 5 || !slices.Equal(events(acks), want) || took != tt.took {
				t.Errorf("%s: %v, %d stored after %s, %v", tt.rule, err, stored, took, events(acks))
			}
		}
	})
}

// TestStalledMedia: the emulator stops reading for a time once so many bytes have come, and goes on.
func TestStalledMedia(t *testing.T) {
	size := cardSize(t)
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true})
		acks, stored, took, err := c.faulted("a", fmt.Sprintf("kind=stall,api=PutMedia,at=%d,for=20s", size*5/2))
		if err != nil || stored != 5 || len(camera.Numbers(acks)) != 5 || took != 20*time.Second {
			t.Errorf("%v, %d stored after %s", err, stored, took)
		}
	})
}

// TestBrokenMedia: the connection ends or is reset once so many bytes have come. What was whole is stored, and nothing is told of
// the rest.
func TestBrokenMedia(t *testing.T) {
	size := cardSize(t)
	for _, kind := range []string{"close", "reset"} {
		c := startLoopback(t, emulator.Options{NoQuota: true})
		acks, stored, _, err := c.faulted("a", fmt.Sprintf("kind=%s,api=PutMedia,at=%d", kind, size*5/2))
		var refused *camera.MediaError
		if err == nil || errors.As(err, &refused) || errors.Is(err, io.ErrNoProgress) {
			t.Errorf("%s: %v", kind, err)
		}
		if stored != 2 || slices.Contains(events(acks), camera.Failed) {
			t.Errorf("%s: %d stored, want 2; %v", kind, stored, events(acks))
		}
		c.server.ClearFaults()
		if acks, err := c.put("a", bytes.NewReader(newMatroska().cluster(0, frame{1, 0, true})), camera.Options{}); err != nil || len(camera.Numbers(acks)) != 1 {
			t.Errorf("%s: after it: %v", kind, err)
		}
	}
}
