package web

import (
	"strings"
	"time"
)

// month is a month of a calendar.
type month struct {
	Caption string
	// Weeks begin on Monday; what is not in the month is empty.
	Weeks [][7]date
}

// date is a day of a calendar; Number is 0 for none, and URL empty where nothing is recorded. Label is how a screen reader calls the day: it begins
// with what is seen, the number, as who speaks to a browser says that (WCAG 2.2, 2.5.3).
type date struct {
	Number          int
	Day, Label, URL string
}

// calendar gives the months of a listing of days, the newest first, and the URL of the newest day. Lines that are no days are left out.
func calendar(lines []line) (all []month, newest string) {
	days := make(map[string]string)
	var first, last time.Time
	for _, l := range lines {
		day, err := time.Parse("20060102", strings.ReplaceAll(l.Name, "-", ""))
		if err != nil {
			continue
		}
		days[day.Format(time.DateOnly)] = l.URL
		if first.IsZero() || day.Before(first) {
			first = day
		}
		if day.After(last) {
			last = day
		}
	}
	if last.IsZero() {
		return nil, ""
	}
	for at := monthOf(last); !at.Before(monthOf(first)); at = at.AddDate(0, -1, 0) {
		if m, any := monthFrom(at, days); any {
			all = append(all, m)
		}
	}
	return all, days[last.Format(time.DateOnly)]
}

// monthOf is the first day of a day's month.
func monthOf(day time.Time) time.Time { return day.AddDate(0, 0, 1-day.Day()) }

// monthFrom is the month that begins on a day, and whether any day of it has a URL.
func monthFrom(first time.Time, days map[string]string) (m month, any bool) {
	m.Caption = first.Format("January 2006")
	for at := first; at.Month() == first.Month(); at = at.AddDate(0, 0, 1) {
		weekday := (int(at.Weekday()) + 6) % 7
		if weekday == 0 || len(m.Weeks) == 0 {
			m.Weeks = append(m.Weeks, [7]date{})
		}
		day := at.Format(time.DateOnly)
		url := days[day]
		any = any || url != ""
		m.Weeks[len(m.Weeks)-1][weekday] = date{at.Day(), day, at.Format("2 January 2006"), url}
	}
	return m, any
}
