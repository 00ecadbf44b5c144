package clip_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/shared"
)

// late is an archive that lets a while pass before it answers a GetClip call.
type late struct{ *memory.Archive }

func (l late) Payload(ctx context.Context, q archive.PayloadQuery) (*archive.Payload, error) {
	select {
	case <-time.After(3 * time.Second):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return l.Archive.Payload(ctx, q)
}

// TestFleetAndACallerThatLeaves: where one of two callers of a host leaves that open the same footage, other hosts wait for what the second one
// still fetches, and fetch none of it again.
func TestFleetAndACallerThatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(600)
		host := func() *clip.Library {
			tier := shared.Open(f.bucket, shared.Options{})
			o := lazy()
			o.Tier = tier
			l, _ := library(t, late{f.Archive}, o)
			t.Cleanup(tier.Close) // before the cache
			return l
		}
		first, second := host(), host()
		const parts = 12
		span := archive.NewSpan(memory.Base(), parts*time.Minute)
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		var all sync.WaitGroup
		all.Go(func() {
			shorter := lookUp(t, first, "cam", archive.NewSpan(memory.Base(), (parts-2)*time.Minute))
			if _, err := shorter.Open(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the caller that leaves: %v", err)
			}
		})
		all.Go(func() { mustBe(t, f.Archive, lookUp(t, first, "cam", span)) })
		all.Go(func() {
			time.Sleep(2 * time.Second)
			mustBe(t, f.Archive, lookUp(t, second, "cam", span))
		})
		all.Wait()
		if n, _, _ := f.Calls(); n != parts {
			t.Errorf("%d calls, want %d", n, parts)
		}
	})
}
