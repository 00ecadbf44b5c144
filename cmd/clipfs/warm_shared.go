package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"clipfs/clip/parallel"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/mount"
	"clipfs/cmd/internal/warm"

	"github.com/spf13/cobra"
)

// errSharedInterrupted: what is in the bucket stays there.
var errSharedInterrupted = errors.New("interrupted: what is in the shared cache stays there, the same command goes on with the rest")

// settingsOf gives those of the mount that paths are on, as the environment and the config file have them, else as it tells them.
func settingsOf(cmd *cobra.Command, paths []string) (mount.Config, error) {
	cfg := mount.Default()
	settings := &cobra.Command{Use: cmd.Use}
	cfg.BindWeb(settings.Flags())
	config.WithFile(settings)
	if f := cmd.Flags().Lookup(config.FileFlag); f.Changed {
		if err := settings.Flags().Set(config.FileFlag, f.Value.String()); err != nil {
			return cfg, err
		}
	}
	if err := config.Settle(settings, os.Environ()); err != nil {
		return cfg, err
	}
	var at string
	for i, path := range paths {
		taken, err := config.TakeKnown(cmd.Context(), settings, thisMachine(), path)
		if err = errors.Join(err, taken.Err); err != nil {
			return cfg, err
		}
		if i == 0 {
			at = taken.Mountpoint
			cmd.PrintErrf("%s: %s\n", cmd.CommandPath(), strings.Join(taken.From, "; "))
		}
		if taken.Mountpoint != at {
			return cfg, fmt.Errorf("%s and %s are on two mounts: with --shared-only name paths of one", paths[0], path)
		}
	}
	return cfg, nil
}

// share has the clips in the bucket, and nothing of them on this disk.
func (f *warmFlags) share(cmd *cobra.Command, paths []string) (err error) {
	ctx, stderr := cmd.Context(), cmd.ErrOrStderr()
	cfg, err := settingsOf(cmd, paths)
	if err != nil {
		return err
	}
	clips, failed, err := warm.Find(ctx, paths)
	if err != nil {
		return err
	}
	for _, broken := range failed {
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", broken.Path, broken.Err)
	}
	sharing, err := cfg.OpenSharing(ctx, f.parallel, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sharing.Close()) }()
	begun := time.Now()
	var mu sync.Mutex // guards what follows, and keeps lines apart
	wrong, done, there, put := len(failed), 0, 0, 0
	_ = parallel.Each(ctx, f.parallel, len(clips), func(ctx context.Context, i int) error {
		had, now, err := putClip(ctx, sharing, clips[i].Path)
		mu.Lock()
		defer mu.Unlock()
		done, there, put = done+1, there+had, put+now
		if err != nil {
			wrong++
			_, _ = fmt.Fprintf(stderr, "%s: %v\n", clips[i].Path, err)
		} else {
			_, _ = fmt.Fprintf(stderr, "%s (%d of %d clips)\n", clips[i].Path, done, len(clips))
		}
		return nil // the others go on
	})
	if ctx.Err() != nil {
		return errSharedInterrupted
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d clips, %d parts in the shared cache: %d put there, %d were there (%s)\n",
		len(clips), there+put, put, there, time.Since(begun).Round(time.Millisecond))
	if wrong > 0 {
		err = errors.Join(err, fmt.Errorf("%d of what was to be in the shared cache failed, as said above", wrong))
	}
	return err
}

// putClip has the clip at a path in the bucket, and gives how many of its parts were there, and how many are put there.
func putClip(ctx context.Context, sharing *mount.Sharing, path string) (there, put int, err error) {
	stream, span, cover, err := warm.SpanOf(path)
	if err != nil {
		return 0, 0, err
	}
	return sharing.Put(ctx, stream, span, cover)
}
