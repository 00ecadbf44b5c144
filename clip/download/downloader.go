package download

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/bandwidth"
	"clipfs/clip/meter"
	"clipfs/clip/mp4"
	"clipfs/clip/tier"
)

// Options are the settings of a Downloader. All of Logger to Connections have to be set.
type Options struct {
	Logger *slog.Logger
	// Heads keeps heads apart from the media, so that they outlive it.
	Heads Store
	// ReadTimeout is how long a download may go without a new byte; StallTimeout is how long one body may.
	ReadTimeout, StallTimeout time.Duration
	// Connections is how many downloads run at once.
	Connections int
	// Limit is the most that may be fetched in a period. MeterDir keeps what was fetched for the next mount; "" does not.
	Limit    meter.Limit
	MeterDir string
	// Bandwidth is how many bytes a second may be fetched; 0 is no limit.
	Bandwidth int64
	// Tier is where other hosts put payloads; nil for nowhere. Confirm makes sure that the movie of a payload that
	// was fetched by a time has just what is listed after it, and that no more of it is to come. ErrPrivate where that is not so.
	Tier    tier.Tier
	Confirm func(ctx context.Context, p Payload, movie *mp4.Movie, fetched time.Time) (tier.Confirmed, error)
	// OnStale is told that footage that was listed is gone.
	OnStale func(archive.Stream, archive.Span)
}

// Service is what a Downloader asks of the archive.
type Service interface {
	Payload(ctx context.Context, q archive.PayloadQuery) (*archive.Payload, error)
	Images(ctx context.Context, q archive.ImageQuery) ([]archive.Image, error)
}

// copyBuffer is how much of a body is handed on at once.
const copyBuffer = 256 << 10

// Downloader brings payloads into a Store. It is safe for concurrent use.
type Downloader struct {
	service Service
	store   Store
	options Options
	// buffers has *[copyBuffer]byte.
	buffers    sync.Pool
	identities *Identities
	records    Records
	scheduler  *scheduler
	sharers    sharers
	meter      *meter.Meter
	bandwidth  *bandwidth.Limiter
	counts     counts
}

// New gives a Downloader into store.
func New(service Service, store Store, o Options) *Downloader {
	d := &Downloader{
		service: service, store: store, options: o,
		identities: newIdentities(store),
		records:    Records{o.Heads},
		scheduler:  newScheduler(o.Connections, store.GiveUp),
		meter:      meter.New(o.MeterDir, o.Limit, o.Logger),
		bandwidth:  bandwidth.New(o.Bandwidth),
		sharers:    sharers{by: make(map[cache.Key]int)},
	}
	d.buffers.New = func() any { return new([copyBuffer]byte) }
	return d
}

// Identities gives what is known of the versions of payloads.
func (d *Downloader) Identities() *Identities { return d.identities }

// Records gives the records that are kept with the heads.
func (d *Downloader) Records() Records { return d.records }

// Fetched gives what GetClip and GetImages have sent.
func (d *Downloader) Fetched() meter.Fetched { return d.meter.Fetched() }

// Watch has progress called whenever the bandwidth lets bytes through, until stop is called: while the limit holds
// everything back, the bytes of other downloads are a sign of life.
func (d *Downloader) Watch(progress func()) (stop func()) { return d.bandwidth.Watch(progress) }

// Stats is what a Downloader has done since it was made.
type Stats struct {
	// Fetched is how many bytes of media and of images the archive has sent, also those of calls that failed or were given up;
	// Images is how many images.
	Fetched, Images int64
	// Shared is how many bytes of media the tier has sent.
	Shared int64
	// Payloads is how many downloads brought a whole payload, Failed how many ended otherwise, Downloads how many run.
	Payloads, Failed, Downloads int64
	// Cached is how many bytes were read that were there at once, Waited how many had to be waited for.
	Cached, Waited int64
}

// counts are the numbers of Stats as they are counted.
type counts struct{ fetched, shared, images, payloads, failed, downloads, cached, waited atomic.Int64 }

// Stats gives the present numbers.
func (d *Downloader) Stats() Stats {
	c := &d.counts
	return Stats{
		Fetched: c.fetched.Load(), Shared: c.shared.Load(), Images: c.images.Load(), Payloads: c.payloads.Load(), Failed: c.failed.Load(), Downloads: c.downloads.Load(),
		Cached: c.cached.Load(), Waited: c.waited.Load(),
	}
}

// CountRead counts bytes that were read, and that were there or not when they were asked for.
func (d *Downloader) CountRead(n int, there bool) {
	if there {
		d.counts.cached.Add(int64(n))
		return
	}
	d.counts.waited.Add(int64(n))
}
