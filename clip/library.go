package clip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/mp4/join"
	"clipfs/clip/names"
	"clipfs/clip/plan"
	"clipfs/clip/resolve"
	"clipfs/clip/singleflight"
	"clipfs/clip/timeline"

	lru "github.com/hashicorp/golang-lru/v2"
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
	// Part is the grid on which clips of many parts are cut; 0 means plan.DefaultGrid.
	Part time.Duration
	// Gaps says what becomes of the time in which nothing was recorded.
	Gaps GapPolicy
	// Unservable says what becomes of a clip in which the service makes no MP4 of some fragments.
	Unservable UnservablePolicy
	// Eager is how many bytes of an open clip may be fetched at most before they are asked for, all that are missing;
	// less than 0 means none, 0 means DefaultEager.
	Eager int64
	// ReadAhead is how many bytes are fetched ahead of one who reads front to back; less than 0 means none, 0 means
	// DefaultReadAhead.
	ReadAhead int64
	// Connections is how many downloads run at once; 0 means DefaultConnections.
	Connections int
	// MaxOpenFetch is how many bytes opening a clip may fetch whose heads come last; 0 means DefaultMaxOpenFetch.
	MaxOpenFetch int64
	// MaxOpenWait is how long opening a clip may take in all; 0 means as long as it makes progress.
	MaxOpenWait time.Duration
	// FetchLimit is the most that may be fetched in a period.
	FetchLimit download.Limit
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

// maxLayouts is how many layouts are kept that nobody has open: that of 24 h takes some 100 KB.
const maxLayouts = 32

// Library is the archive as clips. It is safe for concurrent use.
type Library struct {
	// Timeline tells what streams there are and what they have recorded.
	*timeline.Timeline
	service archive.Service
	cache   *cache.Cache
	options Options
	// joinVersion is join.Version.
	joinVersion int
	downloads   *download.Downloader
	identities  *download.Identities
	resolver    *resolve.Resolver
	layouts     *singleflight.Group[cache.Key, *layout]
	// made has the layouts made last, by the key of their clip.
	made  *lru.Cache[string, *layout]
	notes *notes
	// openings numbers the openings of clips of many parts, handles counts open clips.
	openings atomic.Uint64
	handles  atomic.Int64
	// late has the keys of the clips whose opening goes on after MaxOpenWait.
	late sync.Map
}

// NewLibrary gives the clips of an archive, kept in a cache. The cache stays the caller's to close.
func NewLibrary(service archive.Service, c *cache.Cache, o Options) *Library {
	o = o.withDefaults()
	made, err := lru.New[string, *layout](maxLayouts)
	if err != nil {
		panic(err) // only a size that is not positive is an error
	}
	l := &Library{
		Timeline: timeline.New(service, timeline.Options{
			Logger: o.Logger, Selector: o.Selector, Grammar: o.Grammar, TTL: o.MetadataTTL, Timeout: o.ReadTimeout, Dir: o.TimelineDir, Gap: o.Gap,
			ListDays: o.ListDays, Streams: o.Streams, StreamPrefix: o.StreamPrefix,
		}),
		service: service, cache: c, options: o, joinVersion: join.Version,
		layouts: singleflight.New[cache.Key, *layout](o.ReadTimeout),
		made:    made,
		notes:   newNotes(),
	}
	l.downloads = download.New(service, c, download.Options{
		Logger: o.Logger, Heads: cmp.Or(o.Heads, c), ReadTimeout: o.ReadTimeout, StallTimeout: o.StallTimeout, Connections: o.Connections,
		Limit: o.FetchLimit, MeterDir: o.MeterDir, Bandwidth: o.Bandwidth, OnStale: l.Forget,
	})
	l.identities = l.downloads.Identities()
	l.resolver = resolve.New(l.downloads, resolve.Options{Logger: o.Logger, Selector: o.Selector, ListAgain: l.listAgain})
	return l
}

// Stats is what a library has done since it was made.
type Stats struct {
	download.Stats
	// Handles is how many clips are open.
	Handles int64
}

// Stats gives the present numbers.
func (l *Library) Stats() Stats { return Stats{l.downloads.Stats(), l.handles.Load()} }

// Fetched is how many bytes GetClip has sent in the present hour, day and month.
func (l *Library) Fetched() download.Fetched { return l.downloads.Fetched() }

// Grammar gives what reads and writes the names of this library.
func (l *Library) Grammar() names.Grammar { return l.options.Grammar }

// Listed says what directories list.
func (l *Library) Listed() names.Listed { return l.options.Listed }

// MetadataTTL is how long answers about streams and about the past are valid.
func (l *Library) MetadataTTL() time.Duration { return l.options.MetadataTTL }

// ReadTimeout is how long a call or a download may go without progress before it fails.
func (l *Library) ReadTimeout() time.Duration { return l.options.ReadTimeout }

// listingError is Denied where fragments could not be listed, by now or when something was looked up.
func (l *Library) listingError(stream archive.StreamName) error {
	return cmp.Or(l.Denied(stream), archive.ErrNotListable)
}

// Clip gives the clip of a span as the archive has it now: one immutable version. It costs ListFragments calls at
// most, never media. ErrNoFootage if no fragment starts in the span.
func (l *Library) Clip(ctx context.Context, name archive.StreamName, span archive.Span) (*Clip, error) {
	if span.Empty() || span.Length() > archive.MaxSpan {
		return nil, fmt.Errorf("span %s: %w", span, archive.ErrName)
	}
	v, err := l.View(ctx, name, span.End)
	if err != nil {
		return nil, err
	}
	visible := span.Intersect(v.Window)
	if visible.Empty() {
		return nil, fmt.Errorf("stream %s, %s is outside of what is kept: %w", name, span, archive.ErrNoFootage)
	}
	list := func(ctx context.Context) (timeline.Listing, error) { return l.List(ctx, v, visible) }
	listed, err := list(ctx)
	if errors.Is(err, archive.ErrNotListable) {
		return l.unlistedClip(v.Stream, span, visible)
	}
	if err != nil {
		return nil, err
	}
	if len(listed.Fragments) == 0 {
		return nil, fmt.Errorf("stream %s, %s: %w", name, span, archive.ErrNoFootage)
	}
	return l.clipOf(v.Stream, span, listed, list), nil
}

// listAgain lists the fragments of a span, whatever is remembered of it.
func (l *Library) listAgain(ctx context.Context, stream archive.Stream, span archive.Span) ([]archive.Fragment, error) {
	v, err := l.View(ctx, stream.Name, time.Time{})
	if err != nil {
		return nil, err
	}
	l.Forget(stream, span)
	listed, err := l.List(ctx, v, span)
	return listed.Fragments, err
}
