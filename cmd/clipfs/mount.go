package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/kvs"
	"clipfs/cmd/clipfs/internal/notify"
	"clipfs/cmd/internal/logs"
	"clipfs/fs"
	"clipfs/fs/mountinfo"
	"clipfs/fs/tree"
)

const (
	// credentialsTimeout bounds the search for credentials, which can ask a network that is not there.
	credentialsTimeout = 30 * time.Second
	// greetingTimeout bounds the first call, which only serves to warn early.
	greetingTimeout = 30 * time.Second
)

// mountName is the name of the command.
const mountName = "mount"

// mountFlags are the flags of clipfs mount.
type mountFlags struct {
	endpointURL string
	insecure    bool
	cacheDir    string
	cacheSize   byteSize
	minFree     share
	maxAge      age
	memory      byteSize
	zone        zone
	names       names
	selector    selector
	metadataTTL positive
	readTimeout positive
	gap         positive
	gaps        gaps
	unservable  unservable
	part        positive
	eager       byteSize
	readAhead   byteSize
	connections int
	openFetch   byteSize
	openWait    duration
	listDays    int
	list        listed
	exactSizes  bool
	streams     []string
	prefix      string
	allowOther  bool
	access      accessFlags
	service     serviceFlags
	limits      limitFlags
	observe     observeFlags
	pprofDir    string

	// told is what the status tells of the flags, by name.
	told map[string][]string
}

// defaultMountFlags gives the flags as they are where none is set.
func defaultMountFlags() mountFlags {
	return mountFlags{
		cacheSize: cache.DefaultMaxBytes, minFree: share{percent: defaultMinFree}, memory: defaultMemory, metadataTTL: positive(time.Minute), readTimeout: positive(time.Minute),
		gap: positive(archive.DefaultGap), part: positive(clip.DefaultPart), eager: clip.DefaultEager, readAhead: clip.DefaultReadAhead,
		connections: clip.DefaultConnections, openFetch: clip.DefaultMaxOpenFetch, listDays: clip.DefaultListDays,
		access: defaultAccessFlags(), service: defaultServiceFlags(),
	}
}

// mountCommand is clipfs mount, of a program that was run with args.
func mountCommand(programArgs []string) *cobra.Command {
	f := defaultMountFlags()
	f.service.args = programArgs
	printed := false
	cmd := &cobra.Command{
		Use:   mountName + " [flags] MOUNTPOINT",
		Short: "Mount the streams of an account and region on an empty directory",
		Long: `Mount the streams of an account and region on an empty directory, and serve them until interrupted (SIGINT,
SIGTERM) or unmounted, in the foreground or with --daemon in the background. When interrupted it takes the mount out of the tree, so that another can take its place, and serves
what is open for as long as --grace says; a second signal ends it at once.

Credentials, region and profile come from the AWS SDK's default chain: AWS_PROFILE, AWS_REGION, AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY, ~/.aws, or the role of the host. Without any it does not start. A service that cannot be reached
does not keep it from starting: the mount works as soon as the service does.`,
		Example: `  clipfs mount /mnt/cameras
  clipfs mount --endpoint-url http://127.0.0.1:4580 --cache-size 50GiB /mnt/cameras
  clipfs mount --config /etc/clipfs.yaml --print-config`,
		Args: func(cmd *cobra.Command, args []string) error {
			if printed {
				return cobra.MaximumNArgs(1)(cmd, args)
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		ValidArgsFunction: completeDirectory,
		RunE: func(cmd *cobra.Command, args []string) error {
			if printed {
				return f.print(cmd)
			}
			f.told = toldSettings(cmd)
			return f.service.launch(cmd.Context(), cmd.ErrOrStderr(), func(log io.Writer) error {
				return f.run(cmd.Context(), log, args[0])
			})
		},
	}
	f.bind(cmd)
	cmd.Flags().BoolVar(&printed, printConfigFlag, false, "show what is in force and where it comes from, as a file of settings, and mount nothing")
	withConfig(cmd)
	return cmd
}

// print shows the flags as a file of settings. What the mount would refuse is refused here too.
func (f *mountFlags) print(cmd *cobra.Command) error {
	if _, err := f.options(slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	if dir, err := defaultCacheDir(); f.cacheDir == "" && err == nil {
		f.cacheDir = dir
	}
	return printConfig(cmd, cmd.OutOrStdout())
}

// bind makes the flags.
func (f *mountFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.endpointURL, "endpoint-url", "", "`URL` of the control API, for an emulator (default what the SDK finds)")
	flags.BoolVar(&f.insecure, "insecure-endpoint", false, "let calls go unencrypted to another machine")
	flags.StringVar(&f.cacheDir, "cache-dir", "", "`directory` for footage that was read (default clipfs in the user's cache directory, "+
		"without HOME "+systemCacheDir+")")
	flags.Var(&f.cacheSize, "cache-size", "how much of the disk to use for it, such as 10GiB")
	flags.Var(&f.minFree, "cache-min-free", "how much of the disk to leave free, such as 5% or 20GiB; 0 for nothing")
	flags.Var(&f.maxAge, "cache-max-age", "how old footage in the cache may be, such as 7d (default and at most what the stream retains)")
	flags.Var((*byteSizeOrNone)(&f.memory), "memory", "how much memory to use for footage in use that the disk has no space for; 0 for none")
	flags.Var(&f.zone, "timezone", "`zone` of starts that do not name one, such as Europe/Berlin")
	flags.Var(&f.names, "names", "how starts are listed: extended (2024-01-01T10:00) or basic (20240101T1000)")
	flags.Var(&f.selector, "timestamps", "clock that starts and ends refer to: the producer's or the server's")
	flags.Var(&f.metadataTTL, "metadata-ttl", "how long what is listed is believed")
	flags.Var(&f.readTimeout, "read-timeout", "how long to wait without progress before a read fails")
	flags.Var(&f.gap, "gap", "how long nothing is recorded where a gap is")
	flags.Var(&f.gaps, "gaps", "what becomes of gaps in a clip: close them, or keep the clock")
	flags.Var(&f.unservable, "unservable", "what becomes of a clip in which the service makes no MP4 of some fragments: refuse it, or skip them")
	flags.Var(&f.part, "part", "how much one GetClip call brings of a clip of up to an hour that takes many")
	flags.Var((*byteSizeOrNone)(&f.eager), "eager", "fetch all of an open clip of which no more than this is missing; 0 for what is read only")
	flags.Var((*byteSizeOrNone)(&f.readAhead), "read-ahead", "how much to fetch ahead of who reads front to back; 0 for nothing")
	flags.IntVar(&f.connections, "connections", f.connections, "how many `downloads` run at once")
	flags.Var(&f.openFetch, "max-open-fetch", "how much opening a clip may fetch where the service sends moov last")
	flags.Var(&f.openWait, "max-open-wait", "how long opening a clip may take before it fails with ETIMEDOUT and goes on in the background, such as 10s; 0 for as long as it takes")
	flags.IntVar(&f.listDays, "list-days", f.listDays, "how many `days` back from now are looked at for footage when a stream is listed")
	flags.Var(&f.list, "list", "what directories list, in `words` with commas: minutes, hours or days (the finest directories), lengths such as 10m, "+
		"extensions (mp4, json); \"hours\" lists one file an hour (default all of it)")
	flags.BoolVar(&f.exactSizes, "exact-sizes", false, "have ls -l and the like wait for exact sizes, which costs what opening each clip costs: for programs that trust "+
		"a size from before they open a file (tar, cpio, rclone, SMB, NFS, WebDAV)")
	flags.StringArrayVar(&f.streams, "stream", nil, "show only the stream of this `name`; repeat it for more. Streams need not be listed then")
	flags.StringVar(&f.prefix, "stream-prefix", "", "show only streams whose names begin with this `text`")
	flags.BoolVar(&f.allowOther, "allow-other", false, "let other users see the mount too; who is not root needs user_allow_other in /etc/fuse.conf")
	f.access.bind(cmd)
	f.service.bind(cmd)
	f.limits.bind(cmd)
	f.observe.bind(cmd)
	flags.StringVar(&f.pprofDir, "pprof-dir", "", "write profiles of this process to a `directory`")
	_ = flags.MarkHidden("pprof-dir") // for clipbench
}

// run mounts and serves until ctx ends or the mount is taken away.
func (f *mountFlags) run(ctx context.Context, log io.Writer, path string) (err error) {
	relay := logs.NewRelay(log, f.observe.format)
	defer relay.Close()
	logger := f.observe.logger(relay)
	if err := checkPrerequisites(); err != nil {
		return err
	}
	if f.cacheDir == "" {
		if f.cacheDir, err = defaultCacheDir(); err != nil {
			return err
		}
	}
	if f.cacheDir, err = filepath.Abs(f.cacheDir); err != nil { // a process in the background changes its directory
		return err
	}
	profiled, err := profile(f.pprofDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, profiled()) }()
	mountpoint, err := checkMountpoint(path, f.cacheDir, logger)
	if err != nil {
		return err
	}
	warnUnseen(mountpoint, logger)
	service, err := f.archive(ctx, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.Close()) }()
	unobserved, err := f.observe.serve(ctx, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unobserved()) }()
	return f.serve(ctx, service, mountpoint, logger, func(s *serving) error {
		greeted := greet(ctx, s.library, logger)
		defer greeted()
		if err := f.service.ready(os.Stderr); err != nil {
			return errors.Join(err, s.server.Detach())
		}
		return s.until(ctx)
	})
}

// defaultCacheDir gives the cache directory of whoever runs this, the system's where that is nobody, as at boot.
func defaultCacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	switch {
	case err == nil:
		return filepath.Join(dir, "clipfs"), nil
	case os.Getenv("HOME") == "" && os.Getenv("XDG_CACHE_HOME") == "":
		return systemCacheDir, nil
	}
	return "", fmt.Errorf("no place for the cache: set --cache-dir (%w)", err)
}

// systemCacheDir is where a mount keeps footage that is no user's.
const systemCacheDir = "/var/cache/clipfs"

// options gives what the flags say about clips.
func (f *mountFlags) options(logger *slog.Logger) (clip.Options, error) {
	o := clip.Options{
		Logger:       logger,
		Selector:     archive.Selector(f.selector),
		Grammar:      clip.Grammar{Location: f.zone.location, Basic: bool(f.names)},
		MetadataTTL:  time.Duration(f.metadataTTL),
		ReadTimeout:  time.Duration(f.readTimeout),
		Gap:          time.Duration(f.gap),
		Gaps:         clip.GapPolicy(f.gaps),
		Unservable:   clip.UnservablePolicy(f.unservable),
		Part:         time.Duration(f.part),
		Eager:        orNone(f.eager),
		ReadAhead:    orNone(f.readAhead),
		Connections:  f.connections,
		MaxOpenFetch: int64(f.openFetch),
		MaxOpenWait:  time.Duration(f.openWait),
		ListDays:     f.listDays,
		Listed:       f.list.clip,
		StreamPrefix: f.prefix,
		TimelineDir:  filepath.Join(f.cacheDir, "timeline"),
	}
	f.limits.apply(&o, f.cacheDir)
	if f.listDays < 0 {
		return o, &usageError{fmt.Errorf("--list-days %d: want a number of days", f.listDays)}
	}
	if f.connections < 1 {
		return o, &usageError{fmt.Errorf("--connections %d: want at least 1", f.connections)}
	}
	for _, s := range f.streams {
		name := archive.StreamName(s)
		if !name.Valid() {
			return o, &usageError{fmt.Errorf("--stream %q: not the name of a stream", s)}
		}
		o.Streams = append(o.Streams, name)
	}
	return o, nil
}

// archive gives the archive that the environment leads to. It fails where there are no credentials or no region: nothing
// would ever work then.
func (f *mountFlags) archive(ctx context.Context, logger *slog.Logger) (*kvs.Archive, error) {
	ctx, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	cfg, err := kvs.LoadConfig(ctx, kvs.ConfigOptions{EndpointURL: f.endpointURL})
	if err != nil {
		return nil, err
	}
	stall := clip.StallAfter(time.Duration(f.readTimeout))
	service, err := kvs.New(cfg, kvs.Options{Logger: logger, Observer: f.observe.metrics(), Stall: stall, InsecureEndpoint: f.insecure})
	if errors.Is(err, kvs.ErrInsecure) {
		err = &usageError{fmt.Errorf("%w: use https, or --insecure-endpoint where the network is trusted", err)}
	}
	return service, err
}

// serve mounts an archive for as long as work takes, which unmounts it.
func (f *mountFlags) serve(ctx context.Context, service archive.Service, mountpoint string, logger *slog.Logger,
	work func(*serving) error) (err error) {
	manager := notify.New(logger)
	media, heads := f.budgets(logger)
	kept, err := openCache(ctx, f.cacheDir, media, manager)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	options, err := f.options(logger)
	if err != nil {
		return err
	}
	shown, err := f.shown(logger)
	if err != nil {
		return err
	}
	heads.Beside = kept
	options.Heads, err = cache.Open(filepath.Join(f.cacheDir, headsDir), heads)
	if err != nil {
		return fmt.Errorf("cache directory %s: %w", f.cacheDir, err)
	}
	defer func() { err = errors.Join(err, options.Heads.Close()) }()
	if told, ok := service.(interface {
		OpenQuota(archive.StreamName) (atOnce, perSecond float64)
	}); ok {
		options.OpenQuota = told.OpenQuota
	}
	library := clip.NewLibrary(service, kept, options)
	entries := tree.New(library, tree.Options{Logger: logger, Status: f.observe.metrics().StatusText})
	server, err := fs.Mount(mountpoint, entries, shown)
	if err != nil {
		return err
	}
	f.tell(service, library, kept, options.Heads, server)
	logger.Info("serving", "mountpoint", server.Mountpoint(), "cache", f.cacheDir)
	index := time.AfterFunc(indexAfter, func() {
		kept.Begin()
		options.Heads.Begin()
	})
	defer index.Stop()
	mounted, _ := mountinfo.Find(server.Mountpoint()) // for what is told of it later
	serves := &serving{mount: mounted, server: server, library: library, cache: kept, logger: logger, manager: manager, grace: time.Duration(f.service.grace)}
	if waits, ok := service.(interface{ GiveUp() }); ok {
		serves.giveUp = waits.GiveUp
	}
	return work(serves)
}

// shown gives what the flags say about who sees the mount.
func (f *mountFlags) shown(logger *slog.Logger) (fs.Options, error) {
	owner, err := f.access.owner()
	return fs.Options{
		Logger: logger, AllowOther: f.allowOther, Owner: owner, Deny: f.access.deny.names, Source: f.service.source,
		Observer: f.observe.metrics(), ExactSizes: f.exactSizes,
	}, err
}

// budgets gives the options of both caches: a small part of --cache-size is for the heads of payloads, which are worth more
// than the media.
func (f *mountFlags) budgets(logger *slog.Logger) (media, heads cache.Options) {
	small := int64(f.cacheSize) / headsShare
	media = cache.Options{
		MaxBytes: int64(f.cacheSize) - small, MinFree: f.minFree.bytes, MinFreePercent: f.minFree.percent,
		MemoryBytes: int64(f.memory), MaxAge: time.Duration(f.maxAge), Lazy: true, Logger: logger,
	}
	heads = cache.Options{MaxBytes: small, MaxAge: time.Duration(f.maxAge), Linger: headsLinger, Lazy: true, Logger: logger}
	return media, heads
}

const (
	// headsShare is which part of the cache is for heads: a 24 h clip of 30 pictures a second has 60 MB of them.
	headsShare = 10
	// headsLinger is how long a head is waited for that nobody wants any more.
	headsLinger = time.Second
	// indexAfter is how long after the mount is there the caches read what they have, unless a clip is asked for before.
	indexAfter = 200 * time.Millisecond
	// headsDir is where the heads are, in the cache directory.
	headsDir = "heads"
	// defaultMinFree is in percent.
	defaultMinFree = 5
	defaultMemory  = 256 << 20
)

// greet asks for the streams once, in the background, so that what is wrong with the service or with permissions is in
// the log from the start. The function it gives ends that and waits for it.
func greet(ctx context.Context, library *clip.Library, logger *slog.Logger) (end func()) {
	ctx, cancel := context.WithTimeout(archive.WithOperation(ctx, archive.Operation{Brief: true}), greetingTimeout)
	done := make(chan struct{})
	go func() {
		defer close(done)
		streams, err := library.Streams(ctx)
		switch {
		case err == nil:
			logger.Debug("archive answers", "streams", len(streams))
		case errors.Is(ctx.Err(), context.Canceled): // nobody wants to know any more
		default:
			logger.Warn("the archive does not list its streams now; mounted all the same", "cause", err)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
