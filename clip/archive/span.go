package archive

import (
	"fmt"
	"log/slog"
	"time"
)

// Grain is the resolution of every time in this package: the service's timestamps are milliseconds.
const Grain = time.Millisecond

// MaxSpan is the longest span of a clip: GetClip takes at most 24 h (API reference, ClipTimestampRange).
const MaxSpan = 24 * time.Hour

// Span is a half-open range of time [Start, End), UTC, of millisecond grain.
type Span struct{ Start, End time.Time }

// NewSpan gives the span from start, length long, both cut to the millisecond.
func NewSpan(start time.Time, length time.Duration) Span {
	start = start.UTC().Truncate(Grain)
	return Span{Start: start, End: start.Add(length.Truncate(Grain))}
}

// Length is the time from Start to End.
func (s Span) Length() time.Duration { return s.End.Sub(s.Start) }

// Empty reports whether no instant lies in the span.
func (s Span) Empty() bool { return !s.Start.Before(s.End) }

// Contains reports whether t lies in the span.
func (s Span) Contains(t time.Time) bool { return !t.Before(s.Start) && t.Before(s.End) }

// Covers reports whether all of another span lies in this one.
func (s Span) Covers(o Span) bool { return !o.Start.Before(s.Start) && !o.End.After(s.End) }

// Intersect gives what two spans have in common; an empty span if that is nothing.
func (s Span) Intersect(o Span) Span {
	if o.Start.After(s.Start) {
		s.Start = o.Start
	}
	if o.End.Before(s.End) {
		s.End = o.End
	}
	if s.End.Before(s.Start) {
		s.End = s.Start
	}
	return s
}

// LastInstant is the last instant in the span: what a selector whose end is inclusive has to be asked for.
func (s Span) LastInstant() time.Time { return s.End.Add(-Grain) }

// String gives the span as an ISO 8601 interval.
func (s Span) String() string {
	const layout = "2006-01-02T15:04:05.999Z"
	return fmt.Sprintf("%s/%s", s.Start.UTC().Format(layout), s.End.UTC().Format(layout))
}

// LogValue implements slog.LogValuer.
func (s Span) LogValue() slog.Value { return slog.StringValue(s.String()) }
