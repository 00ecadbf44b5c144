package archive

import "time"

// Point says that a position in a file is a time of day. Both go on together from there until the next point.
type Point struct {
	Position time.Duration
	At       time.Time
}
