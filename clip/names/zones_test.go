package names_test

import (
	"archive/zip"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/names"
)

// zoneData gives the time zones of tzdata by the names of all that are alike, from the toolchain's own copy.
func zoneData(t *testing.T) map[string]*time.Location {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output() // a test binary made with -trimpath does not know it
	if err != nil {
		t.Fatal(err)
	}
	bundled, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bundled.Close() }()
	alike := make(map[string]bool)
	zones := make(map[string]*time.Location)
	for _, f := range bundled.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f.Name, "/") || alike[string(data)] {
			continue
		}
		alike[string(data)] = true
		if zones[f.Name], err = time.LoadLocationFromTZData(f.Name, data); err != nil {
			t.Fatal(err)
		}
	}
	return zones
}

// change is a change of clocks, and what makes it like others: all that the names around it depend on.
type change struct {
	at   time.Time
	kind changeKind
}

type changeKind struct {
	before, after int           // offsets in seconds
	clock         time.Duration // what clocks show before
	near          time.Duration // how far the change before is, if that is within days
}

// changesOf gives the changes of a zone's clocks since 1970 and for some years to come.
func changesOf(loc *time.Location) []change {
	var all []change
	last := time.Time{}
	for at := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2040; {
		_, next := at.In(loc).ZoneBounds()
		if next.IsZero() {
			break
		}
		if !next.After(at) { // Go is wrong about the last hours of leap years
			at = at.Add(24 * time.Hour)
			continue
		}
		at = next
		k := changeKind{}
		_, k.before = at.Add(-1).In(loc).Zone()
		if _, k.after = at.In(loc).Zone(); k.before == k.after {
			continue
		}
		shown := at.Add(time.Duration(k.before) * time.Second).UTC()
		k.clock = shown.Sub(shown.Truncate(24 * time.Hour))
		if apart := at.Sub(last); apart < 7*24*time.Hour {
			k.near = apart
		}
		last = at
		all = append(all, change{at.UTC(), k})
	}
	return all
}

// TestEveryInstantIsListedOnce: around each change of clocks since 1970, in all zones of the time zone database, an
// instant lies in exactly one listed day, hour and minute, and each name leads to what it was listed for. Around one
// change of each kind all days, hours and minutes are checked; around the others the instants at the change, once for all
// zones that change alike then.
func TestEveryInstantIsListedOnce(t *testing.T) {
	zones := zoneData(t)
	if len(zones) < 300 {
		t.Fatalf("%d zones", len(zones))
	}
	changes := 0
	kinds := make(map[changeKind]bool)
	looked := make(map[change][2]bool) // zones whose clocks change alike at one instant have one calendar around it
	for name, loc := range zones {
		g := names.Grammar{Location: loc, Basic: len(name)%2 == 0}
		for _, c := range changesOf(loc) {
			changes++
			if !kinds[c.kind] {
				kinds[c.kind] = true
				listedOnce(t, g, c.at)
				continue
			}
			written := looked[c]
			if written[len(name)%2] {
				continue
			}
			written[len(name)%2] = true
			looked[c] = written
			leadsTo(t, g, c.at.Add(-archive.Grain))
			leadsTo(t, g, c.at)
		}
	}
	t.Logf("%d zones, %d changes of %d kinds", len(zones), changes, len(kinds))
}

// leadsTo checks the directories of an instant: it lies in each, and their names lead to them.
func leadsTo(t *testing.T, g names.Grammar, at time.Time) {
	t.Helper()
	day, hour, minute := g.Containing(at, archive.Day), g.Containing(at, archive.Hour), g.Containing(at, archive.Minute)
	for _, s := range []archive.Start{day, hour, minute} {
		if !g.Period(s).Contains(at) {
			t.Fatalf("%s: %s is not in %s", g.Location, at, g.FormatStart(s.Time, s.Precision))
		}
	}
	within(t, g, day, hour)
	within(t, g, hour, minute)
}

// listedOnce checks the calendar around one change of clocks.
func listedOnce(t *testing.T, g names.Grammar, at time.Time) {
	t.Helper()
	days := tiles(t, g, archive.Span{Start: g.Containing(at.Add(-2*time.Hour), archive.Day).Time, End: at.Add(26 * time.Hour)}, archive.Day)
	for _, day := range days {
		for _, hour := range tiles(t, g, g.Period(day), archive.Hour) {
			within(t, g, day, hour)
			span := g.Period(hour)
			if !span.Start.Before(at.Add(time.Hour)) || !span.End.After(at.Add(-time.Hour)) {
				continue
			}
			for _, minute := range tiles(t, g, span, archive.Minute) {
				within(t, g, hour, minute)
			}
		}
	}
}

// tiles gives what is listed in a span, and checks that it covers the span once.
func tiles(t *testing.T, g names.Grammar, span archive.Span, p archive.Precision) []archive.Start {
	t.Helper()
	starts := slices.Collect(g.Starts(span, p))
	at := span.Start
	for _, s := range starts {
		period := g.Period(s)
		if !s.Time.Equal(at) || !period.Start.Equal(at) || period.Empty() {
			t.Fatalf("%s: %s listed after %s", g.Location, g.FormatStart(s.Time, p), at)
		}
		for _, inside := range []time.Time{period.Start, period.Start.Add(period.Length() / 2), period.LastInstant()} {
			if got := g.Containing(inside, p); got != s {
				t.Fatalf("%s: %s is in %v, want %v", g.Location, inside, got, s)
			}
		}
		at = period.End
	}
	if at.Before(span.End) {
		t.Fatalf("%s: nothing listed from %s to %s", g.Location, at, span.End)
	}
	return starts
}

// within checks that the name of a start leads to it, in the directory that lists it.
func within(t *testing.T, g names.Grammar, outer, inner archive.Start) {
	t.Helper()
	name := g.FormatStart(inner.Time, inner.Precision)
	if got, err := g.ParseWithin(outer, name); err != nil || got != inner {
		t.Fatalf("%s: %s in %s: got %v, %v; want %v", g.Location, name, g.FormatStart(outer.Time, outer.Precision), got, err, inner)
	}
}
