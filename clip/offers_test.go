package clip_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/shared"

	shelf "clipfs/clip/shared/memory"
)

// fleet is an archive and a bucket that hosts share.
type fleet struct {
	*memory.Archive
	bucket *shelf.Bucket
}

// newFleet gives one with so many fragments of a camera.
func newFleet(fragments int) *fleet {
	m := memory.New()
	m.ARN, m.Created = "arn:aws:kinesisvideo:eu-west-1:123456789012:stream", memory.Base().Add(-time.Hour)
	m.Record("cam", memory.Base(), fragments, 2*time.Second)
	return &fleet{m, shelf.New()}
}

// host gives a host of the fleet, with a cache of its own.
func (f *fleet) host(t *testing.T) (*clip.Library, *shared.Tier) {
	t.Helper()
	tier := shared.Open(f.bucket, shared.Options{})
	o := lazy()
	o.Tier = tier
	l, _ := library(t, f.Archive, o)
	t.Cleanup(tier.Close) // before the cache
	return l, tier
}

// read has a host read a clip of a length, which has to come out right, and gives how many GetClip calls that took.
func (f *fleet) read(t *testing.T, l *clip.Library, length time.Duration) int {
	t.Helper()
	before, _, _ := f.Calls()
	mustBe(t, f.Archive, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), length)))
	synctest.Wait()
	after, _, _ := f.Calls()
	return after - before
}

// TestFleet: what one host has read costs the next no GetClip call, whatever length it asks for, and their files are the same.
func TestFleet(t *testing.T) {
	for _, moovLast := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(7200)
			f.MoovLast = moovLast
			first, _ := f.host(t)
			if n := f.read(t, first, time.Hour); n != 60 {
				t.Errorf("the first host made %d calls, want 60", n)
			}
			if heads, media := len(f.bucket.Names("/h/")), len(f.bucket.Names("/m/")); heads != 60 || media != 60 {
				t.Errorf("%d heads and %d payloads are shared, want 60 each", heads, media)
			}
			second, tier := f.host(t)
			if n := f.read(t, second, time.Hour); n != 0 {
				t.Errorf("the second host made %d calls", n)
			}
			third, _ := f.host(t)
			if n := f.read(t, third, 2*time.Hour); n != 60 {
				t.Errorf("two hours of which one is shared took %d calls, want 60", n)
			}
			if s := tier.Stats(); s.Uploaded != 0 || s.Cycles != 0 || s.Damaged != 0 {
				t.Errorf("the second host: %+v", s)
			}
			if own := second.Stats(); own.Fetched != 0 || own.Shared == 0 {
				t.Errorf("the second host: %+v", own)
			}
			a, errA := readAll(t, lookUp(t, first, "cam", archive.NewSpan(memory.Base(), time.Hour)))
			b, errB := readAll(t, lookUp(t, second, "cam", archive.NewSpan(memory.Base(), time.Hour)))
			if err := errors.Join(errA, errB); err != nil || !bytes.Equal(a, b) {
				t.Errorf("the files of two hosts differ: %d and %d bytes, %v", len(a), len(b), err)
			}
		})
	}
}

// TestFleetOfHours: footage that another host has opened opens on a cold one without a call for media, and with a listing of what has come
// since alone. What has come late is in it.
func TestFleetOfHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(0)
		day := memory.Base().AddDate(0, 0, -2).Truncate(24 * time.Hour)
		f.Created = day.Add(-time.Hour)
		const hours, parts = 2, 2 * 60
		f.Record("cam", day, parts*6, 10*time.Second)
		late := f.Recorded["cam"][100]
		f.Recorded["cam"] = slices.Delete(f.Recorded["cam"], 100, 101)
		span := archive.NewSpan(day, hours*time.Hour)
		open := func(l *clip.Library) (size int64, calls, lists int) {
			calls, lists, _ = f.Calls()
			h, err := lookUp(t, l, "cam", span).Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			size = h.Size()
			synctest.Wait()
			c, n, _ := f.Calls()
			if err := h.Close(); err != nil {
				t.Error(err)
			}
			return size, c - calls, n - lists
		}
		first, _ := f.host(t)
		size, calls, lists := open(first)
		if calls < parts || lists < hours || len(f.bucket.Names("/t/")) != hours {
			t.Fatalf("the first host made %d calls and %d pages, and shares %d hours", calls, lists, len(f.bucket.Names("/t/")))
		}
		time.Sleep(time.Hour)
		second, _ := f.host(t)
		if got, calls, lists := open(second); got != size || calls != 0 || lists != 1 {
			t.Errorf("a cold host: %d bytes of %d, %d calls, %d pages of listings, want 0 and 1", got, size, calls, lists)
		}
		late.Server = time.Now()
		f.Change(func() { f.Recorded["cam"] = append(f.Recorded["cam"], late) })
		time.Sleep(time.Hour)
		third, _ := f.host(t)
		if got, calls, lists := open(third); got <= size || calls != 1 || lists > 4 {
			t.Errorf("with late footage: %d bytes, %d before, %d calls and %d pages, want 1 and 4 at most", got, size, calls, lists)
		}
		time.Sleep(24 * time.Hour)
		fourth, _ := f.host(t)
		if _, calls, lists := open(fourth); calls != 0 || lists < hours {
			t.Errorf("a day later: %d calls, %d pages: hours so old are listed", calls, lists)
		}
	})
}

// TestDamagedHours: hours in the bucket that are damaged, or are none, are listed.
func TestDamagedHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(3600)
		first, _ := f.host(t)
		lookUp(t, first, "cam", archive.NewSpan(memory.Base(), 2*time.Hour))
		synctest.Wait()
		if n := len(f.bucket.Names("/t/")); n != 2 {
			t.Fatalf("%d hours are shared, want 2", n)
		}
		f.bucket.Edit("/t/", func(o []byte) []byte { o[len(o)-1] ^= 1; return o })
		_, before, _ := f.Calls()
		second, tier := f.host(t)
		mustBe(t, f.Archive, lookUp(t, second, "cam", archive.NewSpan(memory.Base(), 2*time.Hour)))
		if _, after, _ := f.Calls(); after-before < 4 || tier.Stats().Damaged != 2 {
			t.Errorf("%d pages, %+v", after-before, tier.Stats())
		}
		synctest.Wait()
		third, _ := f.host(t)
		_, before, _ = f.Calls()
		lookUp(t, third, "cam", archive.NewSpan(memory.Base(), 2*time.Hour))
		if _, after, _ := f.Calls(); after-before != 1 {
			t.Errorf("once they are replaced %d pages, want 1 of what has come since", after-before)
		}
	})
}

// TestFleetOfOnePayload: a clip that is one payload is shared too.
func TestFleetOfOnePayload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(1000)
		for i, want := range []int{1, 0} {
			l, _ := f.host(t)
			if n := f.read(t, l, time.Minute); n != want {
				t.Errorf("host %d made %d calls, want %d", i+1, n, want)
			}
		}
	})
}

// TestNotOffered: what may still change, or is not just what was listed, stays with the host that fetched it.
func TestNotOffered(t *testing.T) {
	for what, change := range map[string]func(f *fleet){
		"at the live edge": func(f *fleet) {
			f.Recorded["cam"] = nil
			f.Recorded["cam"] = append(f.Recorded["cam"], fresh()...)
		},
		"more than was listed": func(f *fleet) {
			all := f.Recorded["cam"]
			f.Answer = func(found []archive.Fragment) ([]archive.Fragment, error) {
				return append(found[:len(found):len(found)], all[len(found)]), nil
			}
		},
		"footage that came while it was fetched": func(f *fleet) {
			f.Answer = func(found []archive.Fragment) ([]archive.Fragment, error) {
				return found, nil
			}
			f.Body = func(_ int, payload []byte) io.Reader {
				f.Change(func() {
					late := f.Recorded["cam"][5]
					late.ID, late.Producer, late.Server = late.ID+"9", late.Producer.Add(500*time.Millisecond), time.Now()
					f.Recorded["cam"] = append(f.Recorded["cam"], late)
				})
				return f.Counted(bytes.NewReader(payload))
			}
		},
		"a stream without an ARN": func(f *fleet) { f.ARN = "" },
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(1000)
			change(f)
			l, tier := f.host(t)
			span := archive.NewSpan(f.Recorded["cam"][0].Producer, time.Minute)
			if _, err := readAll(t, lookUp(t, l, "cam", span)); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			synctest.Wait()
			if n, s := len(f.bucket.Names("/m/"))+len(f.bucket.Names("/h/")), tier.Stats(); n != 0 || s.UploadFailed != 0 {
				t.Errorf("%s: %d objects, %+v", what, n, s)
			}
			if n, _, _ := f.Calls(); n != 1 {
				t.Errorf("%s: %d calls", what, n)
			}
		})
	}
}

// listing is an archive that counts the listings on which no reader waits.
type listing struct {
	*memory.Archive
	mu      sync.Mutex
	again   int
	longest time.Duration
}

func (l *listing) Fragments(ctx context.Context, q archive.FragmentQuery) iter.Seq2[archive.Fragment, error] {
	if q.Priority.Load() == archive.ForAhead {
		l.mu.Lock()
		l.again++
		l.longest = max(l.longest, q.Span.Length())
		l.mu.Unlock()
	}
	return l.Archive.Fragments(ctx, q)
}

// TestOffersAreListedOnce: offers that wait take one listing of their minutes, and none lists more than ten minutes.
func TestOffersAreListedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(1800)
		m := &listing{Archive: f.Archive}
		up := make(chan struct{})
		f.bucket.Fail = func(_ context.Context, call, name string) error {
			if call == "put" && strings.Contains(name, "/m/") {
				<-up // the first two of them
			}
			return nil
		}
		tier := shared.Open(f.bucket, shared.Options{})
		o := lazy()
		o.Tier = tier
		l, _ := library(t, m, o)
		t.Cleanup(tier.Close)
		mustBe(t, f.Archive, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Hour)))
		close(up)
		synctest.Wait()
		const spans = 6
		if s := tier.Stats(); s.Uploaded != 121 || m.again > 3*spans || m.longest > 10*time.Minute {
			t.Errorf("%d offers, want 121, took %d listings of %s at most, want %d of 10m", s.Uploaded, m.again, m.longest, 3*spans)
		}
	})
}

// fresh gives fragments that were recorded in the last minute and a half.
func fresh() []archive.Fragment {
	m := memory.New()
	m.Record("cam", time.Now().UTC().Truncate(time.Second).Add(-90*time.Second), 40, 2*time.Second)
	return m.Recorded["cam"]
}

// TestBadBucket: whatever is wrong with the bucket or its objects, each byte is right, and what the bucket did not bring is fetched.
func TestBadBucket(t *testing.T) {
	for what, change := range map[string]func(f *fleet){
		"damaged heads": func(f *fleet) { f.bucket.Edit("/h/", func(o []byte) []byte { o[len(o)-1] ^= 1; return o }) },
		"damaged ends":  func(f *fleet) { f.bucket.Edit("/m/", func(o []byte) []byte { o[len(o)-1] ^= 1; return o }) },
		"cut":           func(f *fleet) { f.bucket.Edit("", func(o []byte) []byte { return o[:len(o)-1] }) },
		"refused": func(f *fleet) {
			f.bucket.Fail = func(context.Context, string, string) error { return errors.New("refused") }
		},
		"hangs": func(f *fleet) {
			f.bucket.Fail = func(ctx context.Context, _, _ string) error { <-ctx.Done(); return ctx.Err() }
		},
		"cut connections": func(f *fleet) { f.bucket.Body = func(r io.Reader) io.Reader { return io.LimitReader(r, 150_000) } },
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(1800)
			for i := range f.Recorded["cam"] {
				f.Recorded["cam"][i].Size = 10_000
			}
			first, _ := f.host(t)
			f.read(t, first, 20*time.Minute)
			change(f)
			second, tier := f.host(t)
			begun := time.Now()
			if n := f.read(t, second, 20*time.Minute); n > 40 {
				t.Errorf("%s: %d calls, want 40 at most", what, n)
			}
			if s := tier.Stats(); s.Damaged+s.Failed == 0 {
				t.Errorf("%s: %+v", what, s)
			}
			if took := time.Since(begun); took > 2*shared.DefaultTimeout {
				t.Errorf("%s: it took %s", what, took)
			}
		})
	}
}

// TestFleetOnAFullDisk: a host whose disk has no space reads all the same, from the bucket without a call and else from the archive.
func TestFleetOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(600)
		full := func() (*clip.Library, *shared.Tier) {
			c, err := cache.Open(t.TempDir(), cache.Options{MinFree: 1 << 60, MemoryBytes: 256 << 20})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			tier := shared.Open(f.bucket, shared.Options{})
			t.Cleanup(tier.Close) // before the cache
			o := lazy()
			o.Tier = tier
			return clip.NewLibrary(f.Archive, c, o), tier
		}
		first, _ := full()
		if n := f.read(t, first, 20*time.Minute); n < 20 {
			t.Errorf("the first host made %d calls, want 20 at least", n)
		}
		other, _ := f.host(t)
		f.read(t, other, 20*time.Minute)
		second, tier := full()
		if n := f.read(t, second, 20*time.Minute); n != 0 {
			t.Errorf("a full host made %d calls for what is shared", n)
		}
		if s := tier.Stats(); s.Cycles != 0 || s.Damaged != 0 {
			t.Errorf("a full host: %+v", s)
		}
	})
}

// TestKnownOtherwise: a host that knows payloads otherwise than the bucket has them keeps to what it knows, and nothing fails.
func TestKnownOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(1000)
		first, _ := f.host(t)
		f.read(t, first, 20*time.Minute)
		for i := range f.Recorded["cam"] {
			f.Recorded["cam"][i].Size *= 2
		}
		l, c := library(t, f.Archive, lazy())
		span := archive.NewSpan(memory.Base(), 20*time.Minute)
		h, err := lookUp(t, l, "cam", span).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_ = h.Close()
		time.Sleep(time.Minute) // its downloads are given up
		tier := shared.Open(f.bucket, shared.Options{})
		t.Cleanup(tier.Close)
		o := lazy()
		o.Tier = tier
		again := clip.NewLibrary(f.Archive, c, o)
		if n := f.read(t, again, 20*time.Minute); n != 20 {
			t.Errorf("%d calls, want 20: the bucket has other payloads", n)
		}
		if s := again.Stats(); s.Shared != 0 {
			t.Errorf("%d bytes of other payloads were taken", s.Shared)
		}
	})
}

// TestFleetAtOnce: hosts that read the same cold footage at once, or a little later each, fetch it once together: the host that fetched
// a head goes on with that call for all.
func TestFleetAtOnce(t *testing.T) {
	const parts, hosts = 20, 8
	for _, later := range []time.Duration{0, 70 * time.Millisecond, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(parts * 60)
			f.Slow = time.Millisecond
			for i := range f.Recorded["cam"] {
				f.Recorded["cam"][i].Size = 10_000
			}
			span := archive.NewSpan(memory.Base(), parts*30*2*time.Second)
			var wg sync.WaitGroup
			for i := range hosts {
				l, _ := f.host(t)
				wg.Go(func() {
					time.Sleep(time.Duration(i) * later)
					mustBe(t, f.Archive, lookUp(t, l, "cam", span))
				})
			}
			wg.Wait()
			one := int64(len(memory.Movie(f.Selected("cam", archive.ByProducer, span), false, memory.Base())))
			if calls, _, _ := f.Calls(); calls != parts || f.Sent() > one*11/10 {
				t.Errorf("%d hosts, each %s later, made %d calls for %d bytes; one alone takes %d and %d", hosts, later, calls, f.Sent(), parts, one)
			}
		})
	}
}

// TestFleetIsInTime: a bucket that is empty makes one host no slower to speak of, and of hosts that read the same cold footage at once the
// last is done in twice the time that one alone takes.
func TestFleetIsInTime(t *testing.T) {
	const parts, hosts = 20, 8
	span := archive.NewSpan(memory.Base(), parts*30*2*time.Second)
	last := func(hosts int, shares bool) (longest time.Duration, puts int) {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(parts * 60)
			f.Slow = 40 * time.Millisecond
			for i := range f.Recorded["cam"] {
				f.Recorded["cam"][i].Size = 20_000
			}
			f.bucket.Fail = func(context.Context, string, string) error {
				time.Sleep(30 * time.Millisecond)
				return nil
			}
			var mu sync.Mutex
			var all sync.WaitGroup
			for range hosts {
				o := clip.Options{}
				if shares {
					tier := shared.Open(f.bucket, shared.Options{})
					defer tier.Close()
					o.Tier = tier
				}
				l, _ := library(t, f.Archive, o)
				all.Go(func() {
					begun := time.Now()
					mustBe(t, f.Archive, lookUp(t, l, "cam", span))
					mu.Lock()
					defer mu.Unlock()
					longest = max(longest, time.Since(begun))
				})
			}
			all.Wait()
			time.Sleep(10 * time.Second) // what is fetched is uploaded
			puts = f.bucket.Calls("put")
		})
		return longest, puts
	}
	alone, _ := last(1, false)
	first, puts := last(1, true)
	together, _ := last(hosts, true)
	t.Logf("alone %s, with an empty bucket %s, the last of %d %s; %d writes", alone, first, hosts, together, puts)
	if first > alone*11/10 || together > 2*alone {
		t.Errorf("one alone takes %s, with an empty bucket %s, and the last of %d %s", alone, first, hosts, together)
	}
	if objects := 2*parts + 1; puts > objects+parts {
		t.Errorf("%d objects took %d writes", objects, puts)
	}
}
