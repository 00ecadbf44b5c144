package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"clipfs/clip/archive"
	"clipfs/clip/names"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/known"
	"clipfs/cmd/clipfs/internal/moment"
)

type pathFlags struct {
	mount string
	zone  *time.Location
	basic bool
}

// noMount asks for a path that is relative to any mount.
const noMount = "none"

func pathCommand() *cobra.Command {
	var f pathFlags
	cmd := &cobra.Command{
		Use:   "path [flags] STREAM WHEN [LENGTH]",
		Short: "Print the path of a time in words, such as 'yesterday 10:00'",
		Long: `Print the path of a start, or with LENGTH of a clip. It asks the service nothing, so it does not tell whether there is
footage.

WHEN is a name of clipfs (2024-01-31T10:00) or a time in words: "2024-01-31 10:00", "yesterday 10:00", "monday 9:30",
"3 days ago", "10:00", "9am", "now-10m", "2 hours ago". A time or a day of the week without a date is the latest one in the
past. "last 5m" is last/5m.mp4, up to the newest footage. LENGTH is 10m, 1h30m, "10 minutes". A text that is not understood
is an error, never a guess.

The path is on --mount, else on the only clipfs mount of this user, with its --timezone and --names; times are in that zone.
Where nothing is mounted, or the mount does not tell its zone, times are UTC and names end in Z, so that they hold on any
mount. Without a mount, or with --mount none, the path is relative. stdout has only the path; stderr says how WHEN was
understood.`,
		Example: `  mpv "$(clipfs path front-door 'yesterday 10:00' 10m)"
  cp "$(clipfs path --mount /mnt/cameras front-door 'monday 9:30' 1h)" .
  ls "$(clipfs path front-door yesterday)"`,
		Args: cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, said, err := f.path(cmd.Context(), cmd, thisMachine(), args, time.Now())
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", cmd.CommandPath(), said)
			_, err = io.WriteString(cmd.OutOrStdout(), text+"\n")
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.mount, "mount", "", "`MOUNTPOINT` of the clipfs mount (default the only one); none for a relative path")
	flags.Var(config.Zone(&f.zone), "timezone", "`zone` of times, such as Europe/Berlin (default the mount's)")
	flags.Var(config.Names(&f.basic), "names", "how starts are written: extended or basic (default the mount's)")
	config.WithFile(cmd, "timezone", "names")
	return cmd
}

func (f *pathFlags) path(ctx context.Context, cmd *cobra.Command, on known.Machine, args []string, now time.Time) (path, said string, err error) {
	stream := archive.StreamName(args[0])
	if !stream.Valid() {
		return "", "", config.Usagef("%q is not the name of a stream", args[0])
	}
	// Where the zone is not the mount's as it told, a name has to say which it is in.
	suffix := ""
	if cmd.Flags().Changed("timezone") {
		suffix = "Z"
	}
	mount, told, err := f.ask(ctx, cmd, on)
	if err != nil {
		return "", "", err
	}
	if !told {
		suffix = "Z"
	}
	zone := f.zone
	if zone == nil {
		zone = time.UTC
	}
	m, err := moment.Parse(args[1], now, names.Grammar{Location: zone, Basic: f.basic})
	if err != nil {
		return "", "", config.Usagef("WHEN %w: %s", err, moment.Forms)
	}
	name, said, err := f.name(m, args[2:], suffix, zone)
	if err != nil {
		return "", "", err
	}
	switch {
	case mount == "":
		said += ", relative to the mountpoint"
	case !told:
		said += ", on " + mount + ", which does not tell its time zone"
	default:
		said += ", on " + mount
	}
	if m.Last == 0 && m.Start.Time.After(now) {
		said += "; that is in the future, nothing is recorded yet"
	}
	if m.Note != "" {
		said += "; " + m.Note
	}
	return filepath.Join(mount, string(stream), name), said, nil
}

// name gives the path below the stream, and what was understood. suffix is what starts end in.
func (f *pathFlags) name(m moment.Moment, lengths []string, suffix string, zone *time.Location) (name, said string, err error) {
	written := names.Grammar{Location: zone, Basic: f.basic}
	if suffix != "" {
		written.Location = time.UTC
	}
	var length time.Duration
	if len(lengths) > 0 {
		if length, err = moment.ClipLength(lengths[0]); err != nil {
			return "", "", config.Usagef("LENGTH %w", err)
		}
	}
	switch {
	case m.Last > 0 && length > 0:
		return "", "", config.Usagef(`"last …" has a length already: leave LENGTH out`)
	case m.Last > 0:
		return filepath.Join("last", written.FormatFile(m.Last, names.Movie)), names.FormatLength(m.Last) + " up to the newest footage", nil
	case length == 0:
		said = m.Start.Time.In(zone).Format("Monday 2006-01-02 15:04:05 MST")
		return written.FormatExactly(m.Start.Time, m.Start.Precision) + suffix, said, nil
	}
	said = m.Start.Time.In(zone).Format("Monday 2006-01-02 15:04:05 MST") + ", " + names.FormatLength(length)
	start := written.FormatExactly(m.Start.Time, archive.Minute) + suffix
	return filepath.Join(start, written.FormatFile(length, names.Movie)), said, nil
}

// ask takes the time zone and names of the mount that is meant, if there is one. told says that they are known.
func (f *pathFlags) ask(ctx context.Context, cmd *cobra.Command, on known.Machine) (mountpoint string, told bool, err error) {
	at := f.mount
	if at == noMount {
		return "", false, nil
	}
	taken, err := config.TakeKnown(ctx, cmd, on, at)
	if several, ok := errors.AsType[*known.AmbiguousError](err); ok {
		return "", false, config.Usagef("%w, with --mount", several)
	}
	if err == nil && taken.Mountpoint == "" && at != "" {
		err = fmt.Errorf("%s is no clipfs mount, and none is to be there", at)
	}
	return taken.Mountpoint, taken.Told, err
}
