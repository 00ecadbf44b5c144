package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/authority"
	"clipfs/clip/emulator/fault"
	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/form"
	"clipfs/clip/emulator/payload"
	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/internal/logs"

	"github.com/spf13/cobra"
)

// encryption is how the emulator's listeners are encrypted: with certificates made in memory, or with one that is given.
type encryption struct {
	on                   bool
	ca, certificate, key string
}

// config gives the configuration of the listeners, and what to trust in PEM; nil is without encryption. What was made here is
// written where the flags say.
func (e encryption) config() (_ *tls.Config, ca []byte, err error) {
	switch {
	case !e.on && e.ca+e.certificate+e.key != "":
		return nil, nil, &config.UsageError{Err: errors.New("--tls-ca, --tls-cert and --tls-key need --tls")}
	case (e.certificate == "") != (e.key == ""):
		return nil, nil, &config.UsageError{Err: errors.New("--tls-cert and --tls-key belong together")}
	case e.certificate != "" && e.ca != "":
		return nil, nil, &config.UsageError{Err: errors.New("--tls-ca is for certificates that are made, not for --tls-cert")}
	case !e.on:
		return nil, nil, nil // no configuration is no encryption
	case e.certificate != "":
		pair, err := tls.LoadX509KeyPair(e.certificate, e.key)
		if err != nil {
			return nil, nil, fmt.Errorf("--tls-cert: %w", err)
		}
		ca, err := os.ReadFile(e.certificate)
		return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}, ca, err
	}
	a, err := authority.New()
	if err != nil {
		return nil, nil, err
	}
	if e.ca != "" {
		if err := os.WriteFile(e.ca, a.PEM(), 0o644); err != nil {
			return nil, nil, fmt.Errorf("--tls-ca: %w", err)
		}
	}
	return a.Config(), a.PEM(), nil
}

type emulatorFlags struct {
	options              emulator.Options
	streams, faults      []string
	region               string
	encryption           encryption
	contentLength, quota bool
	level                slog.Level
	// page is where the streams are shown; empty is nowhere.
	page string
	// ca is the certificate to trust, in PEM; nil without encryption.
	ca []byte
}

func emulatorCommand() *cobra.Command {
	f := emulatorFlags{contentLength: true, quota: true}
	cmd := &cobra.Command{
		Use:   "emulator [flags]",
		Short: "Serve Kinesis Video Streams on this machine",
		Long: `Serve the API of Kinesis Video Streams on this machine, from recorded or looped footage and from what cameras send
with PutMedia.

Any SDK and the AWS CLI can use it with an endpoint URL and any credentials. When it is ready, it prints one line
of JSON, {"endpoint":"http://127.0.0.1:4580","dataEndpoint":"http://127.0.0.1:40123"}, and runs until it is interrupted. With
--tls the line has "ca", the PEM of the certificate to trust, and with --serve "page", where a browser sees the streams.

Tests set it at ENDPOINT/_emulator/ while it runs: GET calls tells the calls so far and POST reset forgets them, with
?streams=1 all streams and footage too (those of --stream are there again, as given), and so faults=1, payload=1 and clock=1;
POST clock set=TIME or advance=2h moves its clock, by which footage ages, GET tells it and DELETE sets it right.

Streams made by CreateStream, and what is sent to any stream, are kept in memory, or with --data in a directory: each
fragment as a Matroska file, for as long as the retention of its stream.

--fault makes calls fail on purpose; so does POST ENDPOINT/_emulator/faults with one fault a line while the emulator
runs (GET lists the faults and how many calls each has hit; DELETE removes all, DELETE …/faults/ID one). A fault is
KEY=VALUE,…:
  which calls    api=GetClip  stream=NAME  skip=3 (not the first)  count=2 (then no more)  p=0.25 (by chance)
  connections    kind=refuse[,for=5s]  kind=reset[,at=N]  kind=close[,at=N]  kind=stall[,at=N][,for=5s]
                 kind=drip[,rate=100][,at=N]; at is a place in the body, 65536, 64KiB or 50%; without it nothing is answered
  refusals       kind=status,status=500  kind=throttle  kind=expired (until renewed)  kind=denied
  bodies         kind=length,by=-1000  kind=garbage  kind=html  kind=truncate[,at=50%]
  listings       kind=duplicate  kind=missing  kind=endless
  payloads       kind=lie,what=mdat|sizes|offsets|overlap|counts|moov  kind=differ[,at=N]
  the service    kind=skew,by=10m  kind=aged (footage has left retention)  kind=deleted (so has the stream)
  media          kind=failure,code=4006[,at=N] (an ERROR acknowledgement: 4000 to 4012, 5000, 5001)
                 kind=unpersisted[,for=5s] (PERSISTED comes late, or never)  kind=idle (IDLE though media comes)
What operations take; those that are not for PutMedia alone hit it where they say api=PutMedia, at a place in its media:
` + faultTable() + `

--payload FORM,... gives clips odd forms, most of them valid; so does POST ENDPOINT/_emulator/payload while the emulator
runs (an empty body: plain clips again; GET tells the forms):
` + formTable(),
		Example: `  clipfs emulator --stream door=testcard
  clipfs emulator --stream cam=day.mp4@2024-01-01T10:00:00Z --stream loop=clip.mkv,loop --retention 72h
  clipfs emulator --data ~/emulator
  clipfs emulator --stream door=testcard --tls --tls-ca ca.pem      # AWS_CA_BUNDLE=ca.pem for its clients
  clipfs emulator --stream door=testcard --fault kind=close,api=GetClip,at=64KiB,p=0.1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			relay := logs.NewRelay(cmd.ErrOrStderr(), logs.Text)
			defer relay.Close()
			log := slog.New(slog.NewTextHandler(relay, &slog.HandlerOptions{Level: f.level}))
			return f.run(cmd.Context(), log, cmd.OutOrStdout())
		},
	}
	f.bind(cmd)
	cmd.AddCommand(emulatorPutCommand())
	return cmd
}

// faultTable tells which kinds of faults the operations take.
func faultTable() string {
	most := fault.KindsOf(string(wire.DescribeStream))
	lines := []string{faultRow("all", "", most)}
	for _, api := range []wire.API{wire.ListStreams, wire.ListFragments, wire.GetClip} {
		more := slices.DeleteFunc(fault.KindsOf(string(api)), func(k fault.Kind) bool { return slices.Contains(most, k) })
		lines = append(lines, faultRow(string(api), "also ", more))
	}
	return strings.Join(append(lines, faultRow(string(wire.PutMedia), "only ", fault.KindsOf(string(wire.PutMedia)))), "\n")
}

// faultRow is a line of faultTable.
func faultRow(api, before string, kinds []fault.Kind) string {
	return fmt.Sprintf("  %-14s %s%s", api, before, strings.Trim(fmt.Sprint(kinds), "[]"))
}

func formTable() string {
	var lines []string
	for _, e := range form.Table() {
		lines = append(lines, fmt.Sprintf("  %-11s %s", e.Form, e.Help))
	}
	return strings.Join(lines, "\n")
}

func (f *emulatorFlags) bind(cmd *cobra.Command) {
	set, o := cmd.Flags(), &f.options
	set.StringVar(&o.Address, "listen", emulator.DefaultAddress, "`address` of the control API; port 0 picks one")
	set.StringVar(&o.DataAddress, "data-listen", "", "`address` of the data API (default: the host of --listen, any port)")
	set.StringVar(&o.DataHost, "data-host", "", "host `name` of the data API in what clients are told (default: its address)")
	set.BoolVar(&f.encryption.on, "tls", false, "encrypt both APIs, with certificates made in memory for the names that clients ask for")
	set.StringVar(&f.encryption.ca, "tls-ca", "", "write the certificate that clients have to trust to this PEM `file`")
	set.StringVar(&f.encryption.certificate, "tls-cert", "", "with --tls, use the certificate in this PEM `file`")
	set.StringVar(&f.encryption.key, "tls-key", "", "PEM `file` with the key of --tls-cert")
	set.StringArrayVar(&f.streams, "stream", nil,
		"footage of a stream, `NAME=FILE[@START][,loop][,nostamp]` or NAME=testcard; repeat it for more streams, or for more footage of one")
	set.StringVar(&o.Data, "data", "", "`directory` that keeps streams and what is sent to them across restarts (default: in memory)")
	set.DurationVar(&o.Retention, "retention", emulator.DefaultRetention, "how long the footage of --stream is kept, in whole hours; 0 keeps none")
	set.Var(config.Text(&o.Payload.Moov, "first|last", "first", payload.ParseMoov), "moov", "where a clip's moov box stands")
	set.Var(config.Text(&o.Payload.Gaps, "keep|close", "keep", payload.ParseGaps), "payload-gaps", "gaps inside a clip: keep the wall clock, or close them")
	set.Var(config.Text(&o.Payload.Syncs, "all|idr", "all", payload.ParseSyncs), "sync",
		"which pictures a clip lists as sync samples: all at which decoding can begin, or idr (no recovery points of H.264, no CRA of H.265)")
	set.Var(config.Text(&o.Payload.Forms, "FORM,...", "", form.Parse), "payload", "odd clips, as above")
	set.Var(config.Text(&o.Overlaps, "drop|hide|keep", "drop", streams.ParseOverlaps), "overlaps",
		"footage ingested over older footage: drop it from a clip that has both, hide it from all clips, or keep it")
	set.Var(config.Text(&o.Payload.Muxer, "builtin|ffmpeg|ffmpeg-defaults", "builtin", payload.ParseMuxer), "muxer",
		"what makes clips: builtin, ffmpeg (as real clips are) or ffmpeg-defaults")
	set.Var(config.Either(&o.StrictImages, "either", "both"), "image-size", "what GetImages takes of the width and height of an image: either alone too, which keeps its shape, or both only")
	set.Var(config.OnOff(&f.contentLength), "content-length", "send a clip's length (off: chunked)")
	set.DurationVar(&o.Latency, "latency", 0, "wait before the first byte of a data call's answer")
	set.Var(config.Rate(&o.Bandwidth), "bandwidth", "`bytes` a second on each data connection, such as 25MB/s; 0 for no limit")
	set.IntVar(&o.PutConnections, "put-connections", emulator.DefaultPutConnections,
		"how many connections may bring media to a stream at once; 1 refuses a producer that comes back before its last one has ended")
	set.Var(config.Either(&o.StrictAcks, "real", "strict"), "ack-order", "when a producer hears of a fragment as PERSISTED: real (also after the next has begun, as the service does) or strict (before)")
	set.Var(config.OnOff(&f.quota), "quota", "refuse calls above the service's quotas")
	set.Var(config.Text(&o.Credentials, "KEY:SECRET", "", wire.ParseCredentials), "credentials", "verify that requests are signed with these")
	set.StringVar(&f.region, "region", "", "with --credentials, the `region` that requests have to be signed for (default: any)")
	set.StringVar(&o.Account, "account", wire.DefaultAccount, "`number` of the account in resource names; their region is the one that a client signs for")
	set.DurationVar(&o.Lifecycle, "lifecycle", 0, "how long a new stream is CREATING, and a deleted one DELETING")
	set.StringArrayVar(&f.faults, "fault", nil, "what goes wrong, `KEY=VALUE,...` as above; repeat it for more")
	set.StringVar(&f.page, "serve", "", "show the streams in a browser at this `address`, as clipfs serve does; its calls are counted and fail like any others")
	set.Var(config.Level(&f.level), "log-level", "how much to log on stderr; debug logs each call")
}

func (f *emulatorFlags) run(ctx context.Context, log *slog.Logger, stdout io.Writer) error {
	o, err := f.complete(ctx, log)
	if err != nil {
		return err
	}
	srv, err := emulator.New(o)
	switch {
	case errors.Is(err, emulator.ErrOptions):
		return &config.UsageError{Err: err}
	case err != nil:
		return err
	}
	if err := srv.Start(ctx); err != nil {
		return errors.Join(err, srv.Close())
	}
	log.Info("emulator ready", "endpoint", srv.Endpoint(), "streams", len(o.Streams))
	ready := readyLine{Endpoint: srv.Endpoint(), DataEndpoint: srv.DataEndpoint(), CA: string(f.ca)}
	if f.page != "" {
		return errors.Join(f.servePage(ctx, srv, ready, log, stdout), srv.Close())
	}
	if err := ready.print(stdout); err != nil {
		_ = srv.Close() // Whoever started it cannot be told where it is; that is the error to report.
		return err
	}
	return srv.Wait()
}

// readyLine is what is printed once the emulator is ready.
type readyLine struct {
	Endpoint     string `json:"endpoint"`
	DataEndpoint string `json:"dataEndpoint"`
	CA           string `json:"ca,omitempty"`
	Page         string `json:"page,omitempty"`
}

func (l readyLine) print(stdout io.Writer) error {
	if err := json.NewEncoder(stdout).Encode(l); err != nil {
		return fmt.Errorf("emulator: print endpoint: %w", err)
	}
	return nil
}

// complete gives the options with what takes more than a flag, such as the footage, which it opens.
func (f *emulatorFlags) complete(ctx context.Context, log *slog.Logger) (o emulator.Options, err error) {
	o = f.options
	o.Log, o.Chunked, o.NoQuota = log, !f.contentLength, !f.quota
	o.Credentials.Region = f.region
	if f.region != "" && o.Credentials.Key == "" {
		return o, &config.UsageError{Err: errors.New("--region needs --credentials, without which no signature is verified")}
	}
	if o.Retention == 0 {
		o.Retention = emulator.NoRetention
	}
	for _, text := range f.faults {
		rule, err := fault.Parse(text)
		if err != nil {
			return o, &config.UsageError{Err: err}
		}
		o.Faults = append(o.Faults, rule)
	}
	if o.TLS, f.ca, err = f.encryption.config(); err != nil {
		return o, err
	}
	now := time.Now()
	for _, s := range f.streams {
		spec, err := footage.ParseSpec(s)
		if err != nil {
			return o, &config.UsageError{Err: err}
		}
		src, err := spec.Open(ctx, now)
		if err != nil {
			return o, err
		}
		o.Streams = append(o.Streams, emulator.Stream{Name: wire.StreamName(spec.Name), Source: src})
	}
	return o, nil
}
