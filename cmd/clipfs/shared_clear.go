package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"clipfs/clip/shared"
	"clipfs/clip/shared/bucket"
	"clipfs/cmd/clipfs/internal/config"

	"github.com/spf13/cobra"
)

// clearFlags say what clipfs shared clear removes.
type clearFlags struct {
	sharedFlags
	older   time.Duration
	stream  string
	expired bool
}

func sharedClearCommand() *cobra.Command {
	var f clearFlags
	cmd := f.command("clear", "Remove what is in a shared cache", `Remove what is in a shared cache, or only what all of the flags apply to. Hosts that read it meanwhile go on from the service.

With --expired, what no host reads any more: objects with footage that their stream has let go of by the retention that it has now, which
the service is asked for (DescribeStream), and those of streams that were deleted. Objects of other accounts and regions stay, and those of
deleted streams where no stream is left in the bucket that tells whose they were. A lifecycle rule cannot know of retention.

By which notes hosts share their work, leases and beats, go too once no host has rewritten them for a day.`, f.run, f.cfg.BindEndpoint)
	cmd.Flags().Var(config.Age(&f.older), "older", "only what was written longer ago than this, such as 7d")
	cmd.Flags().StringVar(&f.stream, "stream", "", "only footage of the stream of this `name`")
	cmd.Flags().BoolVar(&f.expired, "expired", false, "only what the retention of its stream has ended, or that went with its stream")
	return cmd
}

// run removes objects as they are listed.
func (f *clearFlags) run(cmd *cobra.Command) (err error) {
	ctx := cmd.Context()
	b, key, err := f.open(cmd)
	if err != nil {
		return err
	}
	before := time.Now().Add(-f.older)
	match := func(e shared.Entry) bool {
		return (f.older == 0 || e.Modified.Before(before)) && (f.stream == "" || string(e.Name.StreamName()) == f.stream)
	}
	all := matching(shared.Names(ctx, b, f.cfg.Shared.Place.Prefix, key), match)
	if f.expired {
		service, opened := f.cfg.OpenArchive(ctx, slog.New(slog.DiscardHandler))
		if opened != nil {
			return opened
		}
		defer func() { err = errors.Join(err, service.Close()) }()
		all = shared.Expired(ctx, b, f.cfg.Shared.Place.Prefix, key, service.Stream, match)
	}
	objects, bytes, err := remove(ctx, b, all)
	if err == nil {
		var more int64
		var signals int
		signals, more, err = remove(ctx, b, matching(shared.Silent(ctx, b, f.cfg.Shared.Place.Prefix, key), match))
		objects, bytes = objects+signals, bytes+more
	}
	_, printed := fmt.Fprintf(cmd.OutOrStdout(), "%d objects removed, %s\n", objects, config.Bytes(bytes))
	return errors.Join(err, printed)
}

// matching gives the entries that match.
func matching(all iter.Seq2[shared.Entry, error], match func(shared.Entry) bool) iter.Seq2[shared.Entry, error] {
	return func(yield func(shared.Entry, error) bool) {
		for e, err := range all {
			if (err != nil || match(e)) && !yield(e, err) {
				return
			}
		}
	}
}

// remove removes objects, and gives how many they were.
func remove(ctx context.Context, b *bucket.Bucket, all iter.Seq2[shared.Entry, error]) (objects int, bytes int64, err error) {
	for e, err := range all {
		if err != nil {
			return objects, bytes, err
		}
		if err := b.Delete(ctx, e.Item.Name); err != nil {
			return objects, bytes, err
		}
		objects, bytes = objects+1, bytes+e.Size
	}
	return objects, bytes, nil
}
