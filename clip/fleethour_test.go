package clip_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive/memory"
	"clipfs/clip/shared"

	shelf "clipfs/clip/shared/memory"
)

// hourTaken is what hosts took that read an hour at once: until the last had it open and had read it, the GetClip calls, and the requests of each
// sort on the bucket: "get /h/" is one.
type hourTaken struct {
	open, read time.Duration
	calls      int
	requests   map[string]int
}

// sum gives the requests whose sort begins with a text.
func (h hourTaken) sum(call string) (n int) {
	for sort, m := range h.requests {
		if strings.HasPrefix(sort, call) {
			n += m
		}
	}
	return n
}

// readHour has hosts read a cold hour, each a while later than the one before, with the archive and the quota of newDistant, and with parts that take as long
// as 4 MB. Each request on the bucket takes 30 ms.
func readHour(t *testing.T, hosts int, shares bool, later time.Duration) (taken hourTaken) {
	t.Helper()
	const part = 30_000
	synctest.Test(t, func(t *testing.T) {
		d := newDistant(t, 2*time.Second, 1, part)
		d.ARN, d.Created = "arn:aws:kinesisvideo:eu-west-1:123456789012:stream", memory.Base().Add(-time.Hour)
		d.perSecond = part * 25 / 4
		b, requests := shelf.New(), make(map[string]int)
		b.Fail = func(_ context.Context, call, name string) error {
			for _, kind := range []string{"/h/", "/m/", "/l/", "/t/", "hosts/"} {
				if strings.Contains(name, kind) {
					b.Change(func() { requests[call+" "+kind]++ })
				}
			}
			time.Sleep(30 * time.Millisecond)
			return nil
		}
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range hosts {
			o := clip.Options{OpenQuota: d.pacer.Opening}
			if shares {
				tier := shared.Open(b, shared.Options{})
				defer tier.Close()
				o.Tier = tier
			}
			l, _ := library(t, d, o)
			all.Go(func() {
				time.Sleep(time.Duration(i) * later)
				begun := time.Now()
				h := openAs(t.Context(), t, l, 0)
				open := time.Since(begun)
				for at, p := int64(0), make([]byte, 128<<10); at < h.Size(); {
					n, err := h.ReadAt(t.Context(), p, at)
					if err != nil && !errors.Is(err, io.EOF) {
						t.Error(err)
						break
					}
					at += int64(n)
				}
				if err := h.Close(); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				taken.open, taken.read = max(taken.open, open), max(taken.read, time.Since(begun))
			})
		}
		all.Wait()
		time.Sleep(10 * time.Second) // what is fetched is uploaded
		taken.calls, _, _ = d.Calls()
		b.Change(func() { taken.requests = maps.Clone(requests) })
	})
	return taken
}

// TestFleetReadsAnHour: of hosts that read a cold hour at once the last has it little later than one alone, all of it is fetched once, and they make few
// requests, as one alone does: no host looks for media before it is there, and one host has the leases of the hour.
func TestFleetReadsAnHour(t *testing.T) {
	const parts, hosts = 60, 8
	alone, first := readHour(t, 1, false, 0), readHour(t, 1, true, 0)
	t.Logf("alone: open after %s, read after %s; with an empty bucket %s, %s, %v", alone.open, alone.read, first.open, first.read, first.requests)
	if first.read > alone.read*11/10 || first.open > alone.open*11/10 {
		t.Errorf("with an empty bucket one host takes %s and %s, alone %s and %s", first.open, first.read, alone.open, alone.read)
	}
	if gets, puts := first.sum("get"), first.sum("put"); gets > 2*parts+10 || puts > 2*parts+45 {
		t.Errorf("one host makes %d reads and %d writes: %v", gets, puts, first.requests)
	}
	for _, later := range []time.Duration{0, 100 * time.Millisecond} {
		all := readHour(t, hosts, true, later)
		t.Logf("%s later each: open after %s, read after %s, %v", later, all.open, all.read, all.requests)
		if all.calls != parts {
			t.Errorf("%s later each: %d calls, want %d", later, all.calls, parts)
		}
		if all.open > alone.open*14/10 || all.read > alone.read*125/100 {
			t.Errorf("%s later each: the last has it open after %s and read after %s, one alone after %s and %s", later, all.open, all.read, alone.open, alone.read)
		}
		if gets, media, puts := all.sum("get"), all.sum("get /m/"), all.sum("put"); gets > 1850 || media > (hosts+1)*parts || puts > 2*parts+70 {
			t.Errorf("%s later each: %d reads, %d of them of media, and %d writes: %v", later, gets, media, puts, all.requests)
		}
	}
}
