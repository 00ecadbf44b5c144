package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/internal/warm"

	"github.com/spf13/cobra"
)

// warmGrace is how long reads under way may take to notice that they are to end. A read that waits for the archive does
// not, and ends with the process.
const warmGrace = time.Second

// mostParallel is more than any mount serves well.
const mostParallel = 256

type warmFlags struct {
	dryRun     bool
	heads      bool
	sharedOnly bool
	parallel   int
	price      float64
}

func warmCommand() *cobra.Command {
	f := warmFlags{parallel: warm.DefaultParallel}
	cmd := &cobra.Command{
		Use:   "warm [flags] PATH...",
		Short: "Read clips of a running mount into its cache before they are needed",
		Long: `Read clips of a running mount into its cache before they are needed. A directory that lists clips stands for the longest
of them, any other directory for everything below it: a day for its hours, a stream for its days.

Clips that are in the cache are not read, so an interrupted run continues when it is started again. Each clip that fails is
named, and the exit code is 1 then.

With --heads, clips are opened and not read. Opening them takes no time afterwards, which matters where one open blocks
others (a web server, SMB). It costs what opening them costs, and shows how many heads have come.

With --shared-only, they are put into the bucket of the mount's --shared-cache and not into its cache: what is there already is not read,
and no more than 1 GiB of the rest lies in a temporary directory on its way. It makes calls of its own: --fetch-limit holds for the run.`,
		Example: `  clipfs warm --dry-run --price 0.0085 /mnt/cameras/front-door/2024-01-01
  clipfs warm /mnt/cameras/front-door/2024-01-01 /mnt/cameras/yard/2024-01-01T10:00/10m.mp4
  clipfs warm --shared-only /mnt/cameras/front-door/2024-01-01`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return &config.UsageError{Err: err}
			}
			if f.sharedOnly {
				return f.share(cmd, args)
			}
			if f.dryRun {
				if err := f.takePrice(cmd, args); err != nil {
					return err
				}
			}
			return untilInterrupted(cmd.Context(), func(ctx context.Context) error {
				return f.run(ctx, args, cmd.OutOrStdout(), cmd.ErrOrStderr())
			})
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.dryRun, "dry-run", false, "only estimate what would be fetched, without fetching media, and what that costs by --price")
	flags.BoolVar(&f.heads, "heads", false, "fetch only heads: opening takes no time then, and media is fetched when it is read")
	flags.BoolVar(&f.sharedOnly, "shared-only", false, "fill the bucket of --shared-cache, and not the cache of the mount")
	flags.IntVar(&f.parallel, "parallel", f.parallel, "how many `clips` to read at once; with --shared-only also how many of their parts")
	flags.Var(config.Price(&f.price), "price", "what a gigabyte of fetched media `costs`, such as 0.0085, for --dry-run")
	config.WithFile(cmd, "price")
	return cmd
}

// takePrice takes the price from the mount that the paths are on, if nothing else says it, and says so. Mounts of different
// prices are an error.
func (f *warmFlags) takePrice(cmd *cobra.Command, paths []string) error {
	flag := cmd.Flags().Lookup("price")
	if flag.Changed {
		return nil
	}
	on := thisMachine()
	type answer struct {
		text []byte
		err  error
	}
	asked := make(map[string]answer)
	read := on.Read
	on.Read = func(ctx context.Context, mountpoint string) ([]byte, error) {
		a, ok := asked[mountpoint]
		if !ok {
			a.text, a.err = read(ctx, mountpoint)
			asked[mountpoint] = a
		}
		return a.text, a.err
	}
	var first, said string
	for i, path := range paths {
		flag.Changed, f.price = false, 0
		taken, err := config.TakeKnown(cmd.Context(), cmd, on, path) // one that does not tell has no price
		if err != nil {
			return err
		}
		text := flag.Value.String()
		if i == 0 {
			first, said = text, strings.Join(taken.From, "; ")
		}
		if text != first {
			return fmt.Errorf("%s and %s are on mounts with different prices: name one with --price", paths[0], path)
		}
	}
	if said != "" {
		cmd.PrintErrf("%s: %s\n", cmd.CommandPath(), said)
	}
	return nil
}

func (f *warmFlags) check() error {
	if f.dryRun && f.heads {
		return errors.New("--dry-run tells what media costs, and --heads fetches none: want one of them")
	}
	if f.sharedOnly && (f.dryRun || f.heads) {
		return errors.New("--shared-only fills the bucket, and --dry-run and --heads tell of the cache of the mount: want one of them")
	}
	if f.parallel < 1 || f.parallel > mostParallel {
		return fmt.Errorf("--parallel %d: want 1 to %d", f.parallel, mostParallel)
	}
	return nil
}

// untilInterrupted does some work, which may wait for the mount and not notice that ctx has ended.
func untilInterrupted(ctx context.Context, work func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- work(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(warmGrace):
		return errWarmInterrupted
	}
}

// errWarmInterrupted: what is in the cache stays there.
var errWarmInterrupted = errors.New("interrupted: what is in the cache stays there, the same command goes on with the rest")

// run finds the clips and reads them, or says what that would take.
func (f *warmFlags) run(ctx context.Context, paths []string, stdout, stderr io.Writer) error {
	clips, failed, err := warm.Find(ctx, paths)
	if ctx.Err() != nil {
		return errWarmInterrupted
	}
	if err != nil {
		return err
	}
	for _, broken := range failed {
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", broken.Path, broken.Err)
	}
	if f.dryRun {
		if err := warm.Report(stdout, clips, f.price); err != nil {
			return err
		}
		return failedPaths(len(failed))
	}
	begun := time.Now()
	progress, end := warm.NewProgress(stderr, clips, f.heads)
	result := warm.Run(ctx, clips, warm.Options{Parallel: f.parallel, Heads: f.heads, Progress: progress})
	end()
	if ctx.Err() != nil {
		return errWarmInterrupted
	}
	if f.heads {
		_, err = fmt.Fprintf(stdout, "%d clips open at once now: their heads are in the cache (%s)\n", result.Fetched, time.Since(begun).Round(time.Millisecond))
		return errors.Join(err, failedPaths(len(failed)+len(result.Failed)))
	}
	_, err = fmt.Fprintf(stdout, "%d clips in the cache: %d fetched, %d were there (%s)\n",
		result.There+result.Fetched, result.Fetched, result.There, time.Since(begun).Round(time.Millisecond))
	for _, broken := range result.Failed {
		if warm.IsEvicted(broken.Err) { // the others were told of when they failed
			_, _ = fmt.Fprintf(stderr, "%s: %v\n", broken.Path, broken.Err)
		}
	}
	return errors.Join(err, failedPaths(len(failed)+len(result.Failed)))
}

func failedPaths(n int) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d of what was to be in the cache failed, as said above", n)
}
