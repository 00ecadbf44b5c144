package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/producer"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/internal/logs"

	"github.com/spf13/cobra"
)

// putFlags are those of clipfs emulator put.
type putFlags struct {
	endpoint, stream, start, rate string
	loop                          bool
	// from is what start says.
	from time.Time
}

func emulatorPutCommand() *cobra.Command {
	var f putFlags
	cmd := &cobra.Command{
		Use:   "put [flags] FILE|-",
		Short: "Send a file or a pipe to a stream of the emulator, as a camera does",
		Long: `Send footage to a stream with PutMedia, as a camera does: a file of Matroska or MP4, testcard for the test card, or with - what
comes over standard input, which has to be Matroska whose clusters begin with key frames and last 20 seconds at most.
Each acknowledgement is a line of standard output: what it tells, the time of the fragment, and its number.

A stream that is not there is made, and keeps its footage for 48 hours. What a pipe brings is sent as it comes, and its time 0
is --start; it ends with an error after 45 minutes, which is as long as a connection may last. A file goes on over the next one. Requests are signed with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for AWS_REGION, if these are set, as an
emulator with --credentials wants it; AWS_CA_BUNDLE is a file with the certificate to trust, as --tls-ca writes it.`,
		Example: `  clipfs emulator put day.mp4 --stream door --start 2024-01-01T10:00:00Z --rate max
  clipfs emulator put loop.mkv --stream yard --loop
  ffmpeg -i rtsp://camera -c copy -cluster_time_limit 19000 -cluster_size_limit 49000000 -f matroska - |
      clipfs emulator put - --stream gate`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			relay := logs.NewRelay(cmd.ErrOrStderr(), logs.Text)
			defer relay.Close()
			return f.run(cmd.Context(), args[0], cmd.InOrStdin(), cmd.OutOrStdout(), slog.New(slog.NewTextHandler(relay, nil)))
		},
	}
	set := cmd.Flags()
	set.StringVar(&f.endpoint, "endpoint-url", "http://"+emulator.DefaultAddress, "`URL` of the emulator's control API")
	set.StringVar(&f.stream, "stream", "", "`name` of the stream")
	set.StringVar(&f.start, "start", "", "`time` of the first frame, such as 2024-01-01T10:00:00Z (default: now, and with --rate max so that the footage ends now)")
	set.StringVar(&f.rate, "rate", "1x", "`speed` of a file: 1x, as a camera records, or max, as fast as it is taken")
	set.BoolVar(&f.loop, "loop", false, "send the file again and again, until interrupted")
	return cmd
}

// check says what is wrong with the flags for a file or a pipe.
func (f *putFlags) check(name string) error {
	var ok bool
	if f.from, ok = footage.ParseStart(f.start); !ok && f.start != "" {
		return config.Usagef("--start %q: want a time such as 2024-01-01T10:00:00Z", f.start)
	}
	switch {
	case f.stream == "":
		return config.Usagef("name the stream with --stream")
	case f.rate != "1x" && f.rate != "max":
		return config.Usagef("--rate %q: want 1x or max", f.rate)
	case f.loop && f.rate == "max":
		return config.Usagef("--loop never ends: it needs --rate 1x")
	case name == "-" && (f.loop || f.rate == "max"):
		return config.Usagef("a pipe is sent as it comes, once: --loop and --rate max are for files")
	}
	return nil
}

func (f *putFlags) run(ctx context.Context, name string, stdin io.Reader, stdout io.Writer, log *slog.Logger) error {
	if err := f.check(name); err != nil {
		return err
	}
	o, err := options()
	if err != nil {
		return err
	}
	if name == "-" {
		o.Timecodes, o.Start = producer.Relative, cmp.Or(f.from, time.Now())
	}
	o.OnAck = func(a producer.Ack) { printAck(stdout, a, o) }
	switch err := producer.CreateStream(ctx, f.endpoint, f.stream, int(emulator.DefaultRetention/time.Hour), o); {
	case err == nil:
		log.Info("stream made", "stream", f.stream, "retention", emulator.DefaultRetention)
	case !isRefused(err, "ResourceInUseException"):
		return err
	}
	acks, err := f.send(ctx, name, stdin, o)
	log.Info("media sent", "stream", f.stream, "fragments", len(producer.Numbers(acks)))
	if f.loop && errors.Is(err, context.Canceled) {
		return nil // which is how it ends
	}
	return err
}

// isRefused reports whether a call was refused with an error of that name.
func isRefused(err error, kind string) bool {
	var refused *producer.ResponseError
	return errors.As(err, &refused) && refused.Kind == kind
}

// send sends a file or a pipe.
func (f *putFlags) send(ctx context.Context, name string, stdin io.Reader, o producer.Options) ([]producer.Ack, error) {
	if name == "-" {
		return producer.Put(ctx, f.endpoint, f.stream, stdin, o)
	}
	media, err := readMedia(ctx, name)
	if err != nil {
		return nil, err
	}
	from := time.Now()
	if f.rate == "max" {
		from = from.Add(-media.Duration())
	}
	from = cmp.Or(f.from, from).UTC().Truncate(time.Millisecond)
	source, end := footage.NewRecording(media, from), from.Add(media.Duration())
	if f.loop {
		source, end = footage.NewLoop(media, from, footage.Options{}), from.AddDate(100, 0, 0)
	}
	return producer.PutSource(ctx, f.endpoint, f.stream, source, from, end, f.rate == "1x", o)
}

// readMedia reads a file, or the test card.
func readMedia(ctx context.Context, name string) (*footage.Media, error) {
	if name == "testcard" {
		return footage.TestCard()
	}
	return footage.ReadFile(ctx, name)
}

// printAck prints an acknowledgement as a line.
func printAck(w io.Writer, a producer.Ack, o producer.Options) {
	if a.EventType == producer.Idle {
		fmt.Fprintln(w, a.EventType)
		return
	}
	at := time.UnixMilli(a.FragmentTimecode)
	if o.Timecodes == producer.Relative {
		at = o.Start.Add(time.Duration(a.FragmentTimecode) * time.Millisecond)
	}
	text := string(a.EventType)
	if a.FragmentNumber != "" { // an error can be of none
		text += fmt.Sprintf(" %s %s", at.UTC().Format("2006-01-02T15:04:05.000Z"), a.FragmentNumber)
	}
	if a.EventType == producer.Failed {
		text += fmt.Sprintf(" %d %s", a.ErrorID, a.ErrorCode)
	}
	fmt.Fprintln(w, text)
}

// options gives the producer's options as the environment has them.
func options() (producer.Options, error) {
	o := producer.Options{Key: os.Getenv("AWS_ACCESS_KEY_ID"), Secret: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		Region: cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))}
	transport := &http.Transport{DisableCompression: true, Proxy: http.ProxyFromEnvironment}
	if bundle := os.Getenv("AWS_CA_BUNDLE"); bundle != "" {
		text, err := os.ReadFile(bundle)
		if err != nil {
			return o, fmt.Errorf("AWS_CA_BUNDLE: %w", err)
		}
		trusted := x509.NewCertPool()
		if !trusted.AppendCertsFromPEM(text) {
			return o, fmt.Errorf("AWS_CA_BUNDLE: %s has no certificate", bundle)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	}
	o.HTTP = &http.Client{Transport: transport}
	return o, nil
}
