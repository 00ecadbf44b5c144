package kvs_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"clipfs/clip/archive"
	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	"clipfs/clip/kvs"
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

// pair are two who read one stream of the emulator.
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
// are refused. Three pairs are tried at the same time, on streams of their own.
func TestTwoShareTheQuota(t *testing.T) {
	const (
		settle = 2 * time.Second // in the first moments the service has a second's points on top
		enough = 7 * time.Second
		longer = 15 * time.Second // for shares that swing, and refusals that came close together
		points = 30               // a minute of the test card
	)
	card, err := footage.TestCard()
	if err != nil {
		t.Fatal(err)
	}
	pairs := []*pair{
		{stream: "readers", sharers: [2]sharer{{priority: archive.ForReader}, {priority: archive.ForReader}}},
		{stream: "heads", sharers: [2]sharer{{priority: archive.ForHead}, {priority: archive.ForHead}}},
		{stream: "reader-and-heads", sharers: [2]sharer{{priority: archive.ForReader}, {priority: archive.ForHead}}},
	}
	var streams []emulator.Stream
	for _, p := range pairs {
		streams = append(streams, emulator.Stream{
			Name: emulator.StreamName(p.stream), Source: footage.NewLoop(card, time.Unix(0, 0), footage.Options{NoStamp: true}),
		})
	}
	server := serveStreams(t, emulator.Options{}, streams...)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for _, p := range pairs {
		for i := range p.sharers {
			s := &p.sharers[i]
			s.service = emulated(t, server, secretKey, kvs.Options{})
			for range 16 {
				wg.Go(func() { s.ask(ctx, t, p.stream, recent(time.Minute), points) })
			}
		}
	}
	time.Sleep(settle)
	server.ResetCalls()
	begun := time.Now()
	for _, p := range pairs {
		p.before = [2]int64{p.sharers[0].points.Load(), p.sharers[1].points.Load()}
	}
	swings := func(p *pair) bool {
		s := p.shares(begun)
		return min(s[0], s[1]) < least || slices.ContainsFunc(server.Calls(), func(c emulator.CallCount) bool {
			return c.API == emulator.GetClip && string(c.Stream) == string(p.stream) && tooManyRefused(c)
		})
	}
	for time.Since(begun) < enough || time.Since(begun) < longer && slices.ContainsFunc(pairs, swings) {
		time.Sleep(time.Second)
	}
	for _, c := range server.Calls() {
		for _, p := range pairs {
			if c.API != emulator.GetClip || string(c.Stream) != string(p.stream) {
				continue
			}
			shares := p.shares(begun)
			t.Logf("%s: shares of the quota: %.2f and %.2f; %d of %d calls refused", p.stream, shares[0], shares[1], c.Throttled, c.Calls)
			// A machine that is busy with other things may not manage the whole quota.
			want := least * min(1, shares[0]+shares[1])
			if min(shares[0], shares[1]) < want || tooManyRefused(c) {
				t.Errorf("%s: want at least %.2f of the quota for each and less than a tenth refused", p.stream, want)
			}
		}
	}
}

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
	o.Credentials = emulator.Credentials{Key: "AKIDEXAMPLE", Secret: secretKey}
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
