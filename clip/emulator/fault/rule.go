package fault

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rule is one thing that goes wrong. Parse makes it.
type Rule struct {
	Kind Kind
	// API and Stream are those of the calls that it hits; empty means all.
	API, Stream string
	// Chance of each such call to be hit, 0 < Chance ≤ 1.
	Chance float64
	// Skip is how many that it would hit are let pass first, Count how many it hits after that; 0 means all.
	Skip, Count int64

	// At is where in the body it happens.
	At Position
	// For is how long it lasts; 0 means until it is removed, or until the client goes away.
	For time.Duration
	// Rate of a drip, in bytes a second.
	Rate int64
	// Status of the answer.
	Status int
	// Bytes by which a length is wrong, Shift by which a clock is.
	Bytes int64
	Shift time.Duration
	// What a head lies about.
	What Untruth
	// Code is the ErrorId of an ERROR acknowledgement.
	Code int

	// text is what the rule was made of.
	text string
}

// String gives the rule in the grammar of Parse, as it was written.
func (r Rule) String() string { return r.text }

// Position is a place in a body: so many bytes from its start, or a percentage of it. The zero value is no place.
type Position struct {
	set     bool
	bytes   int64
	percent float64
}

// Bytes gives the position as bytes from the start, and whether it is one: not where it is a percentage.
func (p Position) Bytes() (int64, bool) { return p.bytes, p.set && p.percent == 0 }

// IsSet reports whether there is one.
func (p Position) IsSet() bool { return p.set }

// Of gives the position in a body of so many bytes, which is not beyond its end.
func (p Position) Of(size int64) int64 {
	at := p.bytes
	if p.percent > 0 {
		at = int64(float64(size) * p.percent / 100)
	}
	return min(at, size)
}

// parsePosition reads 65536, 64KiB or 50%.
func parsePosition(s string) (Position, error) {
	if number, ok := strings.CutSuffix(s, "%"); ok {
		percent, err := strconv.ParseFloat(number, 64)
		if err != nil || percent < 0 || percent > 100 {
			return Position{}, fmt.Errorf("%q: want 0%% to 100%%", s)
		}
		return Position{set: true, percent: percent}, nil
	}
	n, err := parseBytes(s)
	if err != nil {
		return Position{}, err
	}
	return Position{set: true, bytes: n}, nil
}
