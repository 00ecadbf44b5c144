package shared_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/shared"
	"clipfs/clip/shared/memory"
)

// opaque is a bucket whose ETags say nothing of the bytes, as one has that encrypts, and whose leases other hosts write all the time.
type opaque struct{ *memory.Bucket }

func (b opaque) Get(ctx context.Context, name string) (*shared.Object, error) {
	if strings.Contains(name, "/l/") {
		b.Edit("/l/", func(o []byte) []byte { return append(o, ' ') })
	}
	o, err := b.Bucket.Get(ctx, name)
	if err == nil {
		o.ETag = "opaque " + o.ETag
	}
	return o, err
}

func (b opaque) Put(ctx context.Context, name string, content io.ReadSeeker, size int64, on shared.Condition) (string, error) {
	on.Match = strings.TrimPrefix(on.Match, "opaque ")
	etag, err := b.Bucket.Put(ctx, name, content, size, on)
	return "opaque " + etag, err
}

// TestOpaqueETags: a host that is new to a bucket whose ETags say nothing reads leases there that others write all the time, and does not take
// the bucket for one that fails.
func TestOpaqueETags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := opaque{memory.New()}
		leader, host := open(t, b, shared.Options{}), open(t, b, shared.Options{})
		if fetch, _ := wants(t, leader, always); !fetch {
			t.Fatal("the first host does not fetch")
		}
		time.AfterFunc(3*time.Second, func() { leader.Offer(someID(), offerOf(100)) })
		if fetch, took := wants(t, host, always); fetch || took < 3*time.Second || host.Stats().Cycles != 0 {
			t.Errorf("another host is to fetch: %t, after %s, %+v", fetch, took, host.Stats())
		}
	})
}
