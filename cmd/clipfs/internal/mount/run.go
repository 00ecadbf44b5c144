package mount

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/kvs"
	"clipfs/cmd/clipfs/internal/background"
	"clipfs/cmd/internal/logs"
	"clipfs/cmd/internal/metrics"

	"golang.org/x/term"
)

// greetingTimeout bounds the first call, which only serves to warn early.
const greetingTimeout = 30 * time.Second

const programName = "clipfs"

// process is the process of a mount: this one, or one in the background.
type process struct {
	Config
	stderr io.Writer
	// background is this process if it runs in the background, crashes is what replaces its stderr.
	background *background.Process
	crashes    *os.File
	// unlogged says that there is no syslog.
	unlogged bool
}

// Run mounts and serves until ctx ends or the mount is taken away. With Daemon a process in the background does.
func Run(ctx context.Context, c Config, stderr io.Writer, mountpoint string) error {
	p := &process{Config: c, stderr: stderr}
	return p.logged(ctx, func(log io.Writer) error { return p.run(ctx, log, mountpoint) })
}

// logged runs a process with its log, or has one in the background run with Daemon.
func (p *process) logged(ctx context.Context, run func(log io.Writer) error) error {
	if p.Daemon {
		if p.background = background.Inherited(); p.background == nil {
			return background.Start(ctx, p.stderr, programName, p.Args...)
		}
	}
	log, end, err := p.openLog()
	if err != nil {
		return err
	}
	err = run(log)
	if err != nil && p.background != nil { // stderr may have no reader any more
		_, _ = fmt.Fprintf(log, "level=ERROR msg=%q\n", logs.OneLine(err))
	}
	return errors.Join(err, end())
}

func (p *process) openLog() (log io.Writer, end func() error, err error) {
	none := func() error { return nil }
	switch {
	case p.LogFile != "":
		path, err := filepath.Abs(p.LogFile)
		if err != nil {
			return nil, nil, err
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
		if err != nil {
			return nil, nil, fmt.Errorf("log file: %w", err)
		}
		p.crashes = file
		return file, file.Close, nil
	case p.background == nil:
		return p.stderr, none, nil
	}
	syslog, err := background.DialSyslog("", programName)
	if err != nil {
		p.unlogged = true
		return io.Discard, none, nil //nolint:nilerr // ready says so
	}
	return syslog, syslog.Close, nil
}

func (p *process) ready() error {
	if p.background == nil {
		return nil
	}
	if p.unlogged {
		_, _ = fmt.Fprintf(os.Stderr, "%s: warning: there is no syslog here, so nothing is logged: name a --log-file\n", programName)
	}
	return p.background.Ready(p.crashes)
}

// run mounts and serves.
func (p *process) run(ctx context.Context, log io.Writer, path string) error {
	return p.prepare(ctx, log, func(logger *slog.Logger) (work, error) {
		if err := CheckPrerequisites(); err != nil {
			return nil, err
		}
		mountpoint, err := CheckMountpoint(path, p.CacheDir, logger)
		if err != nil {
			return nil, err
		}
		warnUnseen(mountpoint, logger)
		return func(service *kvs.Archive, counted *metrics.Metrics) error {
			return p.Serve(ctx, service, counted, mountpoint, logger, func(s *Serving) error {
				defer greet(ctx, s.library, logger)()
				if err := p.ready(); err != nil {
					return errors.Join(err, s.server.Detach())
				}
				return s.Until(ctx)
			})
		}, nil
	})
}

// work is what a process is for, with an archive and what counts.
type work func(*kvs.Archive, *metrics.Metrics) error

// prepare makes what all processes that serve need, and then does what they are for, which check gives.
func (p *process) prepare(ctx context.Context, log io.Writer, check func(*slog.Logger) (work, error)) (err error) {
	collectSooner()
	if f, ok := log.(*os.File); ok {
		p.terminal = term.IsTerminal(int(f.Fd()))
	}
	relay := logs.NewRelay(log, p.LogFormat)
	defer relay.Close()
	logger := logs.New(relay, p.LogFormat, p.LogLevel)
	if err := errors.Join(p.Web.check(), p.Shared.check(p.InsecureEndpoint)); err != nil {
		return err
	}
	if p.CacheDir == "" {
		if p.CacheDir, err = DefaultCacheDir(); err != nil {
			return err
		}
	}
	if p.CacheDir, err = filepath.Abs(p.CacheDir); err != nil { // a process in the background changes its directory
		return err
	}
	profiled, err := profile(p.PprofDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, profiled()) }()
	do, err := check(logger)
	if err != nil {
		return err
	}
	counted := metrics.New(metrics.Options{Price: p.Price, PriceImage: p.PriceImage, Shared: p.sharedPrices()})
	service, err := p.archive(ctx, logger, counted)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.Close()) }()
	unobserved, err := p.serveMetrics(ctx, counted, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unobserved()) }()
	return do(service, counted)
}

// serveMetrics serves metrics, if they are wanted, until ctx ends or end is called.
func (p *process) serveMetrics(ctx context.Context, counted *metrics.Metrics, logger *slog.Logger) (end func() error, err error) {
	if p.Metrics == "" {
		return func() error { return nil }, nil
	}
	server, err := metrics.Listen(ctx, p.Metrics, counted, logger)
	if err != nil {
		return nil, err
	}
	// The port is free as soon as the mount is told to end, for one that starts while this one serves open files.
	return closedBy(ctx, server.Close), nil
}

// closedBy has something closed when ctx ends, and gives what closes it before and gives the error.
func closedBy(ctx context.Context, closeIt func() error) (end func() error) {
	closed := sync.OnceValue(closeIt)
	stop := context.AfterFunc(ctx, func() { _ = closed() })
	return func() error {
		stop()
		return closed()
	}
}

// greet asks for the streams once, in the background, so that the log tells from the start what is wrong with the service or
// with permissions. end stops that and waits for it.
func greet(ctx context.Context, library *clip.Library, logger *slog.Logger) (end func()) {
	ctx, cancel := context.WithTimeout(archive.WithOperation(ctx, archive.Operation{Brief: true}), greetingTimeout)
	done := make(chan struct{})
	go func() {
		defer close(done)
		streams, err := library.Streams(ctx)
		switch {
		case err == nil:
			logger.Debug("archive answers", "streams", len(streams))
		case errors.Is(ctx.Err(), context.Canceled): // the mount ends
		default:
			logger.Warn("the archive does not list its streams now; mounted all the same", "cause", err)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
