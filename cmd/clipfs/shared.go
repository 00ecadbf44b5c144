package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"clipfs/clip/shared"
	"clipfs/clip/shared/bucket"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/mount"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func sharedCommand() *cobra.Command {
	return config.Group("shared", "Look into a shared cache, check it, clear it, or print its policies", `Look into the bucket that hosts share (--shared-cache of clipfs mount), check it, clear it, or print the policies that it takes.

It is the bucket that --shared-cache, the environment or --config name, else that of the mount on MOUNTPOINT, else that of the only mount
there is; stderr says which. Only objects that were written with the secret of --shared-key-file are seen, or without one those that were
written without.`, sharedLsCommand(), sharedVerifyCommand(), sharedClearCommand(), sharedPolicyCommand())
}

type sharedFlags struct {
	cfg  mount.Config
	json bool
}

// command is one of the commands below clipfs shared. settings make flags of its own that are settings of a mount.
func (f *sharedFlags) command(name, short, long string, run func(*cobra.Command) error, settings ...func(*pflag.FlagSet)) *cobra.Command {
	f.cfg = mount.Default()
	cmd := &cobra.Command{Use: name + " [flags] [MOUNTPOINT]", Short: short, Long: long, Args: cobra.MaximumNArgs(1), ValidArgsFunction: completeMounts}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.settle(cmd, args); err != nil {
			return err
		}
		return run(cmd)
	}
	f.cfg.Shared.BindPlace(cmd.Flags())
	cmd.Flags().BoolVar(&f.cfg.InsecureEndpoint, "insecure-endpoint", false, "allow unencrypted calls to another machine")
	for _, bind := range settings {
		bind(cmd.Flags())
	}
	config.WithFile(cmd)
	return cmd
}

// settle finds out which bucket it is.
func (f *sharedFlags) settle(cmd *cobra.Command, args []string) error {
	if !f.cfg.Shared.Wanted() || len(args) > 0 {
		taken, err := config.TakeKnown(cmd.Context(), cmd, thisMachine(), config.Optional(args))
		if err = errors.Join(err, taken.Err); err != nil && !f.cfg.Shared.Wanted() {
			return err
		}
		if len(taken.From) > 0 {
			cmd.PrintErrf("%s: %s: %s\n", cmd.CommandPath(), f.cfg.Shared.Place, strings.Join(taken.From, "; "))
		}
	}
	if !f.cfg.Shared.Wanted() {
		return config.Usagef("no bucket: name it with --shared-cache s3://BUCKET/PREFIX")
	}
	return nil
}

// open gives the bucket and the key.
func (f *sharedFlags) open(cmd *cobra.Command) (*bucket.Bucket, shared.Key, error) {
	return f.cfg.OpenBucket(cmd.Context(), slog.New(slog.DiscardHandler))
}

func sharedLsCommand() *cobra.Command {
	var f sharedFlags
	cmd := f.command("ls", "List what is in a shared cache", `List what is in a shared cache: of which stream, when, how big, and with which --part and --gap it was written, which hosts that
share have to agree on. It reads the header of each object.`, func(cmd *cobra.Command) error {
		b, key, err := f.open(cmd)
		if err != nil {
			return err
		}
		return f.print(cmd.OutOrStdout(), shared.List(cmd.Context(), b, f.cfg.Shared.Place.Prefix, key))
	})
	cmd.Flags().BoolVar(&f.json, "json", false, "answer in JSON")
	return cmd
}

// sharedEntry is an object in JSON.
type sharedEntry struct {
	Object    string     `json:"object"`
	Stream    string     `json:"stream"`
	What      string     `json:"what"`
	Start     *time.Time `json:"start,omitempty"`
	End       *time.Time `json:"end,omitempty"`
	Fragments int        `json:"fragments"`
	Size      int64      `json:"size"`
	Ingested  *time.Time `json:"ingested,omitempty"`
	Written   time.Time  `json:"written"`
	Part      string     `json:"part"`
	Gap       string     `json:"gap"`
	Error     string     `json:"error,omitempty"`
}

func entryOf(e shared.Entry) sharedEntry {
	out := sharedEntry{
		Object: e.Item.Name, Stream: e.Name.Stream, What: e.Name.Kind.String(), Fragments: len(e.Header.Fragments), Size: e.Size, Written: e.Modified,
		Part: e.Header.Part.String(), Gap: e.Header.Gap.String(),
	}
	if e.Err != nil {
		out.Error = e.Err.Error()
		return out
	}
	out.Start, out.End, out.Ingested = orNull(e.Header.Start), orNull(e.Header.End), orNull(e.Header.Ingested)
	return out
}

// print writes objects as they are listed.
func (f *sharedFlags) print(out io.Writer, all iter.Seq2[shared.Entry, error]) error {
	entries, bytes, list := 0, int64(0), []sharedEntry{}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if !f.json {
		_, _ = fmt.Fprintln(table, "STREAM\tFROM\tLENGTH\tFRAGMENTS\tWHAT\tSIZE\tPART\tGAP\tWRITTEN") // Flush gives the error
	}
	for e, err := range all {
		if err != nil {
			return errors.Join(table.Flush(), err)
		}
		entries, bytes = entries+1, bytes+e.Size
		if f.json {
			list = append(list, entryOf(e))
			continue
		}
		what, h := e.Name.Kind.String(), e.Header
		if e.Err != nil {
			what = e.Err.Error()
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", e.Name.Stream, h.Start.Format("2006-01-02T15:04:05.000Z07:00"), h.End.Sub(h.Start),
			len(h.Fragments), what, config.Bytes(e.Size), h.Part, h.Gap, e.Modified.Format(time.RFC3339))
	}
	if f.json {
		return config.WriteJSON(out, list)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d objects, %s\n", entries, config.Bytes(bytes))
	return err
}

func sharedVerifyCommand() *cobra.Command {
	var f sharedFlags
	return f.command("verify", "Read all that is in a shared cache and compare it with its checks",
		`Read all that is in a shared cache and compare it with its checks. Damaged objects are listed and removed; the exit code is 1 then.`, f.verify)
}

func (f *sharedFlags) verify(cmd *cobra.Command) error {
	b, key, err := f.open(cmd)
	if err != nil {
		return err
	}
	objects, damaged, bytes := 0, 0, int64(0)
	for e, err := range shared.Verify(cmd.Context(), b, f.cfg.Shared.Place.Prefix, key) {
		if err != nil {
			return err
		}
		objects, bytes = objects+1, bytes+e.Size
		if e.Err == nil {
			continue
		}
		damaged++
		_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s: %v\n", e.Item.Name, e.Err)
		if err := b.Delete(cmd.Context(), e.Item.Name); err != nil {
			return err
		}
	}
	if damaged > 0 {
		return fmt.Errorf("%d of %d objects were damaged and are removed: they are shared again when they are next fetched", damaged, objects)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d objects, %s: nothing is damaged\n", objects, config.Bytes(bytes))
	return err
}

func sharedPolicyCommand() *cobra.Command {
	var f sharedFlags
	return f.command("policy", "Print the permissions and the lifecycle rule that a shared cache takes",
		`Print the IAM policy that hosts need for the bucket, and the lifecycle rule that removes objects after --shared-keep. A gigabyte-month in
S3 costs about what fetching it three times does, so what is read once is not worth keeping for long.`, func(cmd *cobra.Command) error {
			return printPolicy(cmd.OutOrStdout(), f.cfg.Shared.Place, f.cfg.Shared.Keep)
		}, f.cfg.Shared.BindKeep)
}

// printPolicy writes both as JSON, which aws iam and aws s3api take.
func printPolicy(out io.Writer, place bucket.Place, keep time.Duration) error {
	objects := strings.Trim(place.Prefix+"/*", "/")
	type statement struct{ Effect, Action, Resource any }
	// Without a condition on the prefix: a look for an object that is not there has none to judge.
	list := statement{Effect: "Allow", Action: "s3:ListBucket", Resource: "arn:aws:s3:::" + place.Bucket}
	type rule struct {
		ID, Status string
		Filter     map[string]string
		Expiration map[string]int
	}
	prefix := place.Prefix
	if prefix != "" {
		prefix += "/"
	}
	days := int((keep + 24*time.Hour - 1) / (24 * time.Hour))
	answer := struct {
		Policy    any
		Lifecycle any
	}{
		map[string]any{"Version": "2012-10-17", "Statement": []statement{
			{Effect: "Allow", Action: []string{"s3:GetObject", "s3:PutObject"}, Resource: "arn:aws:s3:::" + place.Bucket + "/" + objects}, list,
		}},
		map[string]any{"Rules": []rule{{
			ID: "clipfs", Status: "Enabled", Filter: map[string]string{"Prefix": prefix}, Expiration: map[string]int{"Days": days},
		}}},
	}
	return config.WriteJSON(out, answer)
}
