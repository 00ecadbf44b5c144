// Package doctor finds out what is wrong where a mount does not work.
//
// A check (report.go) is a name and a function that returns what it found, or an error with advice. The checks of the machine
// (host.go, cache.go) need nothing of each other. Those of the service (doctor.go, actions.go, clocks.go, clip.go, images.go, mount.go) run in
// order, and those behind one that fails are skipped, with the reason.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/known"
	"clipfs/cmd/clipfs/internal/mount"
	"clipfs/cmd/internal/logs"
	"clipfs/fs"
)

// flags are those of clipfs doctor. Those that it shares with clipfs mount mean the same there.
type flags struct {
	cfg     mount.Config
	timeout time.Duration
	json    bool
}

// Host is the machine as the doctor sees it. What is empty is as it is on this one.
type Host struct {
	// Device is the FUSE device, Conf configures Helper, which mounts for ordinary users, Release is the version of the kernel.
	Device, Conf, Helper, Release string
	// UID is the user that asks.
	UID int
	// Self is the program to mount with.
	Self string
	// Known finds mounts; the zero value knows of none.
	Known known.Machine
}

// Command is clipfs doctor on a machine.
func Command(on Host) *cobra.Command {
	f := flags{cfg: mount.Default(), timeout: 20 * time.Second}
	cmd := &cobra.Command{
		Use:   "doctor [flags] [MOUNTPOINT]",
		Short: "Find out what is wrong: this machine, the cache, the credentials, the service, a clip",
		Long: `Check all that a mount needs, one line each, and say what to do about what is wrong. The exit code is 1 if anything is.

Each action that clipfs needs is tried on one stream: the one that --stream names, else the first that has footage. One
fragment of it, a few seconds of video, is fetched and read, and one picture, unless --stills is off; nothing else costs
anything. Then it is read through a mount,
on a temporary directory or on MOUNTPOINT, an empty one. If MOUNTPOINT is a running clipfs mount, it is read through that,
which may fetch it once more.

The doctor checks the mount on MOUNTPOINT, else the only mount there is. It takes each setting from the first of these that
has it: the command line, the environment, --config, the running mount, /etc/clipfs/NAME.env of a mount that systemd
starts. The check "settings" says what comes from the last two.

The doctor changes nothing and shows no secret.`,
		Example: "  clipfs doctor\n  clipfs doctor --config /etc/clipfs.yaml --json\n  clipfs doctor --stream front-door /mnt/cameras",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			mountpoint := config.Optional(args)
			told, err := f.settle(cmd, on, mountpoint)
			if err != nil {
				return err
			}
			d := &doctor{flags: f, Host: on, stdout: cmd.OutOrStdout(), logger: slog.New(slog.DiscardHandler), mountpoint: mountpoint}
			return d.run(cmd.Context(), told)
		},
	}
	f.bind(cmd)
	return cmd
}

func (f *flags) bind(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringVar(&f.cfg.EndpointURL, "endpoint-url", "", "`URL` of the control API, for an emulator (default: what the SDK finds)")
	set.BoolVar(&f.cfg.InsecureEndpoint, "insecure-endpoint", false, "allow unencrypted calls to another machine")
	set.StringVar(&f.cfg.CacheDir, "cache-dir", "", "`directory` of the cache (default: clipfs in the user's cache directory)")
	set.Var(config.Size(&f.cfg.CacheSize, 1), "cache-size", "the most that the mount's cache takes of the disk")
	set.Var(config.ShareValue(&f.cfg.MinFree), "cache-min-free", "how much of the disk the mount leaves free")
	set.Var(config.Choice(&f.cfg.Selector, archive.Selector.String, archive.ByProducer, archive.ByServer), "timestamps",
		"clock that starts and ends refer to: the producer's or the server's")
	set.StringArrayVar(&f.cfg.Streams, "stream", nil, "try the stream of this `name`; repeated, the first of them that has footage")
	set.Var(config.OnOff(&f.cfg.Stills), "stills", "try GetImages too, which makes the picture of an instant")
	set.BoolVar(&f.cfg.AllowOther, "allow-other", false, "check that other users can be let in")
	set.Var(config.Positive(&f.cfg.Part), "part", "how much of a clip the mount fetches with one call, which hosts that share have to agree on")
	set.Var(config.Positive(&f.cfg.Gap), "gap", "shortest pause that counts as a gap, which hosts that share have to agree on")
	f.cfg.Shared.BindPlace(set)
	config.WithFile(cmd)
	set.Var(config.Positive(&f.timeout), "timeout", "how long one check may take")
	set.BoolVar(&f.json, "json", false, "answer in JSON")
}

type doctor struct {
	flags
	Host
	stdout     io.Writer
	logger     *slog.Logger
	mountpoint string

	findings []finding
	// fetched is how many bytes GetClip gave, in how many calls; images how many images GetImages gave.
	fetched, clips, images atomic.Int64
}

// settle sets flags from the mount that is asked about, unless everything that identifies a mount is set. It gives what to tell
// of that; nil for nothing.
func (f *flags) settle(cmd *cobra.Command, on Host, mountpoint string) (*finding, error) {
	endpoint := cmd.Flags().Changed("endpoint-url") || config.AnySet(config.EndpointVariables())
	region := config.AnySet([]string{"AWS_REGION", "AWS_DEFAULT_REGION"})
	if mountpoint == "" && endpoint && region && cmd.Flags().Changed("cache-dir") {
		return nil, nil //nolint:nilnil // there is nothing to tell
	}
	taken, err := config.TakeKnown(cmd.Context(), cmd, on.Known, mountpoint)
	if err != nil {
		return nil, err
	}
	return settingsFinding(taken), nil
}

func settingsFinding(taken config.Taken) *finding {
	switch {
	case taken.Err != nil:
		return &finding{Check: "settings", Status: statusFailed, Found: logs.OneLine(taken.Err),
			Advice: "ask as root or as the user that mounts; if the mount hangs or is dead: clipfs umount --lazy, and mount again"}
	case len(taken.From) > 0:
		return &finding{Check: "settings", Status: statusOK, Found: strings.Join(taken.From, "; ")}
	}
	return nil
}

// run makes all checks and tells what came of them, after what was found before. It fails if anything is wrong.
func (d *doctor) run(ctx context.Context, before *finding) error {
	if before != nil {
		d.report(*before)
	}
	if err := d.cfg.Check(); err != nil {
		return err
	}
	canMount := d.checkFUSE(ctx)
	d.checkKernel(ctx)
	d.checkPassthrough(ctx)
	d.checkCache(ctx)
	d.checkShared(ctx)
	d.checkArchive(ctx, canMount)
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return d.conclude()
}

// checkArchive makes all checks that ask the service.
func (d *doctor) checkArchive(ctx context.Context, canMount bool) {
	service, ok := d.checkRegion(ctx)
	if !ok {
		d.skipFrom("endpoint", "region")
		return
	}
	defer func() { _ = service.Close() }() // it only closes idle connections
	if !d.checkEndpoint(ctx, service) {
		d.skipFrom("clock", "endpoint")
		return
	}
	listed, ok := d.checkCredentials(ctx, service)
	if !ok {
		d.skipFrom("ListStreams", "credentials")
		return
	}
	if found, ok := d.checkActions(ctx, service, listed); ok {
		d.checkClip(ctx, service, found, canMount)
	}
}

func (d *doctor) checkRegion(ctx context.Context) (*kvs.Archive, bool) {
	var service *kvs.Archive
	ok := d.check(ctx, "region", func(ctx context.Context) (string, error) {
		cfg, err := kvs.LoadConfig(ctx, kvs.ConfigOptions{EndpointURL: d.cfg.EndpointURL, Unchecked: true})
		if err == nil {
			service, err = kvs.New(cfg, kvs.Options{Logger: d.logger, InsecureEndpoint: d.cfg.InsecureEndpoint})
		}
		if err != nil {
			return "", ailing(err, "set AWS_REGION and, where there are several, AWS_PROFILE; look at ~/.aws/config and --endpoint-url; an endpoint on http elsewhere wants --insecure-endpoint")
		}
		return service.Region(), nil
	})
	return service, ok
}

func (d *doctor) checkEndpoint(ctx context.Context, service *kvs.Archive) bool {
	var greeting kvs.Greeting
	ok := d.check(ctx, "endpoint", func(ctx context.Context) (string, error) {
		endpoint, err := service.ControlEndpoint(ctx)
		if err != nil {
			return "", ailing(err, "look at AWS_REGION, AWS_ENDPOINT_URL and --endpoint-url")
		}
		if u, err := url.Parse(endpoint); err == nil {
			endpoint = u.Redacted()
		}
		if greeting, err = service.Greet(ctx); err != nil {
			return "", ailing(fmt.Errorf("%s: %w", endpoint, err),
				"look at the network, proxy, firewall and VPC endpoint on the way there, and at AWS_REGION, AWS_ENDPOINT_URL and --endpoint-url")
		}
		return fmt.Sprintf("%s answers in %s", endpoint, greeting.Took.Round(time.Millisecond)), nil
	})
	if !ok {
		return false
	}
	d.check(ctx, "clock", func(context.Context) (string, error) {
		off := greeting.Ahead.Abs().Round(time.Second)
		switch {
		case !greeting.Dated:
			return "not compared: the endpoint gives no date", nil
		case greeting.Ahead > maxClockOff:
			return "", ailing(fmt.Errorf("%s behind the service's", off), clockAdvice)
		case greeting.Ahead < -maxClockOff:
			return "", ailing(fmt.Errorf("%s ahead of the service's", off), clockAdvice)
		}
		return fmt.Sprintf("within %s of the service's", max(off, time.Second)), nil
	})
	return true
}

const (
	// maxClockOff is how far the clock may be off. Past 5 minutes signatures are refused; what is newest, and what is
	// about to leave retention, is told by the clock long before that.
	maxClockOff = 30 * time.Second
	clockAdvice = "set the clock: timedatectl set-ntp true, or run chrony; a container has the clock of its host"
)

type listing struct {
	streams []archive.Stream
	more    bool
	err     error
}

// maxListed is how many streams are looked through for footage.
const maxListed = 25

// checkCredentials looks for credentials and makes the first call with them, ListStreams, whose answer it gives.
func (d *doctor) checkCredentials(ctx context.Context, service *kvs.Archive) (listing, bool) {
	var listed listing
	ok := d.check(ctx, "credentials", func(ctx context.Context) (string, error) {
		who, err := service.Identity(ctx)
		if err != nil {
			return "", ailing(err, "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the host a role; aws sso login, where that is used")
		}
		text := fmt.Sprintf("key %s from %s", who.Key, who.Source)
		if !who.Expires.IsZero() {
			text += ", until " + who.Expires.UTC().Format(time.RFC3339)
		}
		listed = list(ctx, service)
		if errors.Is(listed.err, archive.ErrCredentials) {
			return "", ailing(fmt.Errorf("%s: %w", text, listed.err),
				"renew them (aws sso login, a new session token) or correct them; they have to be of the partition and account of the region")
		}
		if len(listed.streams) > 0 && who.Account == "" {
			who.Account = kvs.Account(listed.streams[0])
		}
		if who.Account != "" {
			text += ", account " + who.Account
		}
		return text, nil
	})
	return listed, ok
}

func list(ctx context.Context, service *kvs.Archive) (l listing) {
	for stream, err := range service.Streams(ctx) {
		switch {
		case err != nil:
			l.err = err
			return l
		case len(l.streams) == maxListed:
			l.more = true
			return l
		}
		l.streams = append(l.streams, stream)
	}
	return l
}

func (h Host) fuseConf() string {
	if h.Conf == "" {
		return "/etc/fuse.conf"
	}
	return h.Conf
}

func (h Host) letsOthersIn() error { return fs.AllowsOther(h.UID, h.Conf) }
