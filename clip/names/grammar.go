// Package names turns the names in the tree into times, spans and forms, and back. It is pure: it never makes a call.
//
//	grammar.go  how names are written: a time zone and a format
//	start.go    starts: ISO 8601, from the day to the millisecond
//	length.go   lengths: 10m, 1h30m
//	period.go   which day, hour and minute an instant is listed in
//	file.go     files: a length or an end, and a form
//	still.go    stills: an instant
//	listed.go   what directories list of all that
//	explain.go  what is wrong with a name that is none
package names

import "time"

// Grammar reads and writes names. The zero value reads names without an offset as UTC and writes the extended format.
type Grammar struct {
	// Location is where a name without "Z" or an offset is; nil means UTC.
	Location *time.Location
	// Basic writes ISO 8601's basic format (20240101T1000) instead of the extended one. Both are always read.
	Basic bool
	// Forms are what names of files may end in, beside Movie.
	Forms []Form
}

func (g Grammar) location() *time.Location {
	if g.Location == nil {
		return time.UTC
	}
	return g.Location
}
