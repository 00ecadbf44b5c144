package session_test

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/session"
	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"
)

// card is the test card in a loop.
func card(t *testing.T) footage.Source {
	t.Helper()
	m, err := footage.TestCard()
	if err != nil {
		t.Fatal(err)
	}
	return footage.NewLoop(m, time.Unix(0, 0), footage.Options{})
}

// fixed is a source of these fragments and no others.
type fixed []footage.Fragment

func (f fixed) Fragments(sel footage.Selector, from, to time.Time) (in []footage.Fragment) {
	for _, x := range f {
		if at := x.Time(sel); !at.Before(from) && !at.After(to) {
			in = append(in, x)
		}
	}
	slices.SortStableFunc(in, func(a, b footage.Fragment) int { return a.Time(sel).Compare(b.Time(sel)) })
	return in
}

// timed gives pictures of the test card producer and server times, in milliseconds from a time on.
func timed(t *testing.T, from time.Time, producer, server []int) (made fixed) {
	t.Helper()
	ms := func(n int) time.Time { return from.Add(time.Duration(n) * time.Millisecond) }
	f := card(t).Fragments(footage.ByProducer, from.Truncate(2*time.Second), from.Truncate(2*time.Second))[0]
	for i := range producer {
		g, err := footage.NewFragment(footage.FragmentNumber(ms(server[i]), uint64(i)), ms(producer[i]), ms(server[i]), f.VideoTrack(), f.Video(), nil, nil,
			40*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, g)
	}
	return made
}

// player is one that has a session.
type player struct {
	t        *testing.T
	table    session.Table
	protocol session.Protocol
	token    string
}

// open opens a session of some footage.
func open(t *testing.T, src footage.Source, p session.Protocol, o session.Order) *player {
	t.Helper()
	all, err := streams.Open(streams.Options{Given: []streams.Given{{Name: "a", Source: src}}, Retention: 24 * time.Hour, Now: time.Now, PutConnections: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = all.Close() })
	st, err := all.Find(wire.StreamRef{StreamName: "a"}, wire.Owner{})
	if err != nil {
		t.Fatal(err)
	}
	out := &player{t: t, protocol: p}
	current := func() (streams.Stream, error) { return all.Current(st) }
	if out.token, err = out.table.Open(p, o, session.Source{Stream: current, NoQuota: true}, time.Now()); err != nil {
		t.Fatal(err)
	}
	return out
}

// get gets a resource at a time of the service.
func (p *player) get(api wire.API, query string, now time.Time) string {
	p.t.Helper()
	names := p.protocol.Names()
	i := slices.IndexFunc(names, func(n session.Name) bool { return n.API == api })
	q, err := url.ParseQuery(query)
	if err != nil {
		p.t.Fatal(err)
	}
	q.Set("SessionToken", p.token)
	r, _, err := p.table.Get(p.t.Context(), p.protocol, names[i], q, now)
	if err != nil {
		p.t.Fatalf("%s?%s: %v", api, query, err)
	}
	return string(r.Body)
}

// producer is the selector by producer times.
func producer() *session.Selector {
	return &session.Selector{FragmentSelectorType: "PRODUCER_TIMESTAMP"}
}

// mpd is what players read of a manifest.
type mpd struct {
	Since     time.Time `xml:"availabilityStartTime,attr"`
	Published time.Time `xml:"publishTime,attr"`
	Kept      string    `xml:"timeShiftBufferDepth,attr"`
	Timing    []struct {
		Scheme string `xml:"schemeIdUri,attr"`
		Value  string `xml:"value,attr"`
	} `xml:"UTCTiming"`
	Sets []struct {
		Template struct {
			Scale  int64  `xml:"timescale,attr"`
			Offset int64  `xml:"presentationTimeOffset,attr"`
			Media  string `xml:"media,attr"`
			Number int    `xml:"startNumber,attr"`
			S      []struct {
				T int64 `xml:"t,attr"`
				D int64 `xml:"d,attr"`
			} `xml:"SegmentTimeline>S"`
		} `xml:"SegmentTemplate"`
	} `xml:"Period>AdaptationSet"`
}

// manifest gets and reads the manifest.
func (p *player) manifest(now time.Time) (m mpd) {
	p.t.Helper()
	if err := xml.Unmarshal([]byte(p.get("GetDASHManifest", "", now)), &m); err != nil {
		p.t.Fatal(err)
	}
	return m
}

// TestLiveManifest: at each time the manifest has all segments that are available by the rules of ISO/IEC 23009-1 (5.3.9.5.3: those that
// have ended, counted from availabilityStartTime on), and at most one more. What it has can be had, and has one number and one time for good.
func TestLiveManifest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, card(t), session.DASH, session.Order{Selector: producer()})
		since := p.manifest(time.Now()).Since
		times, newest := make(map[string]int64), 0
		for range 30 {
			now := time.Now()
			m := p.manifest(now)
			if !m.Since.Equal(since) || !m.Published.Equal(now.Truncate(time.Millisecond)) || len(m.Sets) != 2 || len(m.Timing) != 0 || m.Kept != "PT10.000S" {
				t.Errorf("at %s: %+v, began at %s", now, m, since)
			}
			for track, set := range m.Sets {
				end := set.Template.S[0].T
				for i, s := range set.Template.S {
					if s.T != end {
						t.Errorf("at %s: the segment at %d comes behind what ends at %d", now, s.T, end)
					}
					end = s.T + s.D
					_, query, _ := strings.Cut(strings.Replace(set.Template.Media, "$Number$", fmt.Sprint(set.Template.Number+i), 1), "?")
					key := fmt.Sprint(track, "/", set.Template.Number+i)
					if old, known := times[key]; known && old != s.T {
						t.Errorf("number %s is at %d, and was at %d", key, s.T, old)
					}
					times[key] = s.T
					if newest = max(newest, set.Template.Number+i); p.get("GetMP4MediaFragment", query, now)[4:8] != "moof" {
						t.Errorf("number %s is no segment", key)
					}
				}
				last := m.Since.Add(time.Duration(end-set.Template.Offset) * time.Second / time.Duration(set.Template.Scale))
				if ahead := last.Sub(now); ahead <= -2*time.Second || ahead > 2*time.Second {
					t.Errorf("at %s: the newest segment is available at %s", now, last)
				}
			}
			time.Sleep(700 * time.Millisecond)
		}
		if newest < 4+9 || newest > 4+11 {
			t.Errorf("after 20 seconds the newest segment is number %d", newest)
		}
	})
}

// TestManifestTellsTime: a manifest tells the time where it is not that of its players.
func TestManifestTellsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, card(t), session.DASH, session.Order{Selector: producer()})
		set := time.Now().Add(2 * time.Minute)
		if got := p.manifest(set).Timing; len(got) != 1 || got[0].Scheme != "urn:mpeg:dash:utc:direct:2014" || got[0].Value != set.UTC().Format("2006-01-02T15:04:05.000Z") {
			t.Errorf("at %s: %+v", set, got)
		}
	})
}

// TestLiveIsWhatCameLast: a live session by producer times has what was taken in last, also if that says that it is old, and of fragments
// with one producer time the last.
func TestLiveIsWhatCameLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const year = 365 * 24 * 3600 * 1000
		src := timed(t, time.Now().Add(-20*time.Second), []int{0, -year, 2000 - year, 2000 - year, 4000 - year}, []int{1000, 3000, 5000, 7000, 25_000})
		p := open(t, src, session.HLS, session.Order{Selector: producer(), MaxResults: 3, DisplayFragmentTimestamp: "ALWAYS"})
		shown := func() (at []string) {
			for _, m := range regexp.MustCompile(`DATE-TIME:(.*)`).FindAllStringSubmatch(p.get("GetHLSMediaPlaylist", "TrackNumber=1", time.Now()), -1) {
				at = append(at, m[1])
			}
			return at
		}
		want := func(fragments ...int) (at []string) {
			for _, i := range fragments {
				at = append(at, src[i].Producer.Format("2006-01-02T15:04:05.000Z"))
			}
			return at
		}
		if got := shown(); !slices.Equal(got, want(0, 1, 3)) {
			t.Errorf("at first: %v, want %v", got, want(0, 1, 3))
		}
		time.Sleep(5 * time.Second)
		if got := shown(); !slices.Equal(got, want(1, 3, 4)) {
			t.Errorf("then: %v, want %v", got, want(1, 3, 4))
		}
	})
}

// TestLengths: a fragment plays until the next one begins, unless nothing is shown for more than a second, which is a discontinuity, as
// is going back.
func TestLengths(t *testing.T) {
	for _, tc := range []struct {
		producer []int
		want     string
	}{
		{[]int{0, 2000, 4000}, "2.000 2.000 2.000"},
		{[]int{0, 2000, 4100}, "2.000 2.100 2.000"},
		{[]int{0, 2950, 4950}, "2.950 2.000 2.000"},
		{[]int{0, 3100, 5100}, "2.000 X 2.000 2.000"},
		{[]int{0, 1800, 3800}, "2.000 2.000 2.000"},
		{[]int{0, 1700, 3700}, "2.000 X 2.000 2.000"},
	} {
		now := time.Now()
		begin := now.Add(-time.Hour)
		o := session.Order{PlaybackMode: "ON_DEMAND", DiscontinuityMode: "ON_DISCONTINUITY", Selector: producer()}
		o.Selector.TimestampRange = &struct{ StartTimestamp, EndTimestamp *wire.Timestamp }{&wire.Timestamp{Time: begin}, &wire.Timestamp{Time: now}}
		p := open(t, timed(t, begin, tc.producer, tc.producer), session.HLS, o)
		var got []string
		for line := range strings.Lines(p.get("GetHLSMediaPlaylist", "TrackNumber=1", now)) {
			if line == "#EXT-X-DISCONTINUITY\n" {
				got = append(got, "X")
			}
			if after, ok := strings.CutPrefix(line, "#EXTINF:"); ok {
				got = append(got, strings.TrimSuffix(after, ",\n"))
			}
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%v ms: got %v, want %s", tc.producer, got, tc.want)
		}
	}
}

// TestCodecNames: names are those of RFC 6381 and ISO/IEC 14496-15 annex E.
func TestCodecNames(t *testing.T) {
	hevc := func(private ...byte) footage.Track { return footage.Track{Codec: footage.H265, Private: private} }
	for _, tc := range []struct {
		track footage.Track
		want  string
	}{
		{footage.Track{Codec: footage.H264, Private: []byte{1, 0x64, 0, 0x1f, 0xff}}, "avc1.64001f"},
		{footage.Track{Codec: footage.H264, Private: []byte{1, 0x42, 0xc0, 0x0a, 0xff}}, "avc1.42c00a"},
		{hevc(1, 0x01, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93), "hvc1.1.6.L93.B0"},
		{hevc(1, 0x22, 0x20, 0, 0, 0, 0x90, 0, 1, 0, 0, 0, 150), "hvc1.2.4.H150.90.0.1"},
		{hevc(1, 0x41, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 30), "hvc1.A1.6.L30"},
		{footage.Track{Codec: footage.AAC, Private: []byte{0x11, 0x90}}, "mp4a.40.2"},
		{footage.Track{Codec: footage.ALaw}, "alaw"},
		{footage.Track{Codec: footage.MuLaw}, "ulaw"},
	} {
		if got := session.Codec(tc.track); got != tc.want {
			t.Errorf("%x: %s, want %s", tc.track.Private, got, tc.want)
		}
	}
}

// TestSoundIsSeamless: frames of sound, whose times are whole milliseconds, follow each other by the sample; where some are missing the one
// before lasts on.
func TestSoundIsSeamless(t *testing.T) {
	aac := footage.Track{Codec: footage.AAC, Private: []byte{0x11, 0x90}, SampleRate: 48_000, Channels: 2}
	var media []footage.Sample
	for _, at := range []int{0, 21, 43, 64, 185, 207} {
		media = append(media, footage.Sample{PTS: time.Duration(at) * time.Millisecond, Data: []byte{0}})
	}
	begin, length := session.Sound(media, aac, time.Second)
	wantBegin := []int64{48_000, 49_024, 50_048, 51_072, 48_000 + 185*48, 48_000 + 185*48 + 1024}
	if want := []int64{1024, 1024, 1024, 48_000 + 185*48 - 51_072, 1024, 1024}; !slices.Equal(begin, wantBegin) || !slices.Equal(length, want) {
		t.Errorf("frames at %v, want %v, that last %v, want %v", begin, wantBegin, length, want)
	}
}
