package mount

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/kvs"
	"clipfs/clip/names"
	"clipfs/clip/shared"
	"clipfs/clip/still"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/notify"
	"clipfs/cmd/internal/metrics"
	"clipfs/fs"
	"clipfs/fs/mountinfo"
	"clipfs/fs/tree"
)

const (
	// credentialsTimeout bounds the search for credentials, which can ask a network that is not there.
	credentialsTimeout = 30 * time.Second
	// headsShare is which part of the cache is for heads: a 24 h clip of 30 pictures a second has 60 MB of them.
	headsShare = 10
	// headsLinger is how long a download of a head goes on that nothing waits for any more.
	headsLinger = time.Second
	// indexAfter is when the caches read their index, unless a clip is asked for before.
	indexAfter = 200 * time.Millisecond
	// HeadsDir is where the heads are, in the cache directory.
	HeadsDir = "heads"
	// SystemCacheDir is the cache directory where there is no home, as at boot.
	SystemCacheDir = "/var/cache/clipfs"
)

// DefaultCacheDir is the cache directory of the user that runs this, or the system's.
func DefaultCacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	switch {
	case err == nil:
		return filepath.Join(dir, "clipfs"), nil
	case os.Getenv("HOME") == "" && os.Getenv("XDG_CACHE_HOME") == "":
		return SystemCacheDir, nil
	}
	return "", fmt.Errorf("no place for the cache: set --cache-dir (%w)", err)
}

// Check says what is wrong with values that a flag alone cannot judge.
func (c *Config) Check() error {
	_, err := c.clipOptions(slog.New(slog.DiscardHandler))
	return errors.Join(err, c.Web.check(), c.Shared.check(c.InsecureEndpoint))
}

func (c *Config) clipOptions(logger *slog.Logger) (clip.Options, error) {
	o := clip.Options{
		Logger: logger, Selector: c.Selector, Grammar: names.Grammar{Location: c.Zone, Basic: c.BasicNames}, MetadataTTL: c.MetadataTTL,
		ReadTimeout: c.ReadTimeout, Gap: c.Gap, Gaps: c.Gaps, Unservable: c.Unservable, Part: c.Part, Eager: orNone(c.Eager), ReadAhead: orNone(c.ReadAhead),
		Copiers: c.Copiers, Connections: c.Connections, MaxOpenFetch: c.MaxOpenFetch, MaxOpenWait: c.MaxOpenWait, ListDays: c.ListDays, Listed: c.Listed, StreamPrefix: c.Prefix,
		FetchLimit: c.FetchLimit, Bandwidth: c.BandwidthLimit, MeterDir: c.CacheDir, TimelineDir: filepath.Join(c.CacheDir, "timeline"),
	}
	if c.terminal {
		o.TellOpening = tellOpening
	}
	if c.ListDays < 0 {
		return o, config.Usagef("--list-days %d: want a number of days", c.ListDays)
	}
	if c.Connections < 1 {
		return o, config.Usagef("--connections %d: want at least 1", c.Connections)
	}
	if c.StillWidth < 0 || c.StillWidth > archive.MaxImageWidth {
		return o, config.Usagef("--still-width %d: want a number of pixels up to %d, or 0", c.StillWidth, archive.MaxImageWidth)
	}
	for _, s := range c.Streams {
		name := archive.StreamName(s)
		if !name.Valid() {
			return o, config.Usagef("--stream %q: not the name of a stream", s)
		}
		o.Streams = append(o.Streams, name)
	}
	return o, nil
}

// tellOpening is how often a log on a terminal tells how far an open is.
const tellOpening = time.Second

// orNone gives a size as package clip wants it, where 0 stands for the default.
func orNone(n int64) int64 {
	if n == 0 {
		return -1
	}
	return n
}

// cacheOptions gives those of both caches: a small part of --cache-size is for heads, which are worth more than media.
func (c *Config) cacheOptions(logger *slog.Logger) (media, heads cache.Options) {
	small := c.CacheSize / headsShare
	media = cache.Options{
		MaxBytes: c.CacheSize - small, MinFree: c.MinFree.Bytes, MinFreePercent: c.MinFree.Percent,
		MemoryBytes: c.Memory, MaxAge: c.MaxAge, Lazy: true, Logger: logger,
		NoProof: !c.Passthrough || os.Geteuid() != 0, // only what the kernel reads by itself has to be checked before
	}
	heads = cache.Options{MaxBytes: small, MaxAge: c.MaxAge, Linger: headsLinger, Lazy: true, Logger: logger}
	return media, heads
}

// archive gives the archive that the environment leads to. Without credentials or a region it fails: nothing would ever
// work then.
func (c *Config) archive(ctx context.Context, logger *slog.Logger, observer kvs.Observer) (*kvs.Archive, error) {
	ctx, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	cfg, err := kvs.LoadConfig(ctx, kvs.ConfigOptions{EndpointURL: c.EndpointURL})
	if err != nil {
		return nil, err
	}
	service, err := kvs.New(cfg, kvs.Options{Logger: logger, Observer: observer, Stall: clip.StallAfter(c.ReadTimeout), InsecureEndpoint: c.InsecureEndpoint})
	if errors.Is(err, kvs.ErrInsecure) {
		err = config.Usagef("%w: use https, or --insecure-endpoint where the network is trusted", err)
	}
	return service, err
}

// OpenArchive gives the archive that the environment leads to. It is the caller's to close.
func (c *Config) OpenArchive(ctx context.Context, logger *slog.Logger) (*kvs.Archive, error) {
	return c.archive(ctx, logger, nil)
}

// Assembly is a library and its stills with their caches.
type Assembly struct {
	Library      *clip.Library
	Stills       *still.Stills
	media, heads *cache.Cache
	// tier is nil without a shared cache.
	tier *shared.Tier
	// requests counts those of tier.
	requests *requests
}

// Assemble puts a library on an archive, with caches in the cache directory.
func (c *Config) Assemble(ctx context.Context, service archive.Service, logger *slog.Logger) (*Assembly, error) {
	return c.assemble(ctx, service, logger, notify.New(logger))
}

func (c *Config) assemble(ctx context.Context, service archive.Service, logger *slog.Logger, manager *notify.Manager) (_ *Assembly, err error) {
	options, err := c.clipOptions(logger)
	if err != nil {
		return nil, err
	}
	a := &Assembly{}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	media, heads := c.cacheOptions(logger)
	if a.media, err = openCache(ctx, c.CacheDir, media, manager); err != nil {
		return nil, err
	}
	heads.Beside = a.media
	if a.heads, err = cache.Open(filepath.Join(c.CacheDir, HeadsDir), heads); err != nil {
		return nil, fmt.Errorf("cache directory %s: %w", c.CacheDir, err)
	}
	options.Heads = a.heads
	if a.tier, a.requests, err = c.openTier(ctx, logger); err != nil {
		return nil, err
	}
	if a.tier != nil { // a nil tier in an interface would be one
		options.Tier = a.tier
	}
	if told, ok := service.(interface {
		OpenQuota(archive.StreamName) (atOnce, perSecond float64)
	}); ok {
		options.OpenQuota = told.OpenQuota
	}
	a.Library = clip.NewLibrary(service, a.media, options)
	downloads := a.Library.Downloads()
	a.Stills = still.New(still.Options{
		Settings: still.Settings{Off: !c.Stills, Width: c.StillWidth}, Logger: logger, Selector: c.Selector, Gap: c.Gap, TTL: c.MetadataTTL,
		MaxOpenWait: c.MaxOpenWait, Footage: a.Library.Timeline, Images: downloads.Images, Store: a.heads, Versions: downloads.Identities(),
	})
	return a, nil
}

// index has the caches read their index soon, unless the function that it gives is called before.
func (a *Assembly) index() (stop func()) {
	timer := time.AfterFunc(indexAfter, func() {
		a.media.Begin()
		a.heads.Begin()
	})
	return func() { timer.Stop() }
}

// Close lets go of the caches, and of the tier, which reads from them, before that.
func (a *Assembly) Close() error {
	var err error
	if a.tier != nil {
		a.tier.Close()
	}
	for _, c := range []*cache.Cache{a.heads, a.media} {
		if c != nil {
			err = errors.Join(err, c.Close())
		}
	}
	return err
}

// Serve mounts an archive for as long as work takes, which unmounts it.
func (c *Config) Serve(ctx context.Context, service archive.Service, counted *metrics.Metrics, mountpoint string, logger *slog.Logger,
	work func(*Serving) error) (err error) {
	if err := c.Owner.Check(); err != nil {
		return &config.UsageError{Err: err}
	}
	manager := notify.New(logger)
	parts, err := c.assemble(ctx, service, logger, manager)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.Close()) }()
	entries := tree.New(parts.Library, tree.Options{Logger: logger, Stills: parts.Stills, Status: counted.StatusText, Segment: c.Segment})
	server, err := fs.Mount(mountpoint, entries, fs.Options{
		Logger: logger, AllowOther: c.AllowOther, Owner: c.Owner, Deny: c.Deny, Source: c.Source,
		Observer: counted, ExactSizes: c.ExactSizes, Passthrough: c.Passthrough,
	})
	if err != nil {
		return err
	}
	sources := c.sources(service, parts)
	sources.Mountpoint, sources.Alive, sources.Denials = server.Mountpoint(), server.Alive, server.Denials
	sources.Passthrough = server.Passthrough
	counted.Attach(sources)
	logger.Info("serving", "mountpoint", server.Mountpoint(), "cache", c.CacheDir, "passthrough", server.Passthrough() == nil)
	url, unserved, err := c.serve(ctx, entries, counted, logger)
	if err != nil {
		return errors.Join(err, server.Detach())
	}
	defer func() { err = errors.Join(err, unserved()) }()
	defer parts.index()()
	mounted, _ := mountinfo.Find(server.Mountpoint()) // for what is told of it later
	serves := &Serving{URL: url, mount: mounted, server: server, library: parts.Library, cache: parts.media, logger: logger, manager: manager, grace: c.Grace}
	if waits, ok := service.(interface{ GiveUp() }); ok {
		serves.giveUp = waits.GiveUp
	}
	return work(serves)
}

// sources are what metrics ask of all but the mount.
func (c *Config) sources(service archive.Service, parts *Assembly) metrics.Sources {
	told := map[string][]string{}
	maps.Copy(told, c.Told)
	told["cache-dir"] = []string{c.CacheDir} // also where it is the default
	s := metrics.Sources{
		Settings: told, Profile: os.Getenv(config.ProfileVariable),
		Library: parts.Library.Stats, Fetched: parts.Library.Fetched, Media: parts.media.Stats, Heads: parts.heads.Stats,
	}
	if parts.tier != nil {
		s.Shared, s.SharedRequests = parts.tier.Stats, parts.requests.counts
	}
	if a, ok := service.(*kvs.Archive); ok {
		s.Quotas, s.Region = a.Quotas, a.Region()
	}
	return s
}
