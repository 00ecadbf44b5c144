package fs_test

import (
	"runtime"
	"testing"
	"time"

	"clipfs/fs"
)

// hourAgo is the start of what the streams of these tests have recorded.
func hourAgo() time.Time { return time.Now().Add(-time.Hour).Truncate(time.Minute) }

func TestOpenSendsBackWhoHoldsAnEstimate(t *testing.T) {
	since := hourAgo()
	service := door(since)
	l := library(t, service)
	c := lookup(t, l, since, time.Minute)
	v := fs.NewVersions().Of(7, c)

	estimate, exact := v.Tell()
	if exact {
		t.Fatal("size is exact before anything was fetched")
	}
	h, err := c.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if estimate < h.Size() {
		t.Errorf("estimate %d is below the size %d", estimate, h.Size())
	}
	now := time.Now()
	if !v.Settle(h.Size(), 100, now) {
		t.Error("first open with an estimate in the kernel was not sent back")
	}
	if size, exact := v.Tell(); size != h.Size() || !exact {
		t.Errorf("lookup after that gives %d, exact %t; want %d, exact", size, exact, h.Size())
	}
	if v.Settle(h.Size(), 100, now) {
		t.Error("open by the caller that looked the name up again was sent back")
	}
	if !v.Settle(h.Size(), 200, now) {
		t.Error("another caller was let in on an answer that may not have reached the kernel")
	}
	if v.Settle(h.Size(), 300, now.Add(time.Second)) {
		t.Error("open with the exact size in the kernel was sent back")
	}
}

func TestOpenOfAClipOfKnownSizeIsNotSentBack(t *testing.T) {
	since := hourAgo()
	service := door(since)
	c := lookup(t, library(t, service), since, time.Minute)
	h, err := c.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	v := fs.NewVersions().Of(7, c)
	if size, exact := v.Tell(); size != h.Size() || !exact {
		t.Fatalf("first lookup gives %d, exact %t; want %d, exact", size, exact, h.Size())
	}
	for _, pid := range []uint32{100, 0} {
		if v.Settle(h.Size(), pid, time.Now()) {
			t.Errorf("open by %d was sent back although the kernel never held an estimate", pid)
		}
	}
}

// TestOpenRecallsAnEstimateOnce: the kernel is asked to forget attributes where they were ever an estimate, and not again.
func TestOpenRecallsAnEstimateOnce(t *testing.T) {
	since := hourAgo()
	c := lookup(t, library(t, door(since)), since, time.Minute)
	asked := 0
	ask := func() { asked++ }
	v := fs.NewVersions().Of(7, c)
	v.Recall(ask)
	if asked != 0 {
		t.Error("the kernel was asked to forget what it was not told")
	}
	v.Tell()
	for range 2 {
		v.Settle(1000, 100, time.Now())
		v.Recall(ask)
	}
	if asked != 1 {
		t.Errorf("the kernel was asked %d times to forget an estimate, want once", asked)
	}
	if size, exact := v.Tell(); size != 1000 || !exact {
		t.Errorf("after that it is told %d, exact %t", size, exact)
	}
}

func TestOpenSendsACallerBackOnce(t *testing.T) {
	since := hourAgo()
	service := door(since)
	v := fs.NewVersions().Of(7, lookup(t, library(t, service), since, time.Minute))
	v.Tell()
	now := time.Now()
	steps := []struct {
		pid   uint32
		after time.Duration
		want  bool
	}{
		{100, 0, true},
		{200, 0, true},
		{100, time.Second, false}, // came by a way that looks nothing up
		{200, time.Second, false},
		{100, 2 * time.Second, true}, // another open
		{100, 2*time.Second + fs.SentBackFor, true},
		{0, 0, true}, // from another pid namespace: may be anyone
		{0, 0, true},
	}
	for i, step := range steps {
		if got := v.Settle(1000, step.pid, now.Add(step.after)); got != step.want {
			t.Errorf("step %d: open by %d sent back: %t, want %t", i, step.pid, got, step.want)
		}
	}
}

// TestManyOpenersAreSentBackOnceEach: of threads that open one clip in the same moment each is sent back once.
func TestManyOpenersAreSentBackOnceEach(t *testing.T) {
	const threads = 1000
	since := hourAgo()
	service := door(since)
	v := fs.NewVersions().Of(7, lookup(t, library(t, service), since, time.Minute))
	v.Tell()
	now := time.Now()
	for again := range 2 {
		for pid := range uint32(threads) {
			if sent := v.Settle(1000, 1+pid, now); sent != (again == 0) {
				t.Fatalf("open %d of thread %d: sent back %t", again+1, pid, sent)
			}
		}
	}
}

func TestCallersSentBackAreBounded(t *testing.T) {
	since := hourAgo()
	service := door(since)
	v := fs.NewVersions().Of(7, lookup(t, library(t, service), since, time.Minute))
	now := time.Now()
	for pid := range uint32(2 * fs.MaxSentBack) {
		if !v.Settle(1000, pid+1, now) {
			t.Fatalf("open by %d was not sent back", pid+1)
		}
	}
	if got := v.SentBack(); got != fs.MaxSentBack {
		t.Errorf("%d callers remembered, want %d", got, fs.MaxSentBack)
	}
	if v.Settle(1000, 2*fs.MaxSentBack, now) {
		t.Error("the last caller was forgotten")
	}
}

func TestVersionsAreOnePerPathAndFootage(t *testing.T) {
	since := hourAgo()
	service := door(since)
	l := library(t, service)
	table := fs.NewVersions()
	first := table.Of(7, lookup(t, l, since, time.Minute))
	again := table.Of(7, lookup(t, l, since, time.Minute))
	if first != again {
		t.Error("two lookups of the same footage give two versions")
	}
	longer := table.Of(7, lookup(t, l, since, 2*time.Minute))
	if longer == first || longer.Gen() <= first.Gen() {
		t.Errorf("generation %d after %d, want a new version of a later generation", longer.Gen(), first.Gen())
	}
	other := table.Of(8, lookup(t, l, since, time.Minute))
	if other == first {
		t.Error("two paths share a version")
	}
	runtime.KeepAlive(first)
	runtime.KeepAlive(longer)
	runtime.KeepAlive(other)
}

func TestVersionsGoWithTheirInodes(t *testing.T) {
	since := hourAgo()
	service := door(since)
	l := library(t, service)
	table := fs.NewVersions()
	for minutes := range 20 {
		table.Of(7, lookup(t, l, since, time.Duration(minutes+1)*time.Minute))
	}
	for deadline := time.Now().Add(20 * time.Second); table.Len() > 0; runtime.Gosched() {
		runtime.GC()
		if time.Now().After(deadline) {
			t.Fatalf("%d versions left that nothing points to", table.Len())
		}
	}
}

func TestPathKeepsAVersionForAMoment(t *testing.T) {
	since := hourAgo()
	service := door(since)
	l := library(t, service)
	table := fs.NewVersions()
	v := table.Of(7, lookup(t, l, since, time.Minute))
	now := time.Now()
	if _, ok := table.StuckAt(7, 200, now); ok {
		t.Error("a path keeps a version that it was not told to")
	}
	table.Stick(v, 100, now)
	if got, ok := table.StuckAt(7, 200, now.Add(fs.StickFor-time.Nanosecond)); !ok || got != v {
		t.Error("a path does not keep the version that it was told to")
	}
	if _, ok := table.StuckAt(8, 100, now); ok {
		t.Error("another path keeps the version too")
	}
	if _, ok := table.StuckAt(7, 200, now.Add(fs.StickFor)); ok {
		t.Error("a path keeps the version for good")
	}
}

func TestLookupsFetchNoMedia(t *testing.T) {
	since := hourAgo()
	service := door(since)
	l := library(t, service)
	table := fs.NewVersions()
	for range 10 {
		table.Of(7, lookup(t, l, since, time.Minute)).Tell()
	}
	if got, _, _ := service.Calls(); got != 0 {
		t.Errorf("%d payloads fetched, want none", got)
	}
}

// TestCallerFindsTheVersionItWasSentBackFor: whatever others open at the path meanwhile. Nothing would catch a second ESTALE.
func TestCallerFindsTheVersionItWasSentBackFor(t *testing.T) {
	since := hourAgo()
	service := door(since)
	l := library(t, service)
	table := fs.NewVersions()
	first, second := table.Of(7, lookup(t, l, since, time.Minute)), table.Of(7, lookup(t, l, since, 2*time.Minute))
	now := time.Now()
	at := func(pid uint32, want fs.Version) {
		t.Helper()
		if got, ok := table.StuckAt(7, pid, now); !ok || got != want {
			t.Errorf("caller %d finds generation %d, %t; want %d", pid, got.Gen(), ok, want.Gen())
		}
	}
	table.Stick(first, 100, now)
	table.Stick(second, 200, now)
	at(100, first)
	at(200, second)
	at(300, second)
	now = now.Add(2 * fs.StickFor) // the lookups on its way were slow
	at(100, first)
	if _, ok := table.StuckAt(7, 300, now); ok {
		t.Error("the path keeps a version for good")
	}
	if table.CameBack(first, 100, now) {
		t.Error("it has come back to another version")
	}
	if _, ok := table.StuckAt(7, 100, now); ok {
		t.Error("a caller that has come back is sent to the old version still")
	}
	// What it was sent back for is gone by then: the newest, of which it was told a moment ago.
	table.Stick(first, 100, now)
	table.Unstick(first)
	table.Stick(second, 200, now)
	at(100, second)
	if !table.CameBack(second, 100, now) || table.CameBack(second, 100, now) {
		t.Error("it has come back to another version, once")
	}
	table.Stick(first, 100, now)
	if now = now.Add(fs.SentBackFor); table.CameBack(second, 100, now) {
		t.Error("a caller counts as sent back for good")
	}
}
