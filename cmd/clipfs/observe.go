package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"strconv"
	"sync"

	"github.com/spf13/cobra"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/kvs"
	"clipfs/cmd/internal/logs"
	"clipfs/cmd/internal/metrics"
	"clipfs/fs"
)

// observeFlags say what is told of a mount's doings, and where.
type observeFlags struct {
	address metricsAddress
	price   price
	format  logs.Format
	level   level

	// counted is what counts, once it was asked for.
	counted *metrics.Metrics
}

// bind makes the flags.
func (f *observeFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var(&f.address, "metrics", "serve Prometheus metrics and /healthz at `HOST:PORT`, such as 127.0.0.1:9464; without HOST on this machine only (default nowhere)")
	flags.Var(&f.price, "price", "what a gigabyte of fetched media costs, such as 0.0085, for the estimates in metrics and status")
	flags.Var(&f.format, "log-format", "how lines of the log look: text or json")
	flags.Var(&f.level, "log-level", "how much to log on stderr; debug logs each operation")
}

// logger gives the logger.
func (f *observeFlags) logger(w io.Writer) *slog.Logger {
	return logs.New(w, f.format, slog.Level(f.level))
}

// metrics gives what counts, always the same. It counts whether it is served or not: the status on the mount tells of it
// too.
func (f *observeFlags) metrics() *metrics.Metrics {
	if f.counted == nil {
		f.counted = metrics.New(metrics.Options{Price: float64(f.price)})
	}
	return f.counted
}

// serve serves metrics if that is wanted, until ctx ends. What it gives ends that too.
func (f *observeFlags) serve(ctx context.Context, logger *slog.Logger) (end func() error, err error) {
	if f.address == "" {
		return func() error { return nil }, nil
	}
	server, err := metrics.Listen(ctx, string(f.address), f.metrics(), logger)
	if err != nil {
		return nil, err
	}
	// The port is free as soon as the mount is told to end, for one that starts while this one serves what is open.
	closed := sync.OnceValue(server.Close)
	stop := context.AfterFunc(ctx, func() { _ = closed() }) // end gives the error
	return func() error {
		stop()
		return closed()
	}, nil
}

// tell has metrics and the status ask the parts of a mount.
func (f *mountFlags) tell(service archive.Service, library *clip.Library, media, heads *cache.Cache, server *fs.Server) {
	told := map[string][]string{"cache-dir": {f.cacheDir}} // also where it is the default of the one who mounts
	for name, values := range f.told {
		if name != "cache-dir" {
			told[name] = values
		}
	}
	s := metrics.Sources{
		Settings: told, Profile: os.Getenv(profileVariable),
		Mountpoint: server.Mountpoint(), Alive: server.Alive, Denials: server.Denials,
		Library: library.Stats, Fetched: library.Fetched, Media: media.Stats, Heads: heads.Stats,
	}
	if a, ok := service.(*kvs.Archive); ok {
		s.Quotas, s.Region = a.Quotas, a.Region()
	}
	f.observe.metrics().Attach(s)
}

// metricsAddress is a flag with HOST:PORT.
type metricsAddress string

// String implements pflag.Value.
func (v *metricsAddress) String() string { return string(*v) }

// Set implements pflag.Value.
func (v *metricsAddress) Set(s string) error {
	if s == "" {
		*v = ""
		return nil
	}
	_, port, err := net.SplitHostPort(s)
	if n, numErr := strconv.ParseUint(port, 10, 16); err != nil || numErr != nil || n > math.MaxUint16 {
		return fmt.Errorf("%q: want HOST:PORT, such as 127.0.0.1:9464", s)
	}
	*v = metricsAddress(s)
	return nil
}

// Type implements pflag.Value.
func (v *metricsAddress) Type() string { return "HOST:PORT" }

// price is a flag with an amount of money, of whatever currency; 0 is none.
type price float64

// String implements pflag.Value.
func (v *price) String() string { return strconv.FormatFloat(float64(*v), 'f', -1, 64) }

// Set implements pflag.Value.
func (v *price) Set(s string) error {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n < 0 || math.IsInf(n, 0) || math.IsNaN(n) {
		return fmt.Errorf("%q: want an amount of money, such as 0.0085", s)
	}
	*v = price(n)
	return nil
}

// Type implements pflag.Value.
func (v *price) Type() string { return "amount" }
