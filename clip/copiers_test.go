package clip_test

import (
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// TestColdHourOfCopier: a copier reads its first hour whole in at most 1.12 times the time that its calls take directly, although no more than twice ReadAhead
// comes while it opens it, here as much of it as 512 MiB are of 660 MB, and in whatever order heads come. No part is called for twice.
func TestColdHourOfCopier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDistant(t, 2*time.Second, 2, heavyPart)
		l, _ := library(t, d, clip.Options{OpenQuota: d.pacer.Opening, Eager: -1, ReadAhead: 60 * heavyPart * 268 / 660, Copiers: []string{"cp"}})
		if _, err := readAll(t, lookUp(t, l, "cam", archive.NewSpan(memory.Base().Add(time.Hour), time.Minute))); err != nil {
			t.Fatal(err) // it tells how densely the stream is recorded
		}
		time.Sleep(10 * time.Second)
		theirs := d.directly(t, memory.Base())
		time.Sleep(10 * time.Second)
		before, _, _ := d.Calls()
		begun := time.Now()
		copyAs(as(t, "cp", 7), t, l, 0)
		ours := time.Since(begun)
		t.Logf("%s, directly %s: throughput %.3f", ours, theirs, theirs.Seconds()/ours.Seconds())
		if most := 1.12; ours.Seconds() > most*theirs.Seconds() {
			t.Errorf("%s, want at most %g times %s", ours, most, theirs)
		}
		if calls, _, _ := d.Calls(); calls != before+60 {
			t.Errorf("%d GetClip calls, want 60", calls-before)
		}
	})
}

// TestWhatCopiersFetch: while a copier opens its first clip twice as much comes as may be prefetched, and no more while it opens another before it has read that
// one whole. Nothing comes where it only asks for the size, where nothing may be prefetched, and while another program opens a clip.
func TestWhatCopiersFetch(t *testing.T) {
	const part, hours = 300_000, 4
	cp, other := archive.Operation{ID: 1, PID: 7, UID: 1000, Command: "cp"}, archive.Operation{ID: 2, PID: 8, UID: 1000, Command: "cp"}
	measuring, cpx, nameless, user := cp, cp, cp, cp
	measuring.Measures, cpx.Command, nameless.Command, user.UID = true, "cpx", "", 1001
	for _, test := range []struct {
		what      string
		who       []archive.Operation
		readAhead int64
		bodies    []bool
	}{
		{"a copier that reads nothing", []archive.Operation{cp, other, cp}, 10 * part, []bool{true, false, false}},
		{"copiers of two users", []archive.Operation{cp, user}, 10 * part, []bool{true, true}},
		{"a copier that asks for a size first", []archive.Operation{measuring, measuring, cp}, 10 * part, []bool{false, false, true}},
		{"a copier where nothing is prefetched", []archive.Operation{cp}, -1, []bool{false}},
		{"other programs", []archive.Operation{cpx, nameless}, 10 * part, []bool{false, false}},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDistant(t, 2*time.Second, hours, part)
			l, _ := library(t, d, clip.Options{OpenQuota: d.pacer.Opening, Eager: -1, ReadAhead: test.readAhead, Copiers: []string{"cp", "rsync"}})
			for hour, who := range test.who {
				time.Sleep(20 * time.Second) // what was left is given up
				before := d.Sent()
				h := openAs(archive.WithOperation(t.Context(), who), t, l, hour)
				time.Sleep(20 * time.Second)
				sent, heads := d.Sent()-before, int64(60*(onItsWay+8<<10))
				if bodies := test.bodies[hour]; bodies && (sent < 20*part || sent > heads+21*part) || !bodies && sent > heads {
					t.Errorf("%s: opening hour %d brought %d bytes, want bodies %t", test.what, hour, sent, bodies)
				}
				if err := h.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestCopierThatStops: after a copier has left a clip unread, but for a little, opening another one costs heads alone, until it has read two whole.
func TestCopierThatStops(t *testing.T) {
	const part = 300_000
	synctest.Test(t, func(t *testing.T) {
		d := newDistant(t, 2*time.Second, 5, part)
		l, _ := library(t, d, clip.Options{OpenQuota: d.pacer.Opening, Eager: -1, Copiers: []string{"cp"}})
		h := openAs(as(t, "cp", 7), t, l, 0)
		read(t, h, h.Size()-60*part, 2*part)
		_ = h.Close()
		for hour, bodies := range []bool{false, false, true} {
			time.Sleep(20 * time.Second)
			before := d.Sent()
			h := openAs(as(t, "cp", uint32(8+hour)), t, l, 1+hour)
			time.Sleep(5 * time.Second)
			if sent, heads := d.Sent()-before, int64(60*(onItsWay+8<<10)); bodies != (sent > 2*heads) {
				t.Errorf("opening hour %d brought %d bytes, want bodies %t", 1+hour, sent, bodies)
			}
			_ = h.Close()
			copyAs(as(t, "cp", uint32(8+hour)), t, l, 1+hour)
		}
	})
}
