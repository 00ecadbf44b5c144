package clip_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/quota"
)

// distant is an archive as clipbench has it: it answers after 300 ms, keeps its calls to the service's quotas as package kvs does, and sends each
// body at the same speed.
type distant struct {
	*memory.Archive
	pacer     *quota.Pacer
	each      time.Duration
	perSecond int64
}

// away is how long a call of a distant archive takes until its answer begins.
const away = 300 * time.Millisecond

// newDistant gives one with hours of fragments of a length, whose minutes are of so many bytes and take as long as 11 MB at 25 MB/s.
func newDistant(t *testing.T, each time.Duration, hours int, part int64) *distant {
	t.Helper()
	pacer, err := quota.NewPacer(quota.Points{})
	if err != nil {
		t.Fatal(err)
	}
	d := &distant{memory.New(), pacer, each, part * 25 / 11}
	d.Page = away
	d.Record("cam", memory.Base(), hours*int(time.Hour/each), each)
	for i := range d.Recorded["cam"] {
		d.Recorded["cam"][i].Size = part * int64(each) / int64(time.Minute)
	}
	time.Sleep(time.Until(memory.Base().Add(time.Duration(hours+24) * time.Hour)))
	return d
}

// Payload makes a call once its points are there.
func (d *distant) Payload(ctx context.Context, q archive.PayloadQuery) (*archive.Payload, error) {
	key := quota.Key{Stream: q.Stream, Quota: quota.Media}
	if err := d.pacer.Take(ctx, key, q.Fragments, q.Priority); err != nil {
		return nil, err
	}
	sent := time.Now()
	time.Sleep(away)
	d.pacer.Answered(key, sent)
	p, err := d.Archive.Payload(ctx, q)
	if err != nil {
		return nil, err
	}
	p.Body = &line{p.Body, d.perSecond}
	return p, nil
}

// line is a connection.
type line struct {
	io.ReadCloser
	perSecond int64
}

// Read reads at most 16 KiB, in the time that they take.
func (l *line) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p[:min(len(p), 16<<10)])
	time.Sleep(time.Duration(int64(n) * int64(time.Second) / l.perSecond))
	return n, err
}

// directly makes the calls of an hour, as many at once as clips have downloads, and gives how long that takes.
func (d *distant) directly(t *testing.T, from time.Time) time.Duration {
	t.Helper()
	begun := time.Now()
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(clip.DefaultConnections)
	for i := range 60 {
		group.Go(func() error {
			span := archive.NewSpan(from.Add(time.Duration(i)*time.Minute), time.Minute)
			p, err := d.Payload(ctx, archive.PayloadQuery{Stream: "cam", Span: span, Fragments: int(time.Minute / d.each)})
			if err != nil {
				return err
			}
			_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, p.Body, make([]byte, 16<<10))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	return time.Since(begun)
}

// as gives a context of a process.
func as(t *testing.T, command string, pid uint32) context.Context {
	t.Helper()
	return archive.WithOperation(t.Context(), archive.Operation{ID: 1, PID: pid, UID: 1000, Command: command})
}

// openAs looks an hour up and opens it.
func openAs(ctx context.Context, t *testing.T, l *clip.Library, hour int) *clip.Handle {
	t.Helper()
	film, err := l.Clip(ctx, "cam", archive.NewSpan(memory.Base().Add(time.Duration(hour)*time.Hour), time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	h, err := film.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// copyAs opens an hour, reads all of it, and closes it.
func copyAs(ctx context.Context, t *testing.T, l *clip.Library, hour int) {
	t.Helper()
	h := openAs(ctx, t, l, hour)
	for at, b := int64(0), make([]byte, 128<<10); at < h.Size(); {
		n, err := h.ReadAt(ctx, b, at)
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		at += int64(n)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

// TestColdHour: an hour is read whole in little more than its floor, which is 1.46 times the time that its calls take directly: no body goes on before a
// read. From the second one on that a program reads whole it takes 1.18 times as long at most, and where the quota does not make an open wait no longer.
// No part is called for twice.
func TestColdHour(t *testing.T) {
	for _, test := range []struct {
		each   time.Duration
		atMost [2]float64
	}{
		{2 * time.Second, [2]float64{1.53, 1.18}},
		{20 * time.Second, [2]float64{1, 1}},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDistant(t, test.each, 3, heavyPart)
			l, _ := library(t, d, clip.Options{OpenQuota: d.pacer.Opening})
			if _, err := readAll(t, lookUp(t, l, "cam", archive.NewSpan(memory.Base().Add(2*time.Hour), time.Minute))); err != nil {
				t.Fatal(err) // it tells how densely the stream is recorded
			}
			for hour, most := range test.atMost {
				time.Sleep(10 * time.Second)
				theirs := d.directly(t, memory.Base().Add(time.Duration(hour)*time.Hour))
				time.Sleep(10 * time.Second)
				before, _, _ := d.Calls()
				begun := time.Now()
				copyAs(as(t, "cp", 7), t, l, hour)
				ours := time.Since(begun)
				t.Logf("fragments of %s, hour %d: %s, directly %s: throughput %.3f", test.each, hour, ours, theirs, theirs.Seconds()/ours.Seconds())
				if ours.Seconds() > most*theirs.Seconds() {
					t.Errorf("fragments of %s, hour %d: %s, want at most %g times %s", test.each, hour, ours, most, theirs)
				}
				if calls, _, _ := d.Calls(); calls != before+60 {
					t.Errorf("%d GetClip calls, want 60", calls-before)
				}
			}
		})
	}
}

// TestReaderThatStops: a program that reads an hour front to back, and never has to be waited for, has five times as much fetched as it has read and two
// parts, at most, when it stops. One that goes on has the rest soon after five rounds of bodies: sixty come over sixteen connections in four, and a part and
// what may be fetched ahead of it are one.
func TestReaderThatStops(t *testing.T) {
	for _, tenths := range []int64{1, 4, 8, 12, 24, 45, 600} {
		synctest.Test(t, func(t *testing.T) {
			d := newDistant(t, 2*time.Second, 1, heavyPart)
			l, _ := library(t, d, clip.Options{OpenQuota: d.pacer.Opening, Eager: -1})
			h := openAs(as(t, "player", 7), t, l, 0)
			defer func() { _ = h.Close() }()
			before, begun, n := d.Sent(), time.Now(), tenths*heavyPart/10
			read(t, h, h.Size()-60*heavyPart, n)
			took := time.Since(begun)
			time.Sleep(9 * time.Second) // all that it is to have comes
			sent := d.Sent() - before
			t.Logf("%d bytes read in %s: %d fetched", n, took, sent)
			if most := 5*n + 2*heavyPart; sent > most {
				t.Errorf("%d bytes read: %d fetched, want at most %d", n, sent, most)
			}
			if most := 5200 * 440 * time.Microsecond; n == 60*heavyPart && took > most {
				t.Errorf("the hour took %s, want at most %s", took, most)
			}
		})
	}
}

// TestWhatOpeningFetches: only for a program that has read its last clip whole, faster than it plays, do bodies come while it opens another, and once; every
// other open costs heads alone.
func TestWhatOpeningFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const part, hours = 300_000, 12
		d := newDistant(t, 2*time.Second, hours, part)
		l, _ := library(t, d, clip.Options{OpenQuota: d.pacer.Opening, Eager: -1})
		hour := 0
		// opened opens another hour and gives how many bytes came until a while after it was open.
		opened := func(ctx context.Context) (*clip.Handle, int64) {
			time.Sleep(20 * time.Second) // what was left is given up
			before := d.Sent()
			h := openAs(ctx, t, l, hour)
			hour++
			time.Sleep(20 * time.Second)
			return h, d.Sent() - before
		}
		copied := func(ctx context.Context) {
			copyAs(ctx, t, l, hour)
			hour++
		}
		play := func(ctx context.Context) {
			h := openAs(ctx, t, l, hour)
			hour++
			for at := h.Size() - 60*part; at < h.Size(); at += part {
				read(t, h, at, min(part, h.Size()-at))
				time.Sleep(20 * time.Second)
			}
			_ = h.Close()
		}
		cp, other, player := as(t, "cp", 7), as(t, "cp", 9), as(t, "player", 10)
		for _, step := range []struct {
			what   string
			before func()
			who    context.Context
			bodies bool
			then   func(h *clip.Handle)
		}{
			{what: "nothing is known", who: cp},
			{what: "another program", before: func() { copied(cp) }, who: as(t, "thumbnailer", 8)},
			{what: "another process", who: other},
			{what: "the process that has read a clip whole", who: cp, bodies: true},
			{what: "the same, which has not read the last one", who: cp},
			{what: "another process, after two", before: func() { copied(cp) }, who: other, bodies: true, then: func(h *clip.Handle) { read(t, h, h.Size()-60*part, 2*part) }},
			{what: "the same, which has read a little of the last one", who: other},
			{what: "who has played a clip at three times its speed", before: func() { play(player) }, who: player},
		} {
			if step.before != nil {
				step.before()
			}
			h, sent := opened(step.who)
			if heads := int64(60 * (onItsWay + 8<<10)); step.bodies && sent < 2*heads || !step.bodies && sent > heads || sent > 61*part {
				t.Errorf("%s: %d bytes came, want bodies %t", step.what, sent, step.bodies)
			}
			if step.then != nil {
				step.then(h)
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestMeasuringFetchesHeads: a look-up that waits for the exact size costs heads alone, also of a program that has read its last clip whole, which has media come
// when it opens one then.
func TestMeasuringFetchesHeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const part = 300_000
		d := newDistant(t, 2*time.Second, 3, part)
		l, _ := library(t, d, clip.Options{OpenQuota: d.pacer.Opening, Eager: -1})
		opens := as(t, "tar", 7)
		copyAs(opens, t, l, 0)
		op, _ := archive.OperationOf(opens)
		op.Measures = true
		for hour, who := range []context.Context{archive.WithOperation(t.Context(), op), opens} {
			time.Sleep(20 * time.Second) // what was left is given up
			before := d.Sent()
			h := openAs(who, t, l, 1+hour)
			sent, heads := d.Sent()-before, int64(60*(onItsWay+8<<10))
			if bodies := hour == 1; bodies && sent < 2*heads || !bodies && sent > heads {
				t.Errorf("%d bytes came, want bodies %t", sent, bodies)
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
