package mount

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"clipfs/clip/kvs"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/notify"
	"clipfs/cmd/internal/metrics"
	"clipfs/fs/tree"
	"clipfs/fs/web"
)

// DefaultAddress is where clipfs serve listens unless it is told.
const DefaultAddress = "127.0.0.1:8080"

// Web is what serving over HTTP is told. The flags say what each field means.
type Web struct {
	Address      string
	Auth         string
	NoAuth       bool
	InsecureAuth bool
	Certificate  string
	Key          string
	Hosts        []string
	BasePath     string
	CORS         string
	Opens        int
	WarnBytes    int64
}

func (o *Web) bind(flags *pflag.FlagSet) {
	flags.StringVar(&o.Auth, "auth", "", "over HTTP, let in only the names and passwords of this `file`, as htpasswd -B writes it")
	flags.BoolVar(&o.NoAuth, "no-auth", false, "over HTTP, let in everybody who reaches an address of other machines too")
	flags.BoolVar(&o.InsecureAuth, "insecure-auth", false, "take passwords without encryption from other machines, where the network is trusted or a proxy encrypts")
	flags.StringVar(&o.Certificate, "tls-cert", "", "encrypt HTTP with the certificate in this PEM `file`; it may be renewed at any time")
	flags.StringVar(&o.Key, "tls-key", "", "PEM `file` with the key of --tls-cert")
	flags.StringArrayVar(&o.Hosts, "host", nil, "`name` under which HTTP is asked for, beside localhost and addresses; repeat it for more")
	flags.StringVar(&o.BasePath, "base-path", "", "`path` that a proxy in front has before all others, such as /cameras")
	flags.StringVar(&o.CORS, "cors", "", "`origin` whose web pages may read, such as https://site.example; * for all")
	flags.Var(config.Size(&o.WarnBytes, 0), "warn-bytes", "how much saving a marked span may fetch before the page says so, such as 500MB")
	flags.IntVar(&o.Opens, "opens", o.Opens, "how many `files` are opened at once for one HTTP client while they wait for the service")
}

// SetAddress takes HOST:PORT; without a host it is this machine only.
func (o *Web) SetAddress(text string) error {
	if err := address(&o.Address).Set(text); err != nil {
		return config.Usagef("%v", err)
	}
	return nil
}

// check says what is wrong with values that a flag alone cannot judge. Footage is shown to nobody else by mistake.
func (o *Web) check() error {
	switch {
	case (o.Certificate == "") != (o.Key == ""):
		return config.Usagef("--tls-cert and --tls-key belong together")
	case o.BasePath != "" && (!strings.HasPrefix(o.BasePath, "/") || strings.HasSuffix(o.BasePath, "/")):
		return config.Usagef("--base-path %q: want a path such as /cameras", o.BasePath)
	case o.Opens < 1:
		return config.Usagef("--opens %d: want at least 1", o.Opens)
	case o.Auth != "" && o.NoAuth:
		return config.Usagef("--auth and --no-auth exclude each other")
	case o.Address == "" || isLoopback(o.Address):
		return nil
	case o.Auth == "" && !o.NoAuth:
		return config.Usagef("%s can be reached by other machines: say who may look with --auth FILE, or --no-auth for everybody", o.Address)
	case o.Auth != "" && o.Certificate == "" && !o.InsecureAuth:
		return config.Usagef("%s takes passwords without encryption: encrypt with --tls-cert and --tls-key, or --insecure-auth where a proxy does", o.Address)
	}
	return nil
}

// isLoopback tells whether only this machine reaches an address. A name is taken for one of other machines, but for localhost.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "" || host == "localhost" || ip != nil && ip.IsLoopback()
}

// serve serves a tree over HTTP until ctx ends or end is called, if that is wanted, and gives where. What is under way then has until
// grace is over.
func (c *Config) serve(ctx context.Context, t *tree.Tree, counted *metrics.Metrics, logger *slog.Logger) (url string, end func() error, err error) {
	o := &c.Web
	if o.Address == "" {
		return "", func() error { return nil }, nil
	}
	handler, err := web.New(t, web.Options{
		Logger: logger, Observer: counted, Hosts: o.Hosts, BasePath: o.BasePath, Passwords: o.Auth, CORS: o.CORS, Opens: o.Opens,
		ExactSizes: c.ExactSizes, WarnBytes: o.WarnBytes, NoStills: !c.Stills,
	})
	if err != nil {
		return "", nil, err
	}
	server, err := web.Listen(ctx, handler, web.ListenOptions{Address: o.Address, Certificate: o.Certificate, Key: o.Key, Logger: logger})
	if err != nil {
		return "", nil, err
	}
	if !isLoopback(o.Address) && o.NoAuth {
		logger.Warn("FOOTAGE CAN BE SEEN BY EVERYBODY WHO REACHES THIS ADDRESS, as --no-auth says", "address", o.Address)
	}
	url = server.URL() + o.BasePath + "/"
	logger.Info("serving", "url", url)
	return url, closedBy(ctx, func() error { return server.Close(c.Grace) }), nil
}

// RunWeb serves over HTTP, without a mount, until ctx ends. With Daemon a process in the background does.
func RunWeb(ctx context.Context, c Config, stderr io.Writer) error {
	p := &process{Config: c, stderr: stderr}
	return p.logged(ctx, func(log io.Writer) error {
		return p.prepare(ctx, log, func(logger *slog.Logger) (work, error) {
			return func(service *kvs.Archive, counted *metrics.Metrics) error {
				return p.serveWeb(ctx, service, counted, logger)
			}, nil
		})
	})
}

// serveWeb puts a tree on an archive and serves it.
func (p *process) serveWeb(ctx context.Context, service *kvs.Archive, counted *metrics.Metrics, logger *slog.Logger) error {
	return p.ServeWeb(ctx, service, counted, logger, func(parts *Assembly, _ string) (end func(), err error) {
		return greet(ctx, parts.Library, logger), p.ready()
	})
}

// ServeWeb puts a tree on an archive and serves it over HTTP until ctx ends. ready is told where once it is there, and gives what
// is called at the end; its error ends it at once.
func (c *Config) ServeWeb(ctx context.Context, service *kvs.Archive, counted *metrics.Metrics, logger *slog.Logger,
	ready func(parts *Assembly, url string) (end func(), err error)) (err error) {
	manager := notify.New(logger)
	c.Passthrough = false // there is no mount
	parts, err := c.assemble(ctx, service, logger, manager)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.Close()) }()
	sources := c.sources(service, parts)
	sources.Alive = func() error { return nil }
	counted.Attach(sources)
	url, end, err := c.serve(ctx, tree.New(parts.Library, tree.Options{Logger: logger, Stills: parts.Stills, Segment: c.Segment}), counted, logger)
	if err != nil {
		return err
	}
	defer parts.index()()
	ended, err := ready(parts, url)
	defer ended()
	if err != nil {
		return errors.Join(err, end())
	}
	manager.Ready("serving " + c.Web.Address)
	<-ctx.Done()
	manager.Stopping("answering what was asked", c.Grace+leaveMargin)
	service.GiveUp()
	if err := parts.media.Leave(time.Now().Add(c.Grace)); err != nil {
		logger.Warn("the next one will not wait for the cache directory", "cause", err)
	}
	if err := end(); err != nil {
		return fmt.Errorf("end: %w", err)
	}
	logger.Info("ended")
	return nil
}
