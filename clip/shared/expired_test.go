package shared_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/shared"
	"clipfs/clip/shared/memory"
	"clipfs/clip/tier"
)

// TestExpired: what is expired is what a reader refuses, by the retention of now, and what was of streams that are there no more; what
// lies in folders of another account, what is damaged, and what does not match is left.
func TestExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := memory.New(), secret(t, "a")
		host := open(t, b, shared.Options{Prefix: "p", Key: k})
		streamOf := func(folder string) archive.Stream {
			f := strings.Split(folder, "/")
			return archive.Stream{Name: archive.StreamName(f[1]), ARN: "arn:aws:kinesisvideo:eu-west-1:" + f[0] + ":stream/" + f[1] + "/" + f[2], Retention: 24 * time.Hour}
		}
		offer := func(n int, folder string, ago time.Duration) tier.ID {
			id := tier.ID{Key: someName().Key + "-" + key(n), Stream: streamOf(folder)}
			o := offerOf(shared.Block)
			confirm := o.Confirm
			o.Confirm = func(ctx context.Context) (tier.Confirmed, error) {
				c, err := confirm(ctx)
				c.Ingested = c.Ingested.Add(-ago)
				return c, err
			}
			host.Offer(id, o)
			synctest.Wait()
			return id
		}
		const mine, other = "123456789012", "210987654321"
		old := offer(0, mine+"/cam/17", 23*time.Hour)
		fresh := offer(1, mine+"/cam/17", time.Hour)
		damaged := offer(2, mine+"/cam/17", 23*time.Hour)
		before := offer(3, mine+"/cam/16", time.Hour) // the stream was made again
		deleted := offer(4, mine+"/door/17", time.Hour)
		offer(5, other+"/cam/17", 23*time.Hour)
		offer(6, other+"/gate/17", 23*time.Hour)
		b.Edit(string(damaged.Key), func(o []byte) []byte { o[40] ^= 1; return o })
		now := map[archive.StreamName]archive.Stream{"cam": streamOf(mine + "/cam/17")}
		describe := func(_ context.Context, name archive.StreamName) (archive.Stream, error) {
			if s, ok := now[name]; ok {
				return s, nil
			}
			return archive.Stream{}, archive.ErrNoStream
		}
		expired := func(match func(shared.Entry) bool) (keys []string) {
			t.Helper()
			for e, err := range shared.Expired(t.Context(), b, "p", k, describe, match) {
				if err != nil {
					t.Fatal(err)
				}
				keys = append(keys, string(e.Name.Key))
			}
			slices.Sort(keys)
			return keys
		}
		want := func(what string, got []string, ids ...tier.ID) {
			t.Helper()
			var keys []string
			for _, id := range ids {
				keys = append(keys, string(id.Key))
			}
			if !slices.Equal(got, keys) {
				t.Errorf("%s: %q, want %q", what, got, keys)
			}
		}
		want("at first", expired(nil), before, deleted)
		time.Sleep(2 * time.Hour)
		want("two hours later", expired(nil), old, before, deleted)
		want("of one stream", expired(func(e shared.Entry) bool { return strings.Contains(e.Name.Stream, "/cam/") }), old, before)
		want("of a stream that was deleted", expired(func(e shared.Entry) bool { return strings.Contains(e.Name.Stream, "/door/") }), deleted)
		for _, id := range []tier.ID{old, fresh} {
			p := host.Open(t.Context(), id, tier.Fetch{})
			if (p != nil) != (id == fresh) {
				t.Errorf("a reader gets %s: %t", id.Key, p != nil)
			}
			if p != nil {
				_ = p.Body.Close()
			}
		}
		longer := now["cam"]
		longer.Retention = 48 * time.Hour
		now["cam"] = longer
		want("retained for longer", expired(nil), before, deleted)
		gets := b.Calls("get")
		time.Sleep(47 * time.Hour)
		if want("two days later", expired(nil), old, fresh, damaged, before, deleted); b.Calls("get") != gets {
			t.Errorf("%d headers are read of what was written before that", b.Calls("get")-gets)
		}
		delete(now, "cam")
		want("where no stream is left it is not known whose they were", expired(nil))
		denied := func(context.Context, archive.StreamName) (archive.Stream, error) {
			return archive.Stream{}, archive.ErrDenied
		}
		for _, err := range shared.Expired(t.Context(), b, "p", k, denied, nil) {
			if !errors.Is(err, archive.ErrDenied) {
				t.Errorf("where streams may not be described: %v", err)
			}
		}
	})
}
