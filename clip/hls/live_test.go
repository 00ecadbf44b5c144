package hls_test

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// followed is a live playlist as it was read.
type followed struct {
	sequence, discontinuities int64
	target                    time.Duration
	// names are those of the segments, marks which of them have a discontinuity before them.
	names []string
	marks []bool
	end   time.Time
}

// follow reads the live playlist.
func (p published) follow(t *testing.T) followed {
	t.Helper()
	text, end, err := p.Live(t.Context(), door)
	if err != nil {
		t.Fatal(err)
	}
	f := followed{end: end}
	number := func(line, tag string) int64 {
		n, err := strconv.ParseInt(strings.TrimPrefix(line, tag), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	mark, clock := false, false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#EXT-X-MEDIA-SEQUENCE:"):
			f.sequence = number(line, "#EXT-X-MEDIA-SEQUENCE:")
		case strings.HasPrefix(line, "#EXT-X-DISCONTINUITY-SEQUENCE:"):
			f.discontinuities = number(line, "#EXT-X-DISCONTINUITY-SEQUENCE:")
		case strings.HasPrefix(line, "#EXT-X-TARGETDURATION:"):
			f.target = time.Duration(number(line, "#EXT-X-TARGETDURATION:")) * time.Second
		case strings.HasPrefix(line, "#EXT-X-PROGRAM-DATE-TIME:"):
			clock = true
		case line == "#EXT-X-DISCONTINUITY":
			mark = true
		case strings.HasPrefix(line, "#EXT-X-PLAYLIST-TYPE"), strings.HasPrefix(line, "#EXT-X-ENDLIST"):
			t.Errorf("a live playlist says %s", line)
		case !strings.HasPrefix(line, "#"):
			if !clock {
				t.Errorf("%s has no time of day", line)
			}
			f.names, f.marks = append(f.names, line), append(f.marks, mark)
			mark, clock = false, false
		}
	}
	return f
}

// goesOn compares a playlist with the one before it: what both have has the same numbers.
func (f followed) goesOn(t *testing.T, before followed) {
	t.Helper()
	skipped := int(f.sequence - before.sequence)
	if skipped < 0 || skipped > len(before.names) || f.target != before.target {
		t.Fatalf("sequence %d of %d segments, then %d, target %s and %s", before.sequence, len(before.names), f.sequence, before.target, f.target)
	}
	marks := int64(0)
	for _, m := range before.marks[:skipped] {
		if m {
			marks++
		}
	}
	if f.discontinuities != before.discontinuities+marks {
		t.Errorf("discontinuity sequence %d, then %d, and %d are gone", before.discontinuities, f.discontinuities, marks)
	}
	for i, name := range before.names[skipped:] {
		if f.names[i] != name || f.marks[i] != before.marks[skipped+i] {
			t.Errorf("segment %d was %s and is %s", before.sequence+int64(skipped+i), name, f.names[i])
		}
	}
}

// camera records fragments of two seconds into the present, and looks at the playlist as a player does.
func (p published) camera(t *testing.T, fragments int, before followed) followed {
	t.Helper()
	for i := range fragments {
		at := time.Now()
		time.Sleep(2 * time.Second)
		p.archive.Record(door, at, 1, 2*time.Second)
		if i%3 != 2 {
			continue
		}
		time.Sleep(2 * time.Second) // for which the live edge is believed
		f := p.follow(t)
		f.goesOn(t, before)
		if late := time.Since(f.end); late > 13*time.Second && f.sequence+int64(len(f.names)) > before.sequence+int64(len(before.names)) {
			t.Errorf("the playlist ends %s ago", late)
		}
		before = f
		p.archive.Record(door, at.Add(2*time.Second), 1, 2*time.Second)
	}
	return before
}

// TestLive: the live playlist goes on with a camera, over midnight and a pause of hours, keeps the numbers of its segments, and a remount gives the same
// ones.
func TestLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := memory.New()
		a.Record(door, time.Now().Add(-4*time.Minute), 120, 2*time.Second)
		p := publish(t, a, clip.Options{}, 0)
		first := p.follow(t)
		if n := len(first.names); n < 29 || n > 31 || first.target != 9*time.Second {
			t.Fatalf("%d segments at first, target %s", n, first.target)
		}
		if _, last, ok := strings.Cut(first.names[0], ".pts"); !ok || len(last) != len("946684620000.ts") {
			t.Errorf("the first segment is %s: no time since 1970", first.names[0])
		}
		recorded := p.camera(t, 90, first)
		time.Sleep(time.Minute)
		quiet := p.follow(t)
		quiet.goesOn(t, recorded)
		if since := time.Since(quiet.end); since > 65*time.Second {
			t.Errorf("of what was recorded until a minute ago the last %s are missing", since-time.Minute)
		}
		time.Sleep(3 * time.Hour)
		if still := p.follow(t); fmt.Sprint(still.names) != fmt.Sprint(quiet.names) {
			t.Errorf("after hours of silence: %v, before %v", still.names, quiet.names)
		}
		again := p.camera(t, 12, quiet)
		marked := 0
		for _, m := range again.marks {
			if m {
				marked++
			}
		}
		if marked != 1 {
			t.Errorf("%d discontinuities after a pause", marked)
		}
		// A remount on another day jumps forward; on the same day it does not.
		time.Sleep(3 * time.Second) // for longer than a listing of the live edge is believed
		other := publish(t, a, clip.Options{}, 0)
		there, now := other.follow(t), p.follow(t)
		if there.sequence <= now.sequence || fmt.Sprint(there.names) != fmt.Sprint(now.names) {
			t.Errorf("after a remount on another day: from %d %v\nbefore: from %d %v", there.sequence, there.names, now.sequence, now.names)
		}
		other.camera(t, 12, there)
		for range 3 {
			same, now := publish(t, a, clip.Options{}, 0).follow(t), other.follow(t)
			if fmt.Sprint(same) != fmt.Sprint(now) {
				t.Errorf("after a remount on the same day: %v\nbefore: %v", same, now)
			}
			p.archive.Record(door, time.Now(), 3, 2*time.Second)
			time.Sleep(8 * time.Second)
		}
		if payloads, _, _ := a.Calls(); payloads != 0 {
			t.Errorf("%d GetClip calls", payloads)
		}
	})
}

// TestLiveOfNothing: a stream without footage has no live playlist, and one of a single fragment has one once it is sure to be whole.
func TestLiveOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := memory.New()
		a.Recorded[door] = nil
		p := publish(t, a, clip.Options{}, 0)
		if _, _, err := p.Live(t.Context(), door); !errors.Is(err, archive.ErrNoFootage) {
			t.Errorf("of nothing: %v", err)
		}
		a.Record(door, time.Now(), 1, 2*time.Second)
		time.Sleep(4 * time.Second)
		if text, _, err := p.Live(t.Context(), door); !errors.Is(err, archive.ErrNoFootage) {
			t.Errorf("of a fragment that may go on: %q, %v", text, err)
		}
		time.Sleep(time.Minute)
		if f := p.follow(t); len(f.names) != 1 || f.sequence%86_400 != 0 {
			t.Errorf("of a fragment: %d segments from %d", len(f.names), f.sequence)
		}
	})
}

// changes has payloads of an archive say something else from a time on. One of both is none, as with the service.
func changes(a *memory.Archive, at time.Time, from, to string) {
	var mu sync.Mutex
	later := false
	a.Answer = func(asked []archive.Fragment) ([]archive.Fragment, error) {
		mu.Lock()
		defer mu.Unlock()
		later = !asked[0].Producer.Before(at)
		if !later && !asked[len(asked)-1].Producer.Before(at) {
			return nil, fmt.Errorf("the codec private data is not consistent: %w", archive.ErrMedia)
		}
		return asked, nil
	}
	a.Rewrite = func(payload []byte) []byte {
		mu.Lock()
		defer mu.Unlock()
		if !later {
			return payload
		}
		return bytes.ReplaceAll(payload, []byte(from), []byte(to))
	}
}

// TestLiveAfterAChange: what a new viewer is given begins with the codec that is live now, wherever it has changed and though nothing was read of any of
// it, which costs few calls; and it does not go back when it goes on.
func TestLiveAfterAChange(t *testing.T) {
	const fragments = 90 // the window has them all
	for _, changed := range []int{0, 1, 3, 4, 30, 60, 86, 87} {
		synctest.Test(t, func(t *testing.T) {
			a := memory.New()
			begin := time.Now().Add(-fragments * 2 * time.Second)
			a.Record(door, begin, fragments, 2*time.Second)
			change := begin.Add(time.Duration(changed) * 2 * time.Second)
			changes(a, change, "avc1", "hvc1")
			time.Sleep(time.Minute) // all of it is there
			p := publish(t, a, clip.Options{}, 0)
			var f followed
			before := p.follow(t)
			if calls := p.calls(func() {
				if cut := p.Follow(t.Context(), door); cut != (changed > 0) {
					t.Errorf("changed after %d fragments: cut %t", changed, cut)
				}
				f = p.follow(t)
			}); calls > 12 {
				t.Errorf("changed after %d fragments: %d calls", changed, calls)
			}
			f.goesOn(t, before)
			if calls := p.calls(func() {
				if p.Follow(t.Context(), door) {
					t.Errorf("changed after %d fragments: cut again", changed)
				}
			}); calls > 0 {
				t.Errorf("changed after %d fragments: %d calls of who follows", changed, calls)
			}
			if began := f.began().Sub(change); began < 0 || began > 6*time.Second {
				t.Errorf("changed after %d fragments: it begins %s behind that", changed, began)
			}
			a.Record(door, time.Now(), 6, 2*time.Second)
			time.Sleep(15 * time.Second)
			on := p.follow(t)
			on.goesOn(t, f)
			if !on.end.After(f.end) {
				t.Errorf("changed after %d fragments: it does not go on", changed)
			}
		})
	}
}

// began is when the first segment starts.
func (f followed) began() time.Time {
	_, position, _ := strings.Cut(f.names[0], ".pts")
	ms, err := strconv.ParseInt(strings.TrimSuffix(position, ".ts"), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
