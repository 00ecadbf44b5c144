// Package moment reads times as people write them, "yesterday 10:00", and lengths, "10 minutes".
//
// It is strict: what it does not know all of is an error, never a guess, because a wrong guess is footage of another time.
// A time that is left open (10:00, monday 9:30) is the last one that was, as an archive has what was.
package moment

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/names"
)

// Moment is what a text means.
type Moment struct {
	// Start is when it begins.
	Start archive.Start
	// Last is how long it is, up to the newest footage, in place of a start; 0 for all others.
	Last time.Duration
	// Note is what is to be known of it: a local time that occurs twice.
	Note string
}

// ErrText says that a text is none that is understood.
var ErrText = errors.New("not understood")

// Forms are examples of what Parse reads, for error messages.
const Forms = `say it like "yesterday 10:00", "monday 9:30", "2024-01-31 10:00", "10:00", "now-10m", "2 hours ago" or "last 5m"`

type reader struct {
	now     time.Time
	grammar names.Grammar
}

// Parse reads a time, where the clock shows now, in the grammar's time zone. Errors say what is wrong, and
// wrap ErrText or clip.ErrName.
func Parse(text string, now time.Time, g names.Grammar) (Moment, error) {
	zone := g.Location
	if zone == nil {
		zone = time.UTC
	}
	r := reader{now: now.In(zone), grammar: g}
	if start, err := g.ParseStart(text); err == nil {
		return r.at(start), nil
	}
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 0 {
		return Moment{}, fmt.Errorf("%q: %w", text, ErrText)
	}
	for _, read := range []func([]string) (Moment, bool, error){r.relative, r.last, r.day} {
		m, ok, err := read(words)
		if err != nil {
			return Moment{}, fmt.Errorf("%q: %w", text, err)
		}
		if ok {
			return m, nil
		}
	}
	return Moment{}, fmt.Errorf("%q: %w", text, ErrText)
}

func (r reader) at(start archive.Start) Moment {
	m := Moment{Start: start}
	local := start.Time.In(r.now.Location())
	const shown = "2006-01-02 15:04:05.000"
	for _, back := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour} {
		if start.Precision >= archive.Hour && local.Add(back).Format(shown) == local.Format(shown) {
			m.Note = "that time occurs twice, this is the first; the second is " + r.grammar.FormatStart(local.Add(back), max(start.Precision, archive.Minute))
		}
	}
	return m
}

// relative reads "now", "now-10m", "now - 10 minutes", "10m ago", "3 hours ago". Days before are days of the calendar: see day.
func (r reader) relative(words []string) (Moment, bool, error) {
	text := strings.Join(words, " ")
	var back string
	switch rest, isNow := strings.CutPrefix(text, "now"); {
	case text == "now":
		return r.before(0), true, nil
	case isNow:
		rest, ok := strings.CutPrefix(strings.TrimSpace(rest), "-")
		if !ok {
			return Moment{}, false, nil
		}
		back = rest
	default:
		ago, ok := strings.CutSuffix(text, " ago")
		if !ok || isDays(strings.Fields(ago)) {
			return Moment{}, false, nil
		}
		back = ago
	}
	length, err := Length(back)
	if err != nil {
		return Moment{}, false, err
	}
	return r.before(length), true, nil
}

// before gives the moment that long before now, to the second.
func (r reader) before(length time.Duration) Moment {
	return Moment{Start: archive.Start{Time: r.now.Add(-length).Truncate(time.Second).UTC(), Precision: archive.Second}}
}

// last reads "last 5m", "the last 5 minutes".
func (r reader) last(words []string) (Moment, bool, error) {
	if words[0] == "the" {
		words = words[1:]
	}
	if len(words) < 2 || words[0] != "last" {
		return Moment{}, false, nil
	}
	if _, ok := weekday(words[1]); ok {
		return Moment{}, false, nil
	}
	length, err := Length(strings.Join(words[1:], " "))
	if err != nil {
		return Moment{}, false, err
	}
	if length > archive.MaxSpan {
		return Moment{}, false, fmt.Errorf("a clip is up to 24 h long: %w", ErrText)
	}
	return Moment{Last: length}, true, nil
}

// day reads a day and a time of it, either of which can be left out: "yesterday 10:00", "monday", "2024-01-31 10:00:05", "3
// days ago 9:30", "10:00".
func (r reader) day(words []string) (Moment, bool, error) {
	date, rest, latest, ok := r.date(words)
	if !ok {
		date, rest, latest = r.now, words, 1
	}
	if len(rest) == 0 {
		start, err := r.grammar.ParseStart(date.Format(time.DateOnly))
		return r.at(start), true, err
	}
	clock, ok := clockTime(rest)
	if !ok {
		return Moment{}, false, nil
	}
	start, err := r.grammar.ParseStart(date.Format(time.DateOnly) + "T" + clock)
	if err != nil {
		return Moment{}, false, err
	}
	if latest > 0 && start.Time.After(r.now) { // the last one that was
		start, err = r.grammar.ParseStart(date.AddDate(0, 0, -latest).Format(time.DateOnly) + "T" + clock)
	}
	return r.at(start), true, err
}

// date reads a day, at noon so that no clock change moves it, and gives the words after it. latest is how many days before
// the same is meant where this one is still to come; 0 where the text says which.
func (r reader) date(words []string) (date time.Time, rest []string, latest int, ok bool) {
	year, month, day := r.now.Date()
	noon := time.Date(year, month, day, 12, 0, 0, 0, r.now.Location())
	switch words[0] {
	case "today":
		return noon, words[1:], 0, true
	case "yesterday":
		return noon.AddDate(0, 0, -1), words[1:], 0, true
	case "tomorrow":
		return noon.AddDate(0, 0, 1), words[1:], 0, true
	}
	if at := slices.Index(words, "ago"); at > 0 && isDays(words[:at]) {
		length, err := Length(strings.Join(words[:at], " "))
		if err != nil {
			return date, words, 0, false
		}
		return noon.AddDate(0, 0, -int(length/(24*time.Hour))), words[at+1:], 0, true
	}
	named, before := words, false
	if words[0] == "last" && len(words) > 1 {
		named, before = words[1:], true
	}
	if wanted, is := weekday(named[0]); is {
		days := (int(r.now.Weekday()) - int(wanted) + 7) % 7
		if before && days == 0 {
			return noon.AddDate(0, 0, -7), named[1:], 0, true
		}
		return noon.AddDate(0, 0, -days), named[1:], 7, true
	}
	if at, err := time.ParseInLocation(time.DateOnly, words[0], r.now.Location()); err == nil {
		return at.Add(12 * time.Hour), words[1:], 0, true
	}
	return date, words, 0, false
}

// weekday reads the name of a day of the week, or its first three letters.
func weekday(word string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if full := strings.ToLower(d.String()); word == full || word == full[:3] {
			return d, true
		}
	}
	return 0, false
}
