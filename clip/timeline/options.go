package timeline

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/names"
)

// DefaultListDays is how many days back from now are looked at when days are listed.
const DefaultListDays = 400

// Options are the settings of a Timeline. The zero value works.
type Options struct {
	// Logger takes what is worth telling; nil discards it.
	Logger *slog.Logger
	// Selector says by which clock spans select fragments.
	Selector archive.Selector
	// Grammar has the days, hours and minutes that are told.
	Grammar names.Grammar
	// TTL is how long answers about streams and about the past are valid; 0 means 60 s.
	TTL time.Duration
	// Timeout is how long a call may go without progress before it fails; 0 means 60 s.
	Timeout time.Duration
	// Dir is where the hours of the past are kept from mount to mount; empty means nowhere.
	Dir string
	// Shared is where other hosts put hours of the past; nil for nowhere.
	Shared Shared
	// Gap is the shortest pause that counts as a gap; 0 means archive.DefaultGap.
	Gap time.Duration
	// ListDays is how many days back are looked at when days are listed; 0 means DefaultListDays.
	ListDays int
	// Streams are the only streams to show, if there are any; then streams are not listed.
	Streams []archive.StreamName
	// StreamPrefix is how the names of the streams to show begin.
	StreamPrefix string
}

// Shared is a place where other hosts put hours of the past. It never fails, and what it has may be anything.
type Shared interface {
	// Hour gives what was offered of an hour; nil is a miss.
	Hour(ctx context.Context, stream archive.Stream, by archive.Selector, hour time.Time) []byte
	// OfferHour offers an hour, whose oldest fragment the archive took in at a time. It waits for nothing.
	OfferHour(stream archive.Stream, by archive.Selector, hour, ingested time.Time, text []byte)
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	o.TTL = cmp.Or(o.TTL, time.Minute)
	o.Timeout = cmp.Or(o.Timeout, time.Minute)
	o.Gap = cmp.Or(o.Gap, archive.DefaultGap)
	o.ListDays = cmp.Or(o.ListDays, DefaultListDays)
	return o
}
