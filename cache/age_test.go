package cache_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
)

// expiring fills an entry that expires after a while.
func expiring(t *testing.T, c *cache.Cache, key cache.Key, after time.Duration) *cache.Entry {
	t.Helper()
	e, err := c.Acquire(key, cache.Request{Fill: fillWith(payload(1, 5000), 5000), Expires: time.Now().Add(after), Apart: apart})
	if err != nil {
		t.Fatal(err)
	}
	mustHave(t, e, payload(1, 5000))
	return e
}

func TestExpiredEntriesAreRemoved(t *testing.T) { bothForms(t, testExpiredEntriesAreRemoved) }

func testExpiredEntriesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{})
		expiring(t, c, "soon", time.Hour).Release()
		expiring(t, c, "later", 3*time.Hour).Release()
		held := expiring(t, c, "held", time.Hour)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if names := dataFiles(t, dir); len(names) != 1 || c.Has("soon") || c.Has("held") || !c.Has("later") {
			t.Errorf("files %v, want that of later", names)
		}
		mustHave(t, held, payload(1, 5000)) // who has it open can read on
		held.Release()
		if st := c.Stats(); st.Expired != 2 || st.Bytes != costOf(5000) {
			t.Errorf("%+v; want two expired, one there", st)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		c = open(t, dir, cache.Options{})
		synctest.Wait()
		if names := dataFiles(t, dir); len(names) != 0 || c.Has("later") {
			t.Errorf("files %v after a start, want none", names)
		}
	})
}

func TestInspectVerifyClear(t *testing.T) { bothForms(t, testInspectVerifyClear) }

func testInspectVerifyClear(t *testing.T) {
	dir := t.TempDir()
	start := time.Date(2024, 1, 1, 10, 0, 0, 5e6, time.UTC)
	about := cache.About{Stream: "front-door", Kind: "media", Start: start, End: start.Add(time.Minute), Fragments: 30}
	expires := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	c := open(t, dir, cache.Options{})
	for i, stream := range []string{"front-door", "yard", "front-door"} {
		about.Stream = stream
		e, err := c.Acquire(keyOf(i), cache.Request{Fill: fillWith(payload(i, 100_000), 5000), Expires: expires, About: about, Apart: apart})
		if err != nil {
			t.Fatal(err)
		}
		<-e.Done()
		e.Release()
	}
	s := newStepper()
	growing := acquire(t, c, "growing", s.fill)
	defer growing.Release()
	check(t, "append", s.append(payload(9, 3000)), nil)

	infos, err := cache.Inspect(dir)
	if err != nil || len(infos) != 4 {
		t.Fatalf("got %+v, %v; want four entries", infos, err)
	}
	byKey := make(map[cache.Key]cache.Info)
	for _, i := range infos {
		byKey[i.Key] = i
	}
	about.Stream = "yard"
	if i := byKey["k1"]; i.Key != "k1" || i.Size != 100_000 || i.DiskBytes < 100_000 || i.About != about || !i.Expires.Equal(expires) || i.Growing || i.Err != nil {
		t.Errorf("got %+v", i)
	}
	if i := byKey["growing"]; i.Key != "growing" || i.Size != 3000 || !i.Growing {
		t.Errorf("got %+v", i)
	}

	flip(t, fileOf(t, dir, "k1"), 70_000)
	wantBad := func(want ...cache.Key) {
		t.Helper()
		var bad []cache.Key
		n := 0
		err := cache.Verify(t.Context(), dir, func(i cache.Info) {
			n++
			if i.Err != nil {
				check(t, "verify", i.Err, cache.ErrDamaged)
				bad = append(bad, i.Key)
			}
		})
		if err != nil || n != 3 || len(bad) != len(want) || (len(bad) > 0 && bad[0] != want[0]) {
			t.Errorf("verify: %d entries, bad %v, %v; want 3, %v", n, bad, err, want)
		}
	}
	wantBad("k1")
	flip(t, fileOf(t, dir, "k1"), 70_000)
	wantBad()
	header, at := footerFile(t, dir, "k1", 100_000)
	flip(t, header, at+100)
	wantBad("k1")

	held := acquire(t, c, "k0", noFill(t))
	removed, err := cache.Clear(dir, func(i cache.Info) bool { return i.About.Stream == "front-door" })
	if err != nil || len(removed) != 2 {
		t.Errorf("cleared %+v, %v; want two", removed, err)
	}
	mustHave(t, held, payload(0, 100_000))
	held.Release()
	put(t, c, "k2", payload(7, 100)) // a removed entry is a miss
	if removed, err = cache.Clear(dir, func(cache.Info) bool { return true }); err != nil || len(removed) != 2 {
		t.Errorf("cleared %+v, %v; want two: what is growing is not ours", removed, err)
	}
	check(t, "append", s.append(payload(9, 3000)), nil)
	s.end(errDone)
	<-growing.Done()
	mustHave(t, growing, bytes.Repeat(payload(9, 3000), 2))
}

func TestNothingToInspect(t *testing.T) {
	dir := t.TempDir() + "/none"
	infos, err := cache.Inspect(dir)
	removed, clearErr := cache.Clear(dir, func(cache.Info) bool { return true })
	if len(infos) != 0 || err != nil || len(removed) != 0 || clearErr != nil {
		t.Errorf("got %v, %v, %v, %v; want nothing", infos, err, removed, clearErr)
	}
	check(t, "verify", cache.Verify(t.Context(), dir, func(cache.Info) { t.Error("yielded an entry") }), nil)
}
