package names_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clipfs/clip/archive"
	"clipfs/clip/names"
)

// zone loads a time zone; the tests need the zone database.
func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatalf("time zone %s: %v", name, err)
	}
	return loc
}

// at parses an instant of a test table.
func at(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return v.UTC()
}

func TestParseStart(t *testing.T) {
	tests := []struct {
		zone, name, want string
		precision        archive.Precision
	}{
		{"UTC", "2024-01-01", "2024-01-01T00:00:00Z", archive.Day},
		{"UTC", "2024-01-01T10", "2024-01-01T10:00:00Z", archive.Hour},
		{"UTC", "2024-01-01T10:07", "2024-01-01T10:07:00Z", archive.Minute},
		{"UTC", "2024-01-01T10:07:30", "2024-01-01T10:07:30Z", archive.Second},
		{"UTC", "2024-01-01T10:07:30.5", "2024-01-01T10:07:30.5Z", archive.Millisecond},
		{"UTC", "2024-01-01T10:07:30.050", "2024-01-01T10:07:30.05Z", archive.Millisecond},
		{"UTC", "2024-02-29", "2024-02-29T00:00:00Z", archive.Day},
		{"UTC", "2024-01-01T10:07Z", "2024-01-01T10:07:00Z", archive.Minute},
		{"UTC", "2024-01-01T10:07+02:00", "2024-01-01T08:07:00Z", archive.Minute},
		{"UTC", "2024-01-01T10-05:30", "2024-01-01T15:30:00Z", archive.Hour},
		{"UTC", "2024-01-01-05:00", "2024-01-01T05:00:00Z", archive.Day},
		{"UTC", "2024-01-01T10:07:30.125+14:00", "2023-12-31T20:07:30.125Z", archive.Millisecond},
		{"UTC", "20240101", "2024-01-01T00:00:00Z", archive.Day},
		{"UTC", "20240101T10", "2024-01-01T10:00:00Z", archive.Hour},
		{"UTC", "20240101T1007", "2024-01-01T10:07:00Z", archive.Minute},
		{"UTC", "20240101T100730", "2024-01-01T10:07:30Z", archive.Second},
		{"UTC", "20240101T100000Z", "2024-01-01T10:00:00Z", archive.Second},
		{"UTC", "20240101T100730.25Z", "2024-01-01T10:07:30.25Z", archive.Millisecond},
		{"UTC", "20240101T1007+0200", "2024-01-01T08:07:00Z", archive.Minute},
		{"UTC", "20240101-0500", "2024-01-01T05:00:00Z", archive.Day},
		{"Europe/Berlin", "2024-01-01T10:07", "2024-01-01T09:07:00Z", archive.Minute},
		{"Europe/Berlin", "2024-07-01", "2024-06-30T22:00:00Z", archive.Day},
		{"Europe/Berlin", "2024-07-01T10:07Z", "2024-07-01T10:07:00Z", archive.Minute},
		// Clocks go back from 03:00 to 02:00 at 01:00 UTC: the first of the two.
		{"Europe/Berlin", "2024-10-27T02:30", "2024-10-27T00:30:00Z", archive.Minute},
		{"Europe/Berlin", "2024-10-27T02", "2024-10-27T00:00:00Z", archive.Hour},
		{"Europe/Berlin", "2024-10-27T02:30+01:00", "2024-10-27T01:30:00Z", archive.Minute},
		{"Europe/Berlin", "2024-10-27T03", "2024-10-27T02:00:00Z", archive.Hour},
		{"America/New_York", "2024-11-03T01:59:59.999", "2024-11-03T05:59:59.999Z", archive.Millisecond},
		// Midnight does not occur where clocks went from 24:00 to 01:00; the day does.
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", archive.Day},
		// Clocks skip 02:00 to 02:30; the hour begins at the half.
		{"Australia/Lord_Howe", "2024-10-06T02", "2024-10-05T15:30:00Z", archive.Hour},
		{"Asia/Kathmandu", "2024-01-01T10", "2024-01-01T04:15:00Z", archive.Hour},
	}
	for _, test := range tests {
		t.Run(test.zone+"/"+test.name, func(t *testing.T) {
			g := names.Grammar{Location: zone(t, test.zone)}
			got, err := g.ParseStart(test.name)
			if err != nil {
				t.Fatal(err)
			}
			want := archive.Start{Time: at(t, test.want), Precision: test.precision}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

func TestParseStartRefuses(t *testing.T) {
	berlin := names.Grammar{Location: zone(t, "Europe/Berlin")}
	apia := names.Grammar{Location: zone(t, "Pacific/Apia")}
	for _, test := range []struct {
		grammar names.Grammar
		names   string
	}{
		{names.Grammar{}, "|x|latest|.|..|2024|2024-1-1|2024-01|2024-00-01|2024-13-01|2024-01-00|2024-01-32|2023-02-29|2024-02-30"},
		{names.Grammar{}, "2024-01-01T|2024-01-01T1|2024-01-01T24|2024-01-01T10:|2024-01-01T10:6|2024-01-01T10:60|2024-01-01T10:00:60"},
		{names.Grammar{}, "2024-01-01T10:00:00.|2024-01-01T10:00:00.1234|2024-01-01T10:00:00,5|2024-01-01 10:00|2024-01-01t10:00|2024-01-01T10:00z"},
		{names.Grammar{}, "2024-01-01T1000|20240101T10:00|2024-0101|202401-01|2024-01-01T10:00+0200|20240101T1000+02:00|2024-01-01T10:00+24:00"},
		{names.Grammar{}, "2024-01-01T10:00+02:60|2024-01-01T10:00+2|2024-01-01T10:00+|2024-01-01T10:00ZZ|2024-01-01T10:00Z |+2024-01-01|-2024-01-01"},
		{names.Grammar{}, "２０２４-01-01|2024-01-01T10:00:00.5.5|2024-01-01T10.5|20240101T1|2024010|202401011|2024-01-01T-1:00"},
		// Clocks went from 02:00 to 03:00.
		{berlin, "2024-03-31T02:30|2024-03-31T02|2024-03-31T02:00|2024-03-31T02:59:59.999"},
		// The islands skipped a day.
		{apia, "2011-12-30|2011-12-30T12"},
	} {
		for name := range strings.SplitSeq(test.names, "|") {
			if got, err := test.grammar.ParseStart(name); !errors.Is(err, archive.ErrName) {
				t.Errorf("ParseStart(%q) = %v, %v; want ErrName", name, got, err)
			}
		}
	}
}

func TestFormatStart(t *testing.T) {
	tests := []struct {
		zone      string
		basic     bool
		time      string
		precision archive.Precision
		want      string
	}{
		{"UTC", false, "2024-01-01T10:07:30.5Z", archive.Day, "2024-01-01"},
		{"UTC", false, "2024-01-01T10:07:30.5Z", archive.Hour, "2024-01-01T10"},
		{"UTC", false, "2024-01-01T10:07:30.5Z", archive.Minute, "2024-01-01T10:07"},
		{"UTC", false, "2024-01-01T10:07:30.5Z", archive.Second, "2024-01-01T10:07:30"},
		{"UTC", false, "2024-01-01T10:07:30.5Z", archive.Millisecond, "2024-01-01T10:07:30.500"},
		{"UTC", true, "2024-01-01T10:07:30.5Z", archive.Minute, "20240101T1007"},
		{"UTC", true, "2024-01-01T10:07:30.5Z", archive.Millisecond, "20240101T100730.500"},
		{"Europe/Berlin", false, "2024-01-01T10:07:30Z", archive.Minute, "2024-01-01T11:07"},
		{"Europe/Berlin", false, "2024-10-27T00:30:00Z", archive.Minute, "2024-10-27T02:30"},
		{"Europe/Berlin", false, "2024-10-27T01:30:00Z", archive.Minute, "2024-10-27T02:30+01:00"},
		{"Europe/Berlin", true, "2024-10-27T01:30:00Z", archive.Minute, "20241027T0230+0100"},
		{"Europe/Berlin", false, "2024-10-27T12:30:00Z", archive.Day, "2024-10-27"},
	}
	for _, test := range tests {
		g := names.Grammar{Location: zone(t, test.zone), Basic: test.basic}
		if got := g.FormatStart(at(t, test.time), test.precision); got != test.want {
			t.Errorf("%s %s: got %q, want %q", test.zone, test.time, got, test.want)
		}
	}
}

// TestStartRoundTrips walks the hours of a year, and all minutes around the changes of clocks, in zones that change
// them in different ways: what is formatted is read back as the time it stands for, and holds the time it was made of.
func TestStartRoundTrips(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo"}
	for _, name := range zones {
		loc := zone(t, name)
		for _, basic := range []bool{false, true} {
			g := names.Grammar{Location: loc, Basic: basic}
			for at := time.Date(2018, 1, 1, 0, 1, 0, 0, time.UTC); at.Year() == 2018; at = at.Add(110 * time.Minute) {
				for _, p := range []archive.Precision{archive.Minute, archive.Second, archive.Millisecond} {
					if got, err := g.ParseStart(g.FormatStart(at, p)); err != nil || !got.Time.Equal(at) || got.Precision != p {
						t.Fatalf("%s %s as %q: got %v, %v", name, at, g.FormatStart(at, p), got, err)
					}
				}
				for p, most := range map[archive.Precision]time.Duration{archive.Day: 25 * time.Hour, archive.Hour: 90 * time.Minute} {
					got, err := g.ParseStart(g.FormatStart(at, p))
					if err != nil || got.Time.After(at) || at.Sub(got.Time) >= most {
						t.Fatalf("%s %s as %q: got %v, %v", name, at, g.FormatStart(at, p), got, err)
					}
				}
			}
		}
	}
}

func TestParseLength(t *testing.T) {
	tests := []struct {
		text      string
		want      time.Duration
		canonical string
	}{
		{"10m", 10 * time.Minute, "10m"},
		{"600s", 10 * time.Minute, "10m"},
		{"90s", 90 * time.Second, "1m30s"},
		{"1h30m", 90 * time.Minute, "1h30m"},
		{"90m", 90 * time.Minute, "1h30m"},
		{"1m30.5s", 90500 * time.Millisecond, "1m30.5s"},
		{"0.001s", time.Millisecond, "0.001s"},
		{"0h0m1s", time.Second, "1s"},
		{"05m", 5 * time.Minute, "5m"},
		{"1d", 24 * time.Hour, "24h"},
		{"24h", 24 * time.Hour, "24h"},
		{"86400s", 24 * time.Hour, "24h"},
		{"23h59m59.999s", 24*time.Hour - time.Millisecond, "23h59m59.999s"},
		{"1h1s", time.Hour + time.Second, "1h1s"},
		{"1.25s", 1250 * time.Millisecond, "1.25s"},
	}
	for _, test := range tests {
		got, err := names.ParseLength(test.text)
		if err != nil || got != test.want {
			t.Errorf("ParseLength(%q) = %v, %v; want %v", test.text, got, err, test.want)
		}
		if name := names.FormatLength(got); name != test.canonical {
			t.Errorf("FormatLength(%v) = %q, want %q", got, name, test.canonical)
		}
	}
}

func TestParseLengthRefuses(t *testing.T) {
	refused := "|0s|0m|0d0h0m0s|0.000s|10|m|s|1|1.5m|1.5h|1.s|.5s|1.2345s|-1m|+1m|1m1m|1s1m|1m1h|1h1d|25h|1d1s|24h0.001s|" +
		"1441m|86401s|1w|1y|1M|1H|1 m| 1m|1m |1e3s|1ms|9999999999s|99999999999999999999s|1d24h|1μs|１m"
	for text := range strings.SplitSeq(refused, "|") {
		if got, err := names.ParseLength(text); !errors.Is(err, archive.ErrName) {
			t.Errorf("ParseLength(%q) = %v, %v; want ErrName", text, got, err)
		}
	}
}

// forms are those that names have in these tests.
func forms() []names.Form { return []names.Form{".json", ".times.json"} }

func TestParseFile(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	tests := []struct {
		grammar           names.Grammar
		start, name, want string
	}{
		{names.Grammar{}, "2024-01-01T10:00", "10m.mp4", "2024-01-01T10:00:00Z/2024-01-01T10:10:00Z"},
		{names.Grammar{}, "2024-01-01T10:00", "600s.mp4", "2024-01-01T10:00:00Z/2024-01-01T10:10:00Z"},
		{names.Grammar{}, "2024-01-01", "24h.mp4", "2024-01-01T00:00:00Z/2024-01-02T00:00:00Z"},
		{names.Grammar{}, "2024-01-01T10:00:00.5", "1.5s.mp4", "2024-01-01T10:00:00.5Z/2024-01-01T10:00:02Z"},
		{names.Grammar{}, "2024-01-01T10:00", "2024-01-01T10:07:30.mp4", "2024-01-01T10:00:00Z/2024-01-01T10:07:30Z"},
		{names.Grammar{}, "2024-01-01T10:00", "20240101T100730.250Z.mp4", "2024-01-01T10:00:00Z/2024-01-01T10:07:30.25Z"},
		{names.Grammar{}, "2024-01-01", "2024-01-02.mp4", "2024-01-01T00:00:00Z/2024-01-02T00:00:00Z"},
		{names.Grammar{Location: berlin}, "2024-01-01T10:00", "2024-01-01T10:07.mp4", "2024-01-01T09:00:00Z/2024-01-01T09:07:00Z"},
		// A day of 25 hours: a length is a length.
		{names.Grammar{Location: berlin}, "2024-10-27", "24h.mp4", "2024-10-26T22:00:00Z/2024-10-27T22:00:00Z"},
	}
	for _, test := range tests {
		test.grammar.Forms = forms()
		start, err := test.grammar.ParseStart(test.start)
		if err != nil {
			t.Fatal(err)
		}
		got, err := test.grammar.ParseFile(start, test.name)
		if err != nil || got.Span.String() != test.want || got.Form != names.Movie || got.Cover {
			t.Errorf("%s/%s: got %+v, %v; want %s", test.start, test.name, got, err, test.want)
		}
		stem := strings.TrimSuffix(test.name, ".mp4")
		for name, want := range map[string]names.File{
			stem + ".json":       {Span: got.Span, Form: ".json"},
			stem + ".cover.mp4":  {Span: got.Span, Form: names.Movie, Cover: true},
			stem + ".cover.json": {Span: got.Span, Form: ".json", Cover: true},

			stem + ".times.json":       {Span: got.Span, Form: ".times.json"},
			stem + ".cover.times.json": {Span: got.Span, Form: ".times.json", Cover: true},
		} {
			if again, err := test.grammar.ParseFile(start, name); err != nil || again != want {
				t.Errorf("%s/%s: got %+v, %v; want %+v", test.start, name, again, err, want)
			}
		}
	}
}

func TestParseLast(t *testing.T) {
	g := names.Grammar{Forms: forms()}
	for name, want := range map[string]names.LastFile{
		"10m.mp4":          {Length: 10 * time.Minute, Form: names.Movie},
		"90s.json":         {Length: 90 * time.Second, Form: ".json"},
		"10m.cover.mp4":    {Length: 10 * time.Minute, Form: names.Movie, Cover: true},
		"1.5s.cover.json":  {Length: 1500 * time.Millisecond, Form: ".json", Cover: true},
		"10m.times.json":   {Length: 10 * time.Minute, Form: ".times.json"},
		"1h30m.cover.json": {Length: 90 * time.Minute, Form: ".json", Cover: true},
	} {
		if got, err := g.ParseLast(name); err != nil || got != want {
			t.Errorf("ParseLast(%q) = %+v, %v; want %+v", name, got, err, want)
		}
	}
	refused := "|10m|.mp4|.cover.mp4|10m.cover|10m.mp4.cover|10mcover.mp4|10m.cover.cover.mp4|10m.Cover.mp4|10m.times|10m.times.mp4|10m.times.cover.json|25h.cover.mp4|0s.cover.mp4|" +
		"2024-01-01T10:07.mp4|2024-01-01T10:07.cover.mp4|cover.mp4|10m.mkv"
	for name := range strings.SplitSeq(refused, "|") {
		if got, err := g.ParseLast(name); !errors.Is(err, archive.ErrName) {
			t.Errorf("ParseLast(%q) = %+v, %v; want ErrName", name, got, err)
		}
	}
}

func TestParseFileRefuses(t *testing.T) {
	g := names.Grammar{Forms: forms()}
	start, err := g.ParseStart("2024-01-01T10:00")
	if err != nil {
		t.Fatal(err)
	}
	refused := "|10m|.mp4|10m.MP4|10m.mkv|10m.mp4.mp4|10m.mp4~|.10m.mp4|10m.mp4.part|25h.mp4|0s.mp4|2024-01-01T10:00.mp4|" +
		"2024-01-01T09:59.mp4|2024-01-02T10:00:00.001.mp4|desktop.ini|.Trash|autorun.inf|" +
		".cover.mp4|cover.mp4|10m.cover|10m.mp4.cover|10mcover.mp4|10m.cover.cover.mp4|10m.COVER.mp4|10m..cover.mp4|10m.cover..mp4|" +
		"25h.cover.mp4|2024-01-01T10:00.cover.mp4|2024-01-01T10:07:30..cover.mp4|2024-01-01T10:07:30.cover"
	for name := range strings.SplitSeq(refused, "|") {
		if got, err := g.ParseFile(start, name); !errors.Is(err, archive.ErrName) {
			t.Errorf("ParseFile(%q) = %+v, %v; want ErrName", name, got, err)
		}
	}
}

func TestParseWithin(t *testing.T) {
	g := names.Grammar{Location: zone(t, "Europe/Berlin")}
	for _, test := range []struct {
		outer, name string
		ok          bool
	}{
		{"2024-10-27", "2024-10-27T00", true}, {"2024-10-27", "2024-10-27T23", true}, {"2024-10-27", "2024-10-27T10:07", true},
		{"2024-10-27", "2024-10-27T02+01:00", true}, {"2024-10-27", "2024-10-27T22:59Z", true}, {"2024-10-27", "2024-10-27T23:00Z", false},
		{"2024-10-27", "2024-10-28T00", false}, {"2024-10-27", "2024-10-26T23", false}, {"2024-10-27", "2024-10-27", false},
		{"2024-10-27T02", "2024-10-27T02:59", true}, {"2024-10-27T02", "2024-10-27T02:30+01:00", false},
		{"2024-10-27T02+01:00", "2024-10-27T02:30+01:00", true}, {"2024-10-27T10:07", "2024-10-27T10:07:30", true},
		{"2024-10-27T10:07", "2024-10-27T10:08:00", false}, {"2024-10-27T10:07", "2024-10-27T10:07", false},
	} {
		outer, err := g.ParseStart(test.outer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.ParseWithin(outer, test.name); (err == nil) != test.ok {
			t.Errorf("%s/%s: %v, want ok %t", test.outer, test.name, err, test.ok)
		}
	}
}

func TestStreamNameValid(t *testing.T) {
	for name, want := range map[archive.StreamName]bool{
		"front-door": true, "a": true, "A_b.C-9": true, "...": true, archive.StreamName(strings.Repeat("x", 256)): true,
		"": false, ".": false, "..": false, "a/b": false, "a b": false, "ä": false, "a\x00": false, "a:b": false,
		archive.StreamName(strings.Repeat("x", 257)): false,
	} {
		if got := name.Valid(); got != want {
			t.Errorf("%q: got %t, want %t", name, got, want)
		}
	}
}

func FuzzGrammar(f *testing.F) {
	for _, seed := range []string{"2024-01-01T10:07:30.5+02:00", "20240101T100730Z", "10m", "1h30m", "1m30.5s", "2024-10-27T02:30",
		"10m.cover", "2024-01-01T10:07:30.cover"} {
		f.Add(seed)
	}
	grammars := []names.Grammar{{}, {Basic: true}, {Location: zone(f, "Europe/Berlin")}, {Location: zone(f, "Australia/Lord_Howe"), Basic: true}}
	f.Fuzz(func(t *testing.T, name string) {
		for _, g := range grammars {
			g.Forms = forms()
			if start, err := g.ParseStart(name); err == nil && start.Time.Year() > 1 && start.Time.Year() < 9999 {
				again, err := g.ParseStart(g.FormatStart(start.Time, archive.Millisecond))
				if err != nil || !again.Time.Equal(start.Time) {
					t.Errorf("%q: %v, formatted %q, read back %v, %v", name, start, g.FormatStart(start.Time, archive.Millisecond), again, err)
				}
			}
			fileRoundTrip(t, g, name)
		}
	})
}

// fileRoundTrip checks what a name with each ending stands for: the same span whatever the ending, and the one that the
// canonical name of its length has.
func fileRoundTrip(t *testing.T, g names.Grammar, name string) {
	start := archive.Start{Time: time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC), Precision: archive.Minute}
	file, err := g.ParseFile(start, name+".mp4")
	cover, coverErr := g.ParseFile(start, name+".cover.mp4")
	if plain := err == nil && !file.Cover; plain != (coverErr == nil) {
		t.Errorf("%q: a file %t, a cover clip %v", name, plain, coverErr)
	}
	if err != nil {
		return
	}
	if span := file.Span; span.Empty() || span.Length() > archive.MaxSpan || !span.Start.Equal(start.Time) || file.Form != names.Movie {
		t.Errorf("%q: %+v", name, file)
	}
	if want := (names.File{Span: file.Span, Form: names.Movie, Cover: true}); coverErr == nil && cover != want {
		t.Errorf("%q as a cover clip: %+v, want %+v", name, cover, want)
	}
	if beside, err := g.ParseFile(start, name+".json"); err != nil || beside != (names.File{Span: file.Span, Form: ".json", Cover: file.Cover}) {
		t.Errorf("%q beside: %+v, %v; the clip is %+v", name, beside, err, file)
	}
	canonical := g.FormatFile(file.Span.Length(), names.Movie)
	if again, err := g.ParseFile(start, canonical); err != nil || again != (names.File{Span: file.Span, Form: names.Movie}) {
		t.Errorf("%q: %+v, as %q %+v, %v", name, file, canonical, again, err)
	}
	last, err := g.ParseLast(canonical)
	if want := (names.LastFile{Length: file.Span.Length(), Form: names.Movie}); err != nil || last != want {
		t.Errorf("last/%s: %+v, %v; want %+v", canonical, last, err, want)
	}
}
