package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
	"clipfs/cmd/clipfs/internal/known"
	"clipfs/fs"
)

// doctorTimeout is how long one check may take by default.
const doctorTimeout = 20 * time.Second

// doctorFlags are the flags of clipfs doctor. Those that it shares with clipfs mount mean the same there.
type doctorFlags struct {
	mount   mountFlags
	timeout positive
	json    bool
}

// host is the machine as the doctor sees it.
type host struct {
	// device is how FUSE is talked, conf configures the helper that mounts for ordinary users, which helpers names.
	device, conf string
	helpers      []string
	// uid is who asks, release the version of the kernel.
	uid     int
	release func() (string, error)
	// self is the program to mount with; empty for this one.
	self string
	// machine knows of its mounts.
	machine known.Machine
}

// thisHost is the machine that this runs on.
func thisHost() host {
	return host{device: fuseDevice, helpers: []string{"fusermount3", "fusermount"}, uid: os.Geteuid(), release: kernelRelease, machine: thisMachine()}
}

// doctorCommand is clipfs doctor.
func doctorCommand(on host) *cobra.Command {
	f := doctorFlags{mount: defaultMountFlags(), timeout: positive(doctorTimeout)}
	cmd := &cobra.Command{
		Use:   "doctor [flags] [MOUNTPOINT]",
		Short: "Find out what is wrong: this machine, the cache, the credentials, the service, a clip",
		Long: `Check all that a mount needs, one line each, and say what to do about what is wrong. The exit code is 1 if anything is.

Each action that clipfs needs is tried on one stream: the one that --stream names, else the first that has footage. One
fragment of it, a few seconds of video, is fetched and read; that is all that costs anything. It is then read through a
mount, on a temporary directory or on MOUNTPOINT, an empty one. If MOUNTPOINT is a clipfs mount that runs, it is read
through that, which may fetch it once more.

It is the mount with the settings of MOUNTPOINT that is checked, else of the only mount there is: a setting is taken from the
command line, the environment, --config, the mount that runs, and /etc/clipfs/NAME.env of a mount that systemd starts, in
this order. The check "settings" says what is from there.

Nothing is changed, and no secret is shown.`,
		Example: "  clipfs doctor\n  clipfs doctor --config /etc/clipfs.yaml --json\n  clipfs doctor --stream front-door /mnt/cameras",
		Args:    cobra.MaximumNArgs(1),

		ValidArgsFunction: completeDirectory,
		RunE: func(cmd *cobra.Command, args []string) error {
			mountpoint := ""
			if len(args) > 0 {
				mountpoint = args[0]
			}
			told, err := f.settle(cmd, on, mountpoint)
			if err != nil {
				return err
			}
			d := &doctor{doctorFlags: f, host: on, stdout: cmd.OutOrStdout(), logger: discard(), mountpoint: mountpoint}
			return d.run(cmd.Context(), told)
		},
	}
	f.bind(cmd)
	return cmd
}

// bind makes the flags.
func (f *doctorFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.mount.endpointURL, "endpoint-url", "", "`URL` of the control API, for an emulator (default what the SDK finds)")
	flags.BoolVar(&f.mount.insecure, "insecure-endpoint", false, "let calls go unencrypted to another machine")
	flags.StringVar(&f.mount.cacheDir, "cache-dir", "", "`directory` of the cache (default clipfs in the user's cache directory)")
	flags.Var(&f.mount.cacheSize, "cache-size", "how much of the disk the mount may use for it")
	flags.Var(&f.mount.minFree, "cache-min-free", "how much of the disk the mount leaves free")
	flags.Var(&f.mount.selector, "timestamps", "clock that starts and ends refer to: the producer's or the server's")
	flags.StringArrayVar(&f.mount.streams, "stream", nil, "try the stream of this `name`; repeated, the first of them that has footage")
	flags.BoolVar(&f.mount.allowOther, "allow-other", false, "check that other users can be let in")
	withConfig(cmd)
	flags.Var(&f.timeout, "timeout", "how long one check may take")
	flags.BoolVar(&f.json, "json", false, "answer in JSON")
}

// doctor is one run of clipfs doctor.
type doctor struct {
	doctorFlags
	host
	stdout     io.Writer
	logger     *slog.Logger
	mountpoint string

	findings []finding
	// fetched is how many bytes GetClip gave, in how many calls.
	fetched, clips atomic.Int64
}

// settle gives the flags what is known of the mount that is asked about, unless all that tells mounts apart is known anyway, and
// gives what to tell of that; nil for nothing.
func (f *doctorFlags) settle(cmd *cobra.Command, on host, mountpoint string) (*finding, error) {
	endpoint := cmd.Flags().Changed("endpoint-url") || anySet(endpointVariables())
	region := anySet([]string{"AWS_REGION", "AWS_DEFAULT_REGION"})
	if mountpoint == "" && endpoint && region && cmd.Flags().Changed("cache-dir") {
		return nil, nil //nolint:nilnil // there is nothing to tell
	}
	from, failed, err := takeKnown(cmd.Context(), cmd, on.machine, mountpoint)
	switch {
	case err != nil:
		return nil, err
	case failed != nil:
		return &finding{Check: "settings", Status: statusFailed, Found: oneLine(failed),
			Advice: "ask as root or as the user who mounts; if the mount hangs or is dead: clipfs umount --lazy, and mount again"}, nil
	case len(from) > 0:
		return &finding{Check: "settings", Status: statusOK, Found: strings.Join(from, "; ")}, nil
	}
	return nil, nil //nolint:nilnil // there is nothing to tell
}

// run makes all checks and tells what came of them, after what was found before. It fails if anything is wrong.
func (d *doctor) run(ctx context.Context, before *finding) error {
	if before != nil {
		d.report(*before)
	}
	if _, err := d.mount.options(d.logger); err != nil {
		return err
	}
	canMount := d.checkFUSE(ctx)
	d.checkKernel(ctx)
	d.checkCache(ctx)
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

// checkRegion looks up the region, and gives an archive in it.
func (d *doctor) checkRegion(ctx context.Context) (*kvs.Archive, bool) {
	var service *kvs.Archive
	ok := d.check(ctx, "region", func(ctx context.Context) (string, error) {
		cfg, err := kvs.LoadConfig(ctx, kvs.ConfigOptions{EndpointURL: d.mount.endpointURL, Unchecked: true})
		if err == nil {
			service, err = kvs.New(cfg, kvs.Options{Logger: d.logger, InsecureEndpoint: d.mount.insecure})
		}
		if err != nil {
			return "", ailing(err, "set AWS_REGION and, where there are several, AWS_PROFILE; look at ~/.aws/config and --endpoint-url; an endpoint on http elsewhere wants --insecure-endpoint")
		}
		return service.Region(), nil
	})
	return service, ok
}

// checkEndpoint asks the service for an answer, and compares its clock with ours.
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

// listing is what ListStreams gave.
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

// list asks for the first streams.
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

// fuseConf is what conf stands for in messages.
func (h host) fuseConf() string {
	if h.conf == "" {
		return "/etc/fuse.conf"
	}
	return h.conf
}

// letsOthersIn says what is missing for --allow-other.
func (h host) letsOthersIn() error { return fs.AllowsOther(h.uid, h.conf) }
