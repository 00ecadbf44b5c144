package archive

import "time"

// Precision is the finest field that the name of a start gives.
type Precision int

// The precisions, coarse to fine.
const (
	Day Precision = iota
	Hour
	Minute
	Second
	Millisecond
)

// Start is a start as its name gives it.
type Start struct {
	// Time is the instant, UTC.
	Time time.Time
	// Precision tells what kind of directory it names: a day, an hour, a minute, or an instant.
	Precision Precision
}

// Nominal gives how long a period is where clocks do not change.
func (p Precision) Nominal() time.Duration {
	return [...]time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second, Grain}[p]
}
