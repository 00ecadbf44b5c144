package clip

import (
	"fmt"
	"time"

	"github.com/docker/go-units"
)

// FetchLimit is the most that may be fetched in a period, counted in bytes that GetClip sends. The zero value is none.
type FetchLimit struct {
	Bytes int64
	Per   Period
}

// String gives the limit as flags do: "50GiB/day".
func (l FetchLimit) String() string { return units.BytesSize(float64(l.Bytes)) + "/" + l.Per.String() }

// Period is a piece of the calendar, in UTC.
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

// start gives when the period began that a time is in.
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

// end gives when the period ends that a time is in.
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

// Fetched is how many bytes GetClip has sent in the present periods, over all mounts that had the same directory.
type Fetched struct {
	Hour, Day, Month int64
	// Limit is the one in force, if any; Resumes is when fetching goes on where it is reached, else zero.
	Limit   FetchLimit
	Resumes time.Time
}
