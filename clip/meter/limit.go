package meter

import (
	"fmt"
	"time"

	"github.com/docker/go-units"
)

// Limit is the most bytes that GetClip and GetImages may send in a period. The zero value is no limit.
type Limit struct {
	Bytes int64
	Per   Period
}

// String gives the limit as flags do: "50GiB/day".
func (l Limit) String() string { return units.BytesSize(float64(l.Bytes)) + "/" + l.Per.String() }

// Period is a period of the calendar, in UTC.
type Period int

// The periods that are counted.
const (
	PerDay Period = iota
	PerHour
	PerMonth
)

// periods is how many there are.
const periods = int(PerMonth) + 1

// String gives the period as flags name it.
func (p Period) String() string {
	switch p {
	case PerHour:
		return "hour"
	case PerMonth:
		return "month"
	}
	return "day"
}

// ParsePeriod reads what String gave.
func ParsePeriod(s string) (Period, error) {
	for p := range Period(periods) {
		if p.String() == s {
			return p, nil
		}
	}
	return 0, fmt.Errorf("%q: want hour, day or month", s)
}

// start gives the start of the period that holds t.
func (p Period) start(t time.Time) time.Time {
	t = t.UTC()
	switch p {
	case PerHour:
		return t.Truncate(time.Hour)
	case PerMonth:
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// end gives the end of the period that holds t.
func (p Period) end(t time.Time) time.Time {
	t = p.start(t)
	switch p {
	case PerHour:
		return t.Add(time.Hour)
	case PerMonth:
		return t.AddDate(0, 1, 0)
	}
	return t.AddDate(0, 0, 1)
}

// Fetched is what GetClip and GetImages have sent in the present periods, over all mounts of one directory.
type Fetched struct {
	// Hour, Day and Month are bytes, of media and of images; the others count images.
	Hour, Day, Month                   int64
	HourImages, DayImages, MonthImages int64
	// Limit is in force. Resumes is when fetching resumes after the limit was reached; zero where it was not.
	Limit   Limit
	Resumes time.Time
}
