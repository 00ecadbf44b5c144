package mount

import (
	"log/slog"
	"time"

	"github.com/spf13/pflag"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/meter"
	"clipfs/clip/names"
	"clipfs/clip/plan"
	"clipfs/clip/playlist"
	"clipfs/clip/prefetch"
	"clipfs/clip/shared"
	"clipfs/clip/timeline"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/internal/logs"
	"clipfs/cmd/internal/metrics"
	"clipfs/fs"
	"clipfs/fs/web"
)

// Config is what a mount is told. The flags say what each field means.
type Config struct {
	EndpointURL      string
	InsecureEndpoint bool

	CacheDir  string
	CacheSize int64
	MinFree   config.Share
	MaxAge    time.Duration
	Memory    int64

	Zone        *time.Location
	BasicNames  bool
	Selector    archive.Selector
	MetadataTTL time.Duration
	ReadTimeout time.Duration
	Gap         time.Duration
	Gaps        clip.GapPolicy
	Unservable  clip.UnservablePolicy
	Part        time.Duration
	Segment     time.Duration
	ListDays    int
	Listed      names.Listed
	Streams     []string
	Prefix      string

	Eager          int64
	ReadAhead      int64
	Connections    int
	MaxOpenFetch   int64
	MaxOpenWait    time.Duration
	FetchLimit     meter.Limit
	BandwidthLimit int64

	Shared Shared

	Stills     bool
	StillWidth int

	ExactSizes bool
	// Passthrough has the kernel read what is whole on disk by itself, where it can.
	Passthrough bool
	AllowOther  bool
	Owner       fs.Owner
	Deny        []string
	Copiers     []string
	Source      string

	Daemon    bool
	LogFile   string
	LogFormat logs.Format
	LogLevel  slog.Level
	Grace     time.Duration
	Metrics   string
	// Price is that of a gigabyte, PriceImage that of an image.
	Price, PriceImage float64
	// PriceShared is what the shared cache costs.
	PriceShared metrics.SharedPrices
	PprofDir    string

	Web Web

	// Told is what the status tells of the flags, by name; see config.Told.
	Told map[string][]string
	// Args are those that the program was run with, for the process in the background.
	Args []string

	// terminal says that a terminal shows the log.
	terminal bool
}

// defaultStillWidth is how wide stills are, in pixels.
const defaultStillWidth = 640

// Default gives what holds where no flag is set.
func Default() Config {
	return Config{
		CacheSize: cache.DefaultMaxBytes, MinFree: config.Share{Percent: 5}, Memory: 256 << 20,
		MetadataTTL: time.Minute, ReadTimeout: time.Minute, Gap: archive.DefaultGap, Part: plan.DefaultGrid, Segment: playlist.DefaultSegment, ListDays: timeline.DefaultListDays,
		Eager: clip.DefaultEager, ReadAhead: clip.DefaultReadAhead, Connections: clip.DefaultConnections, MaxOpenFetch: clip.DefaultMaxOpenFetch,
		Shared:      Shared{Timeout: shared.DefaultTimeout, Queue: shared.DefaultQueue, Keep: DefaultKeep},
		Passthrough: true, Stills: true, StillWidth: defaultStillWidth, Deny: fs.DefaultDeny(), Copiers: prefetch.DefaultCopiers(), LogFormat: logs.Text, Grace: 30 * time.Second,
		Web: Web{Opens: web.DefaultOpens, WarnBytes: 500_000_000},
	}
}

// Bind makes the flags of clipfs mount, whose defaults are what c has.
func (c *Config) Bind(flags *pflag.FlagSet) {
	c.BindWeb(flags)
	c.bindAccess(flags)
	flags.Var(address(&c.Web.Address), "serve", "serve the tree over HTTP too, at `HOST:PORT`, such as 127.0.0.1:8080 (default: nowhere)")
}

// BindWeb makes the flags of clipfs serve: those of clipfs mount that have nothing to do with a mountpoint.
func (c *Config) BindWeb(flags *pflag.FlagSet) {
	c.bindService(flags)
	c.bindCache(flags)
	c.bindClips(flags)
	c.bindFetching(flags)
	c.Shared.bind(flags)
	c.bindStills(flags)
	c.bindProcess(flags)
	c.Web.bind(flags)
}

// BindEndpoint makes the flag that says where the service is.
func (c *Config) BindEndpoint(flags *pflag.FlagSet) {
	flags.StringVar(&c.EndpointURL, "endpoint-url", "", "`URL` of the control API, for an emulator (default: what the SDK finds)")
}

func (c *Config) bindService(flags *pflag.FlagSet) {
	c.BindEndpoint(flags)
	flags.BoolVar(&c.InsecureEndpoint, "insecure-endpoint", false, "allow unencrypted calls to another machine")
	flags.StringArrayVar(&c.Streams, "stream", nil, "show only the stream of this `name`; repeat it for more. Permission to list streams is not needed then")
	flags.StringVar(&c.Prefix, "stream-prefix", "", "show only streams whose names begin with this `text`")
	flags.Var(config.Choice(&c.Selector, archive.Selector.String, archive.ByProducer, archive.ByServer), "timestamps",
		"clock that starts and ends refer to: the producer's or the server's")
}

func (c *Config) bindCache(flags *pflag.FlagSet) {
	flags.StringVar(&c.CacheDir, "cache-dir", "", "`directory` for footage that was read (default: clipfs in the user's cache directory, "+
		"without HOME "+SystemCacheDir+")")
	flags.Var(config.Size(&c.CacheSize, 1), "cache-size", "the most that the cache takes of the disk, such as 10GiB")
	flags.Var(config.ShareValue(&c.MinFree), "cache-min-free", "how much of the disk to leave free, such as 5% or 20GiB; 0 for nothing")
	flags.Var(config.Age(&c.MaxAge), "cache-max-age", "how old cached footage may get, such as 7d (default, and at most: what the stream retains)")
	flags.Var(config.Size(&c.Memory, 0), "memory", "how much memory to use for footage in use when the disk has no space for it; 0 for none")
}

func (c *Config) bindClips(flags *pflag.FlagSet) {
	flags.Var(config.Zone(&c.Zone), "timezone", "`zone` of starts that do not name one, such as Europe/Berlin")
	flags.Var(config.Names(&c.BasicNames), "names", "how starts are listed: extended (2024-01-01T10:00) or basic (20240101T1000)")
	flags.Var(config.Positive(&c.MetadataTTL), "metadata-ttl", "how long a listing is used before the service is asked again")
	flags.Var(config.Positive(&c.Gap), "gap", "shortest pause that counts as a gap")
	flags.Var(config.Choice(&c.Gaps, clip.GapPolicy.String, clip.CloseGaps, clip.KeepGaps), "gaps",
		"gaps inside a clip: close them, or keep the time of day")
	flags.Var(config.Choice(&c.Unservable, clip.UnservablePolicy.String, clip.RefuseUnservable, clip.SkipUnservable), "unservable",
		"clips with fragments of which the service makes no MP4: refuse the clip, or skip the fragments")
	flags.IntVar(&c.ListDays, "list-days", c.ListDays, "how many `days` back from now to search for footage when a stream is listed")
	flags.Var(listed(&c.Listed), "list", "what directories list, in `words` with commas: minutes, hours or days (the finest directories), lengths such as 10m, "+
		"extensions such as json, runs; \"hours\" lists one file an hour (default: all of it)")
	flags.BoolVar(&c.ExactSizes, "exact-sizes", false, "make ls -l and the like wait for exact sizes, which costs what opening each clip costs: "+
		"for programs that trust a size from before they open a file (tar, cpio, rclone, SMB, NFS, WebDAV)")
}

func (c *Config) bindFetching(flags *pflag.FlagSet) {
	flags.Var(config.Positive(&c.ReadTimeout), "read-timeout", "how long a read waits without progress before it fails")
	flags.Var(config.Positive(&c.Part), "part", "how much one GetClip call fetches of a clip of up to an hour that takes many calls")
	flags.Var(config.Positive(&c.Segment), "segment", "about how long segments of playlists are; ffmpeg seeks right in segments below 10s")
	flags.Var(config.Size(&c.Eager, 0), "eager", "prefetch the rest of an open clip once at most this much is uncached; 0 for only what is read")
	flags.Var(config.Size(&c.ReadAhead, 0), "read-ahead", "how much to prefetch for a program that reads front to back; 0 for nothing")
	flags.IntVar(&c.Connections, "connections", c.Connections, "how many `downloads` run at once")
	flags.Var(config.Size(&c.MaxOpenFetch, 1), "max-open-fetch", "how much opening a clip may fetch where the service sends moov last")
	flags.Var(config.Duration(&c.MaxOpenWait), "max-open-wait",
		"how long an open may take, such as 10s; then it fails with ETIMEDOUT and goes on in the background; 0 for no limit")
	flags.Var(fetchLimit(&c.FetchLimit), "fetch-limit", "how much to fetch in an hour, a day or a month (UTC), such as 50GiB/day; beyond it only the cache is read")
	flags.Var(config.Rate(&c.BandwidthLimit), "bandwidth-limit", "how many `bytes` a second all downloads take together, such as 20MB/s; 0 for no limit")
}

func (c *Config) bindStills(flags *pflag.FlagSet) {
	flags.Var(config.OnOff(&c.Stills), "stills", "make the picture of an instant, STREAM/2024-01-01T10:07:30.jpg, by GetImages")
	flags.IntVar(&c.StillWidth, "still-width", c.StillWidth, "how many `pixels` wide the picture of an instant is; 0 for as wide as the stream")
	flags.Var(config.Price(&c.PriceImage), "price-image", "what an image costs that GetImages makes, such as 0.00001, for the estimates in metrics and status")
}

func (c *Config) bindAccess(flags *pflag.FlagSet) {
	flags.BoolVar(&c.AllowOther, "allow-other", false, "let other users see the mount too; without root this needs user_allow_other in /etc/fuse.conf")
	flags.Var(id(&c.Owner.UID), "uid", "`number` of the user that owns everything (default: the user that mounts)")
	flags.Var(id(&c.Owner.GID), "gid", "`number` of the group that owns everything (default: that of the user that mounts)")
	flags.Var(mode(&c.Owner.FileMode), "file-mode", "permission bits of files, in octal (default 0444)")
	flags.Var(mode(&c.Owner.DirMode), "dir-mode", "permission bits of directories, in octal (default 0555)")
	flags.Var(programs(&c.Deny, fs.DefaultDeny), "deny", "programs that may list but not open files, by `name`: several with commas; default stands for those shown here, none for none")
	flags.Var(programs(&c.Copiers, prefetch.DefaultCopiers), "copiers",
		"programs that read each file whole, by `name`, as --deny has them: media comes while they open a clip, of the first up to twice --read-ahead")
	flags.Var(config.Choice(&c.Passthrough, passthroughWord, true, false), "passthrough",
		"whether the kernel reads cached clips of one part by itself: auto where it can, as root from Linux 6.9, or off")
	flags.StringVar(&c.Source, "fsname", "", "what the table of mounts shows as the source")
	_ = flags.MarkHidden("fsname") // for mount(8)
}

// passthroughWord is what --passthrough calls it.
func passthroughWord(on bool) string {
	if on {
		return "auto"
	}
	return "off"
}

func (c *Config) bindProcess(flags *pflag.FlagSet) {
	flags.BoolVar(&c.Daemon, "daemon", false, "serve in the background: return when the mount serves, or why it does not")
	flags.StringVar(&c.LogFile, "log-file", "", "append the log to a `file` (default: stderr; with --daemon syslog)")
	flags.Var(config.Duration(&c.Grace), "grace", "how long to serve open files after the signal to end; 0 for not at all")
	flags.Var(address(&c.Metrics), "metrics", "serve Prometheus metrics and /healthz at `HOST:PORT`, such as 127.0.0.1:9464; without HOST only to this machine (default: nowhere)")
	flags.Var(config.Price(&c.Price), "price", "what a gigabyte of fetched media costs, such as 0.0085, for the estimates in metrics and status")
	bindPrices(flags, &c.PriceShared)
	flags.Var(config.Choice(&c.LogFormat, func(f logs.Format) string { return string(f) }, logs.Text, logs.JSON), "log-format", "format of log lines: text or json")
	flags.Var(config.Level(&c.LogLevel), "log-level", "how much to log; debug logs each operation")
	flags.StringVar(&c.PprofDir, "pprof-dir", "", "write profiles of this process to a `directory`")
	_ = flags.MarkHidden("pprof-dir") // for clipbench
}
