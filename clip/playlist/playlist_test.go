package playlist_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/playlist"
)

// begin is when the footage of the tests begins: a full minute.
func begin() time.Time { return time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC) }

// rule is one for fragments that say all of their length.
func rule() archive.GapRule { return archive.GapRule{Min: time.Second} }

// footage makes fragments of some lengths, each at the end of the one before; a length below 0 is a gap.
func footage(lengths ...time.Duration) []archive.Fragment {
	var all []archive.Fragment
	at := begin()
	for i, d := range lengths {
		if d < 0 {
			at = at.Add(-d)
			continue
		}
		all = append(all, archive.Fragment{ID: archive.FragmentID(fmt.Sprint(i)), Producer: at, Length: d})
		at = at.Add(d)
	}
	return all
}

// repeat gives n times a length.
func repeat(n int, d time.Duration) []time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = d
	}
	return all
}

func TestCut(t *testing.T) {
	const s = time.Second
	for _, test := range []struct {
		name    string
		lengths []time.Duration
		want    string
	}{
		{"nothing", nil, ""},
		{"2 s", repeat(8, 2*s), "0+6s 6+6s 12+4s"},
		{"4 s", repeat(4, 4*s), "0+8s 8+8s"},
		{"5 s", repeat(3, 5*s), "0+5s 5+5s 10+5s"},
		{"longer than a segment", repeat(2, 20*s), "0+20s 20+20s"},
		{"a gap", append(append(repeat(2, 2*s), -10*s), repeat(2, 2*s)...), "0+4s |14+4s"},
		{"a minute's border", repeat(8, 8*s), "0+8s 8+8s 16+8s 24+8s 32+8s 40+8s 48+8s 56+8s"},
		{"a border within", repeat(16, 4*s), "0+8s 8+8s 16+8s 24+8s 32+8s 40+8s 48+8s 56+4s 60+4s"},
	} {
		var got []string
		for _, s := range playlist.Cut(footage(test.lengths...), rule(), playlist.Options{}) {
			mark := ""
			if s.Discontinuity {
				mark = "|"
			}
			got = append(got, fmt.Sprintf("%s%d+%s", mark, int(s.Span.Start.Sub(begin()).Seconds()), s.Span.Length()))
		}
		if got := strings.Join(got, " "); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// TestCutTiles: whatever the footage, each fragment starts in one segment, segments never overlap and never lie across a gap or a
// border, none is longer than allowed unless it has one instant only, and PTS is the sum of what was before.
func TestCutTiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	noon := begin().Add(37 * time.Second)
	border := func(at time.Time) time.Time {
		if at.Before(noon) {
			return noon
		}
		return at.Add(24 * time.Hour)
	}
	for range 500 {
		var lengths []time.Duration
		for range r.IntN(60) {
			d := time.Duration(r.IntN(12_000)) * time.Millisecond
			if r.IntN(8) == 0 {
				d = -d - 2*time.Second
			}
			lengths = append(lengths, d)
		}
		fragments := footage(lengths...)
		segments := playlist.Cut(fragments, rule(), playlist.Options{Border: border})
		var pts time.Duration
		n := 0
		for i, s := range segments {
			if s.PTS != pts || s.Span.Empty() || i > 0 && s.Span.Start.Before(segments[i-1].Span.End) {
				t.Fatalf("segment %d: %+v, want pts %s", i, s, pts)
			}
			if i > 0 && s.Discontinuity != s.Span.Start.Add(-time.Second).After(segments[i-1].Span.End) {
				t.Fatalf("segment %d: discontinuity %t after %s", i, s.Discontinuity, s.Span.Start.Sub(segments[i-1].Span.End))
			}
			pts += s.Span.Length()
			own := n
			for n < len(fragments) && s.Span.Contains(fragments[n].Producer) {
				n++
			}
			if own == n || !fragments[own].Producer.Equal(s.Span.Start) {
				t.Fatalf("segment %d has no fragment at its start", i)
			}
			instants := fragments[n-1].Producer.After(fragments[own].Producer)
			if instants && (s.Span.Length() > 9*time.Second || s.Span.Start.Before(noon) && fragments[n-1].Producer.After(noon.Add(-1))) {
				t.Fatalf("segment %d: %s", i, s.Span)
			}
		}
		if n != len(fragments) {
			t.Fatalf("%d of %d fragments", n, len(fragments))
		}
	}
}

// TestCutAlike: playlists that begin in other minutes have the same segments where both have footage.
func TestCutAlike(t *testing.T) {
	fragments := footage(repeat(600, 1700*time.Millisecond)...)
	all := playlist.Cut(fragments, rule(), playlist.Options{})
	known := make(map[archive.Span]bool)
	for _, s := range all {
		known[s.Span] = true
	}
	from := 0
	for fragments[from].Producer.Before(begin().Add(2 * time.Minute)) {
		from++
	}
	for _, s := range playlist.Cut(fragments[from:], rule(), playlist.Options{}) {
		if !known[s.Span] {
			t.Errorf("%s is in the later playlist only", s.Span)
		}
	}
}

func TestVOD(t *testing.T) {
	fragments := footage(2*time.Second, 2*time.Second, 2*time.Second, -time.Hour, 1500*time.Millisecond)
	segments := playlist.Cut(fragments, rule(), playlist.Options{})
	got := string(playlist.VOD(segments, func(s playlist.Segment) string {
		return fmt.Sprintf("%s.pts%d.ts", s.Span.Length(), s.PTS.Milliseconds())
	}, "sound is left out"))
	want := `#EXTM3U
#EXT-X-VERSION:3
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-TARGETDURATION:6
#EXT-X-MEDIA-SEQUENCE:0
# sound is left out
#EXT-X-PROGRAM-DATE-TIME:2024-01-01T10:00:00.000Z
#EXTINF:6.000,
6s.pts0.ts
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2024-01-01T11:00:06.000Z
#EXTINF:1.500,
1.5s.pts6000.ts
#EXT-X-ENDLIST
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestFitting: a day of one-second fragments stays below two million bytes, and the clock is told each minute.
func TestFitting(t *testing.T) {
	fragments := footage(repeat(86_400, time.Second)...)
	uri := func(s playlist.Segment) string {
		return fmt.Sprintf("../%s/%s.pts%d.ts", s.Span.Start.Format("20060102T150405.000Z"), s.Span.Length(), s.PTS.Milliseconds())
	}
	text, long := playlist.Fitting(
		func(o playlist.Options) []playlist.Segment { return playlist.Cut(fragments, rule(), o) },
		playlist.Options{Segment: 2 * time.Second},
		func(s []playlist.Segment) []byte { return playlist.VOD(s, uri) }, 2_000_000)
	if len(text) > 2_000_000 || long != 3*time.Second {
		t.Errorf("%d bytes, segments of %s", len(text), long)
	}
	if n := strings.Count(string(text), "PROGRAM-DATE-TIME"); n < 1440 {
		t.Errorf("%d times of day", n)
	}
}
