package shared_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/shared"
	"clipfs/clip/shared/memory"
	"clipfs/clip/tier"
)

// someID is that of someName.
func someID() tier.ID {
	return tier.ID{Key: someName().Key, Stream: archive.Stream{
		Name: "cam", ARN: "arn:aws:kinesisvideo:eu-west-1:123456789012:stream/cam/1700000000000", Retention: time.Hour,
	}}
}

// offerOf offers so many bytes of footage that the archive took in now.
func offerOf(n int) tier.Offer {
	return tier.Offer{
		Size:    int64(n),
		Content: func() (io.ReaderAt, func(), error) { return bytes.NewReader(content(n)), func() {}, nil },
		Confirm: func(context.Context) (tier.Confirmed, error) {
			return tier.Confirmed{Identity: identity(n), Ingested: time.Now(), Start: time.Now(), End: time.Now()}, nil
		},
	}
}

func identity(n int) tier.Identity {
	return tier.Identity{Size: int64(n), Digest: [32]byte{1}, Tables: [32]byte{2}, Understood: true}
}

// open gives a tier on a bucket in a bubble.
func open(t *testing.T, b shared.Bucket, o shared.Options) *shared.Tier {
	t.Helper()
	host := shared.Open(b, o)
	t.Cleanup(host.Close)
	return host
}

// take gives a payload from a tier; nil for a miss.
func take(t *testing.T, host *shared.Tier) ([]byte, error) {
	t.Helper()
	p := host.Open(t.Context(), someID(), tier.Fetch{})
	if p == nil {
		return nil, nil
	}
	defer p.Body.Close()
	return io.ReadAll(p.Body)
}

func TestOfferedIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		host := open(t, b, shared.Options{Prefix: "p", Key: secret(t, "a"), Part: time.Minute})
		if got, err := take(t, host); got != nil || err != nil {
			t.Errorf("an empty bucket gives %d bytes, %v", len(got), err)
		}
		const n = shared.Block + 5
		host.Offer(someID(), offerOf(n))
		host.Offer(someID(), tier.Offer{Head: true, Size: 10, Content: offerOf(10).Content, Confirm: offerOf(n).Confirm})
		synctest.Wait()
		if got, err := take(t, host); err != nil || !bytes.Equal(got, content(n)) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		head := host.Head(t.Context(), someID())
		if head == nil || !bytes.Equal(head.Record, content(10)) || head.Identity != identity(n) {
			t.Errorf("head %+v", head)
		}
		host.Offer(someID(), offerOf(n))
		synctest.Wait()
		if s := host.Stats(); s.Hits != 2 || s.Misses != 1 || s.Uploaded != 2 || s.There != 1 || s.Bytes != n+10 || s.Waiting != 0 || b.Calls("put") != 2 {
			t.Errorf("%+v, %d puts", s, b.Calls("put"))
		}
		if other := open(t, b, shared.Options{Prefix: "p", Key: secret(t, "b")}); other.Head(t.Context(), someID()) != nil {
			t.Error("a host with another secret gets it")
		}
		time.Sleep(time.Hour + time.Second)
		if got, _ := take(t, host); got != nil {
			t.Error("footage is served that the stream has let go of")
		}
	})
}

// TestDamagedIsReplaced: a damaged object is a miss, whether that shows in its header or in its bytes, and the next offer replaces
// it; the breaker stays closed.
func TestDamagedIsReplaced(t *testing.T) {
	const n = 2*shared.Block + 5
	for what, edit := range map[string]func([]byte) []byte{
		"header":    func(o []byte) []byte { o[40] ^= 1; return o },
		"a block":   func(o []byte) []byte { o[len(o)-10] ^= 1; return o },
		"cut":       func(o []byte) []byte { return o[:len(o)/2] },
		"empty":     func([]byte) []byte { return nil },
		"something": func([]byte) []byte { return bytes.Repeat([]byte("x"), 4096) },
	} {
		synctest.Test(t, func(t *testing.T) {
			b := memory.New()
			host := open(t, b, shared.Options{})
			host.Offer(someID(), offerOf(n))
			synctest.Wait()
			b.Edit("/m/", edit)
			if got, err := take(t, host); err == nil && got != nil || !bytes.HasPrefix(content(n), got) {
				t.Errorf("%s: %d bytes, %v", what, len(got), err)
			}
			host.Offer(someID(), offerOf(n))
			synctest.Wait()
			if got, err := take(t, host); err != nil || !bytes.Equal(got, content(n)) {
				t.Errorf("%s: replaced by %d bytes, %v", what, len(got), err)
			}
			if s := host.Stats(); s.Damaged != 1 || s.Cycles != 0 {
				t.Errorf("%s: %+v", what, s)
			}
		})
	}
}

// TestBreaker: a bucket that does not answer, or not as it should, costs one look its time, and no other until a probe was
// answered.
func TestBreaker(t *testing.T) {
	for what, test := range map[string]struct {
		fail func(ctx context.Context) error
		took time.Duration
	}{
		"hangs":   {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, shared.DefaultTimeout},
		"refuses": {func(context.Context) error { return errors.New("connection refused") }, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := memory.New()
			host := open(t, b, shared.Options{})
			host.Offer(someID(), offerOf(100))
			synctest.Wait()
			b.Change(func() { b.Fail = func(ctx context.Context, _, _ string) error { return test.fail(ctx) } })
			begun := time.Now()
			if got, err := take(t, host); got != nil || err != nil || time.Since(begun) != test.took {
				t.Errorf("%s: %d bytes, %v after %s", what, len(got), err, time.Since(begun))
			}
			begun, calls := time.Now(), b.Calls("get")
			for range 100 {
				if got, _ := take(t, host); got != nil {
					t.Errorf("%s: an object", what)
				}
			}
			host.Offer(someID(), offerOf(100))
			if time.Since(begun) != 0 || b.Calls("get") != calls {
				t.Errorf("%s: 100 looks took %s and %d requests", what, time.Since(begun), b.Calls("get")-calls)
			}
			if s := host.Stats(); s.Cycles != 1 || s.Cause == nil || s.Skipped != 100 || s.Dropped != 1 {
				t.Errorf("%s: %+v", what, s)
			}
			b.Change(func() { b.Fail = nil })
			time.Sleep(2 * time.Minute) // more than the longest pause between probes
			if got, err := take(t, host); err != nil || len(got) != 100 {
				t.Errorf("%s no more: %d bytes, %v", what, len(got), err)
			}
		})
	}
}

// stalling is a body that sends nothing more after some bytes.
type stalling struct {
	io.Reader
	left int
}

func (s *stalling) Wait(ctx context.Context) error {
	if s.left > 0 {
		return nil
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (s *stalling) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}

// TestStalledBody: a body that stops is ended after a while without a byte; time that its reader takes does not count.
func TestStalledBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		host := open(t, b, shared.Options{})
		host.Offer(someID(), offerOf(3*shared.Block))
		synctest.Wait()
		b.Change(func() { b.Body = func(r io.Reader) io.Reader { return &stalling{r, 2*shared.Block + 1000} } })
		p := host.Open(t.Context(), someID(), tier.Fetch{})
		if p == nil {
			t.Fatal("no payload")
		}
		defer p.Body.Close()
		first := make([]byte, shared.Block)
		if _, err := io.ReadFull(p.Body, first); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // a reader that is paused
		begun := time.Now()
		rest, err := io.ReadAll(p.Body)
		if err == nil || len(rest) != shared.Block || time.Since(begun) != 4*shared.DefaultTimeout {
			t.Errorf("%d bytes, %v after %s", len(rest), err, time.Since(begun))
		}
		if s := host.Stats(); s.Cycles != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestCallerThatLeaves: that a caller has gone says nothing of the bucket.
func TestCallerThatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		b.Fail = func(ctx context.Context, call, _ string) error {
			if call == "get" {
				<-ctx.Done()
			}
			return nil
		}
		host := open(t, b, shared.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), shared.DefaultTimeout/2)
		defer cancel()
		if p := host.Open(ctx, someID(), tier.Fetch{}); p != nil {
			t.Error("a payload")
		}
		if s := host.Stats(); s.Cycles != 0 || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestUploadsAtOnce: two large payloads are written at once, more of small ones, and heads are beside them.
func TestUploadsAtOnce(t *testing.T) {
	for _, tc := range []struct{ size, want int }{{5 << 20, 2}, {4 << 20, 2}, {2 << 20, 4}, {100, 8}} {
		synctest.Test(t, func(t *testing.T) {
			b := memory.New()
			proceed := make(chan struct{})
			written := make(map[string]int)
			b.Fail = func(_ context.Context, call, name string) error {
				if call == "put" {
					kind := "media"
					if strings.Contains(name, "/h/") {
						kind = "heads"
					}
					b.Change(func() { written[kind]++ })
					if kind == "media" {
						<-proceed
					}
				}
				return nil
			}
			host := open(t, b, shared.Options{})
			for i := range 10 {
				id := someID()
				id.Key += "-" + key(i)
				host.Offer(id, offerOf(tc.size))
			}
			for i := range 20 {
				id, head := someID(), offerOf(10)
				id.Key += "-" + key(i)
				head.Head = true
				host.Offer(id, head)
			}
			synctest.Wait()
			b.Change(func() {
				if written["media"] != tc.want || written["heads"] != 20 {
					t.Errorf("of %d bytes each: %v", tc.size, written)
				}
			})
			close(proceed)
			synctest.Wait()
			if s := host.Stats(); s.Uploaded != 30 || s.Waiting != 0 {
				t.Errorf("of %d bytes each: %+v", tc.size, s)
			}
		})
	}
}

// holdWrites has writes wait until proceed is closed, and counts how many there were at once, within Change.
func holdWrites(b *memory.Bucket) (proceed chan struct{}, most *int) {
	proceed, most = make(chan struct{}), new(int)
	running := 0
	b.Fail = func(_ context.Context, call, _ string) error {
		if call == "put" {
			b.Change(func() { running++; *most = max(*most, running) })
			<-proceed
			b.Change(func() { running-- })
		}
		return nil
	}
	return proceed, most
}

// TestConfirmedTogether: offers are confirmed beside those that are written and those that wait for that, so that what is listed for one of them does
// for others; no more are written at once for that.
func TestConfirmedTogether(t *testing.T) {
	for _, tc := range []struct {
		head bool
		want int
	}{{true, 6}, {false, 8}} {
		synctest.Test(t, func(t *testing.T) {
			const lasts, offers = 300 * time.Millisecond, 30
			b := memory.New()
			proceed, most := holdWrites(b)
			host := open(t, b, shared.Options{})
			var confirmed atomic.Int32
			for i := range offers {
				id, o := someID(), offerOf(100)
				id.Key += "-" + key(i)
				o.Head = tc.head
				o.Confirm = func(ctx context.Context) (tier.Confirmed, error) {
					time.Sleep(lasts)
					confirmed.Add(1)
					return offerOf(100).Confirm(ctx)
				}
				host.Offer(id, o)
			}
			time.Sleep(lasts)
			synctest.Wait()
			b.Change(func() {
				if n := confirmed.Load(); n != offers || *most != tc.want {
					t.Errorf("heads %t: %d are confirmed, and %d written at once, want %d and %d", tc.head, n, *most, offers, tc.want)
				}
			})
			close(proceed)
			synctest.Wait()
			if s := host.Stats(); s.Uploaded != offers || s.Waiting != 0 {
				t.Errorf("heads %t: %+v", tc.head, s)
			}
		})
	}
}

// TestQueue: what does not fit is dropped, and what is evicted or may not be offered is not
// uploaded; a failed write of what is there is none.
func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New()
		proceed, most := holdWrites(b)
		host := open(t, b, shared.Options{Queue: 1000})
		for i := range 20 {
			id := someID()
			id.Key += "-" + key(i)
			host.Offer(id, offerOf(100))
			host.Offer(id, offerOf(100)) // which waits already
		}
		synctest.Wait()
		if s := host.Stats(); s.Waiting != 1000 || s.Dropped != 20 || *most != 8 {
			t.Errorf("%+v, %d at once", s, *most)
		}
		close(proceed)
		synctest.Wait()
		gone, private := offerOf(10), offerOf(10)
		gone.Content = func() (io.ReaderAt, func(), error) { return nil, nil, tier.ErrGone }
		private.Confirm = func(context.Context) (tier.Confirmed, error) { return tier.Confirmed{}, tier.ErrPrivate }
		for _, o := range []tier.Offer{gone, private} {
			host.Offer(someID(), o)
			synctest.Wait()
		}
		if s := host.Stats(); s.Uploaded != 10 || s.Dropped != 21 || s.Refused != 1 || s.UploadFailed != 0 {
			t.Errorf("%+v", s)
		}
		b.Change(func() {
			b.Lossy = true
			b.Fail = func(_ context.Context, call, _ string) error {
				if call == "put" {
					return errors.New("connection reset")
				}
				return nil
			}
		})
		host.Offer(someID(), offerOf(10))
		synctest.Wait()
		if s := host.Stats(); s.There != 1 || s.UploadFailed != 0 || s.Cycles != 0 {
			t.Errorf("a write of what is there failed: %+v", s)
		}
	})
}

// key gives the end of a key.
func key(i int) cache.Key { return cache.Key(rune('a' + i)) }
