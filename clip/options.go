package clip

import (
	"cmp"
	"log/slog"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/meter"
	"clipfs/clip/names"
	"clipfs/clip/plan"
	"clipfs/clip/tier"
)

// Options are the settings of a Library. The zero value works.
type Options struct {
	// Logger takes what is worth telling; nil discards it.
	Logger *slog.Logger
	// Selector says by which clock spans select fragments.
	Selector archive.Selector
	// Grammar reads and writes names.
	Grammar names.Grammar
	// MetadataTTL is how long answers about streams and about the past are valid; 0 means 60 s.
	MetadataTTL time.Duration
	// TimelineDir is where the hours of the past are remembered from mount to mount; empty means nowhere.
	TimelineDir string
	// Gap is how far apart two fragments have to be for a gap to lie between them; 0 means DefaultGap.
	Gap time.Duration
	// ListDays is how many days back are looked at for footage when days are listed; 0 means timeline.DefaultListDays.
	ListDays int
	// Streams are the only streams to show, if there are any; then streams are not listed.
	Streams []archive.StreamName
	// Listed says what directories list; its zero value is all that there is.
	Listed names.Listed
	// StreamPrefix is how the names of the streams to show begin.
	StreamPrefix string
	// ReadTimeout is how long a call or a download may go without progress before it fails; 0 means 60 s.
	ReadTimeout time.Duration
	// Heads keeps the heads of parts apart from the media, so that they outlive it; nil keeps them in one cache with it.
	Heads *cache.Cache
	// Tier is where other hosts put payloads; nil for nowhere. With one, clips of every length are cut on Part.
	Tier tier.Tier
	// Part is the grid on which clips of many parts are cut; 0 means plan.DefaultGrid.
	Part time.Duration
	// Gaps says what becomes of the time in which nothing was recorded.
	Gaps GapPolicy
	// Unservable says what becomes of a clip in which the service makes no MP4 of some fragments.
	Unservable UnservablePolicy
	// Eager is how many bytes of an open clip may be fetched at most before they are asked for, all that are missing;
	// less than 0 means none, 0 means DefaultEager.
	Eager int64
	// ReadAhead is how many bytes are prefetched for a program that reads front to back; less than 0 means none, 0 means
	// DefaultReadAhead.
	ReadAhead int64
	// Copiers names programs that are taken to read each clip whole, until one does not: what they open comes while it is being opened, of the first
	// clip at most twice ReadAhead. prefetch.DefaultCopiers lists some.
	Copiers []string
	// Connections is how many downloads run at once; 0 means DefaultConnections.
	Connections int
	// MaxOpenFetch is how many bytes opening a clip may fetch whose heads come last; 0 means DefaultMaxOpenFetch.
	MaxOpenFetch int64
	// MaxOpenWait is how long opening a clip may take in all; 0 means as long as it makes progress.
	MaxOpenWait time.Duration
	// TellOpening is how often the log tells how far an open is that waits for heads; 0 means only that it begins.
	TellOpening time.Duration
	// FetchLimit is the most that may be fetched in a period.
	FetchLimit meter.Limit
	// MeterDir keeps what was fetched, for the next mount; empty means nowhere.
	MeterDir string
	// Bandwidth is how many bytes a second may be fetched; 0 means as many as come.
	Bandwidth int64
	// OpenQuota tells of how many fragments of a stream the archive gives heads at once now, and of how many a second after
	// that; nil stands for 500 and 500 (quotas page, GetClip).
	OpenQuota func(archive.StreamName) (atOnce, perSecond float64)
	// StallTimeout is how long a body may go without a byte before it is given up and asked for again; 0 means
	// StallAfter(ReadTimeout).
	StallTimeout time.Duration
}

// The defaults of Options.
const (
	defaultMetadataTTL  = time.Minute
	defaultReadTimeout  = time.Minute
	defaultStallTimeout = 10 * time.Second
	defaultMediaRate    = 500

	DefaultEager        = 256 << 20
	DefaultReadAhead    = 256 << 20
	DefaultConnections  = 16
	DefaultMaxOpenFetch = 2 << 30
)

// GapPolicy says what becomes of the time in which nothing was recorded, in clips of many parts.
type GapPolicy int

const (
	// CloseGaps plays only what was recorded.
	CloseGaps GapPolicy = iota
	// KeepGaps keeps the clock: a position in the file is a time of day.
	KeepGaps
)

// String gives the policy as flags name it.
func (p GapPolicy) String() string {
	if p == KeepGaps {
		return "keep"
	}
	return "close"
}

// StallAfter is how long a call may go without a byte before it is made again, where reads may wait for readTimeout: 10 s,
// or a third of it, so that there is time for another try.
func StallAfter(readTimeout time.Duration) time.Duration {
	return min(defaultStallTimeout, readTimeout/3)
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.MetadataTTL = cmp.Or(o.MetadataTTL, defaultMetadataTTL)
	o.Gap = cmp.Or(o.Gap, archive.DefaultGap)
	o.ReadTimeout = cmp.Or(o.ReadTimeout, defaultReadTimeout)
	o.StallTimeout = cmp.Or(o.StallTimeout, StallAfter(o.ReadTimeout))
	o.Part = cmp.Or(o.Part, plan.DefaultGrid)
	o.Eager = cmp.Or(o.Eager, DefaultEager)
	o.ReadAhead = cmp.Or(o.ReadAhead, DefaultReadAhead)
	o.Connections = cmp.Or(o.Connections, DefaultConnections)
	o.MaxOpenFetch = cmp.Or(o.MaxOpenFetch, DefaultMaxOpenFetch)
	if o.OpenQuota == nil {
		o.OpenQuota = func(archive.StreamName) (atOnce, perSecond float64) { return defaultMediaRate, defaultMediaRate }
	}
	return o
}

// UnservablePolicy says what becomes of a clip in which the service makes no MP4 of some fragments: whether it is refused, or goes
// on behind them as behind a gap.
type UnservablePolicy int

const (
	// RefuseUnservable makes it an error that names which spans can be had.
	RefuseUnservable UnservablePolicy = iota
	// SkipUnservable leaves the fragments out, like a gap, and notes it.
	SkipUnservable
)

// String gives the policy as flags name it.
func (p UnservablePolicy) String() string {
	if p == SkipUnservable {
		return "skip"
	}
	return "refuse"
}
