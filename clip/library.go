package clip

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/meter"
	"clipfs/clip/mp4/join"
	"clipfs/clip/names"
	"clipfs/clip/offers"
	"clipfs/clip/parallel"
	"clipfs/clip/prefetch"
	"clipfs/clip/recent"
	"clipfs/clip/resolve"
	"clipfs/clip/singleflight"
	"clipfs/clip/timeline"
	"clipfs/clip/told"
	"clipfs/clip/unlisted"

	lru "github.com/hashicorp/golang-lru/v2"
)

// maxLayouts is how many layouts are kept that nobody has open: that of 24 h takes some 100 KB.
const maxLayouts = 32

const (
	// maxUnpacked is how many fragments long listings have in memory at once while something is made of them, but for one that has more: a day of fragments of 2 s,
	// of 128 bytes each. Those of no more than maxBrief do not count.
	maxUnpacked = 50_000
	maxBrief    = 8_000
)

// Library is the archive as clips. It is safe for concurrent use.
type Library struct {
	// Timeline tells what streams there are and what they have recorded.
	*timeline.Timeline
	cache   *cache.Cache
	options Options
	// joinVersion is join.Version.
	joinVersion int
	downloads   *download.Downloader
	identities  *download.Identities
	resolver    *resolve.Resolver
	prefetch    *prefetch.Prefetcher
	minutes     *unlisted.Minutes
	layouts     *singleflight.Group[cache.Key, *layout]
	// made has the layouts made last, by the key of their clip.
	made *lru.Cache[string, *layout]
	// looked has what look-ups found last.
	looked *lru.Cache[lookUp, *looked]
	// hours has hours of the past by the minute, by their serial.
	hours *lru.Cache[uint64, *hour]
	notes *told.Notes
	// room is for long listings.
	room *parallel.Room
	// opened numbers the openings of clips of many parts, handles counts open clips.
	opened  atomic.Uint64
	handles atomic.Int64
	// openings tells how far clips are that are being opened and wait for heads.
	openings told.Openings
	// late has the keys of the clips whose opening goes on after MaxOpenWait.
	late sync.Map
}

// NewLibrary gives the clips of an archive, kept in a cache. The cache stays the caller's to close.
func NewLibrary(service archive.Service, c *cache.Cache, o Options) *Library {
	o = o.withDefaults()
	l := &Library{
		Timeline: timeline.New(service, timeline.Options{
			Logger: o.Logger, Selector: o.Selector, Grammar: o.Grammar, TTL: o.MetadataTTL, Timeout: o.ReadTimeout, Dir: o.TimelineDir, Gap: o.Gap,
			ListDays: o.ListDays, Streams: o.Streams, StreamPrefix: o.StreamPrefix, Shared: o.Tier,
		}),
		cache: c, options: o, joinVersion: join.Version,
		layouts: singleflight.New[cache.Key, *layout](o.ReadTimeout),
		made:    recent.Cache[string, *layout](maxLayouts),
		looked:  recent.Cache[lookUp, *looked](maxLooked),
		hours:   recent.Cache[uint64, *hour](maxSummed),
		notes:   told.NewNotes(),
		room:    parallel.NewRoom(maxUnpacked, maxBrief),
	}
	l.downloads = download.New(service, c, download.Options{
		Logger: o.Logger, Heads: cmp.Or(o.Heads, c), ReadTimeout: o.ReadTimeout, StallTimeout: o.StallTimeout, Connections: o.Connections,
		Limit: o.FetchLimit, MeterDir: o.MeterDir, Bandwidth: o.Bandwidth, Tier: o.Tier, OnStale: l.Forget,
		Confirm: offers.New(service, l.Timeline, o.Selector, o.ReadTimeout).Confirm,
	})
	l.identities = l.downloads.Identities()
	l.resolver = resolve.New(l.downloads, resolve.Options{Logger: o.Logger, Selector: o.Selector, ListAgain: l.listAgain})
	l.prefetch = prefetch.New(l.downloads, c, prefetch.Options{
		Eager: o.Eager, ReadAhead: o.ReadAhead, Connections: o.Connections, Copiers: o.Copiers,
	})
	l.minutes = unlisted.New(c, l.downloads, unlisted.Options{
		Logger: o.Logger, Selector: o.Selector, EdgeAge: timeline.EdgeAge, TTL: o.MetadataTTL, Gap: o.Gap, MaxOpenFetch: o.MaxOpenFetch,
		AtOnce: download.HeadsOver * o.Connections, Likely: l.Likely, Saw: l.Saw,
	})
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
func (l *Library) Fetched() meter.Fetched { return l.downloads.Fetched() }

// Downloads gives what fetches for this library.
func (l *Library) Downloads() *download.Downloader { return l.downloads }

// Part is the grid on which clips of many parts are cut.
func (l *Library) Part() time.Duration { return l.options.Part }

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

// clipKey gives the key of the file that parts make: that of a payload where it is one, else one of everything that shapes
// its bytes: the parts, between which of them gaps lie, what becomes of gaps, and how parts are joined.
func (l *Library) clipKey(parts []resolve.Part) cache.Key {
	if len(parts) == 1 {
		return parts[0].Key
	}
	words := make([]string, 0, len(parts))
	for i := range parts {
		words = append(words, parts[i].Word())
	}
	return l.keyOf(words)
}

// keyOf is clipKey of several parts, by their words.
func (l *Library) keyOf(words []string) cache.Key {
	return resolve.HashKey("c", append([]string{l.joining()}, words...)...)
}

// joining names how parts are joined: by which version of join, and what becomes of gaps and of what is unservable.
func (l *Library) joining() string {
	return fmt.Sprintf("join %d, %s gaps, %s what is unservable", l.joinVersion, l.options.Gaps, l.options.Unservable)
}
