package kvs_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/emulator"
	"clipfs/clip/kvs"
)

// observer keeps what it is told.
type observer struct {
	mu      sync.Mutex
	calls   []called
	retried map[string]int
	refused map[string]int
}

// called is a call that has ended.
type called struct {
	api      string
	attempts int
	err      error
}

var _ kvs.Observer = (*observer)(nil)

// Called implements kvs.Observer.
func (o *observer) Called(api string, attempts int, took time.Duration, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if took < 0 {
		err = errors.Join(err, errors.New("took less than no time"))
	}
	o.calls = append(o.calls, called{api, attempts, err})
}

// Retried implements kvs.Observer.
func (o *observer) Retried(api string) { o.count(&o.retried, api) }

// Refused implements kvs.Observer.
func (o *observer) Refused(api string) { o.count(&o.refused, api) }

// count counts one more.
func (o *observer) count(in *map[string]int, api string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if *in == nil {
		*in = make(map[string]int)
	}
	(*in)[api]++
}

// TestObserver: each call is told once, with its attempts and its error, and the quotas tell what it took.
func TestObserver(t *testing.T) {
	server := emulate(t, emulator.Options{})
	var seen observer
	a := emulated(t, server, secretKey, kvs.Options{Observer: &seen})
	if _, err := a.Stream(t.Context(), "door"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Stream(t.Context(), "nowhere"); !errors.Is(err, archive.ErrNoStream) {
		t.Fatal(err)
	}
	payload, err := a.Payload(t.Context(), archive.PayloadQuery{Stream: "door", Span: recent(time.Minute), Fragments: 400})
	if err != nil {
		t.Fatal(err)
	}
	var left float64 = -1
	for _, q := range a.Quotas() {
		switch {
		case q.Name == "media" && q.Stream == "door":
			left = q.Left
			if q.Burst != 500 || q.Limit != 500 || q.Rate != 500 || q.Waiting != 0 {
				t.Errorf("media: %+v", q)
			}
		case q.Left < 0 || q.Left > q.Burst || q.Burst <= 0:
			t.Errorf("%+v", q)
		}
	}
	if left < 100 || left >= 500 {
		t.Errorf("%v points of media left after 400 of 500 were taken", left)
	}
	if err := payload.Body.Close(); err != nil {
		t.Error(err)
	}
	bad := emulated(t, server, "another secret", kvs.Options{Observer: &seen})
	if _, err := bad.Stream(t.Context(), "door"); !errors.Is(err, archive.ErrCredentials) {
		t.Errorf("with a wrong secret: %v", err)
	}
	want := []called{
		{"DescribeStream", 1, nil}, {"DescribeStream", 1, archive.ErrNoStream}, {"GetDataEndpoint", 1, nil}, {"GetClip", 1, nil},
		{"DescribeStream", 1, archive.ErrCredentials},
	}
	if len(seen.calls) != len(want) {
		t.Fatalf("told of %+v, want %+v", seen.calls, want)
	}
	for i, w := range want {
		got := seen.calls[i]
		if got.api != w.api || got.attempts != w.attempts || !errors.Is(got.err, w.err) || (w.err == nil) != (got.err == nil) {
			t.Errorf("call %d: told of %+v, want %+v", i, got, w)
		}
	}
	if len(seen.retried)+len(seen.refused) != 0 {
		t.Errorf("retried %v, refused %v", seen.retried, seen.refused)
	}
}
