package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"clipfs/cache"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/mount"

	"github.com/spf13/cobra"
)

func cacheCommand() *cobra.Command {
	return config.Group("cache", "Look into a cache directory, check it, or clear it", `Look into a cache directory, check it, or clear it. A mount may go on using it meanwhile.

It is the cache that --cache-dir, the environment or --config name, else that of the mount on MOUNTPOINT, else that of
the only mount there is: one that runs, or one that systemd starts, with its settings in /etc/clipfs/NAME.env. stderr
says which cache it is.`, cacheLsCommand(), cacheVerifyCommand(), cacheClearCommand())
}

type cacheFlags struct {
	dir  string
	json bool
}

func (f *cacheFlags) bind(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.dir, "cache-dir", "", "`directory` of the cache (default that of MOUNTPOINT or of the only mount, else clipfs in the user's cache directory)")
	cmd.Flags().BoolVar(&f.json, "json", false, "answer in JSON")
	config.WithFile(cmd, "cache-dir")
}

// dirs gives the directories of the caches. Where no flag, variable or config file names one, it is that of the mount that args
// name, else of the only mount, and stderr says so.
func (f *cacheFlags) dirs(cmd *cobra.Command, args []string) ([]string, error) {
	mountpoint := config.Optional(args)
	if f.dir == "" {
		taken, err := config.TakeKnown(cmd.Context(), cmd, thisMachine(), mountpoint)
		if err = errors.Join(err, taken.Err); err != nil && f.dir == "" {
			return nil, fmt.Errorf("%w; --cache-dir names a cache without a mount", err)
		}
		if len(taken.From) > 0 {
			cmd.PrintErrf("%s: %s: %s\n", cmd.CommandPath(), f.dir, strings.Join(taken.From, "; "))
		}
		if mountpoint != "" && f.dir == "" {
			return nil, fmt.Errorf("nothing is known of a mount on %s: none runs there, and there is no /etc/clipfs/NAME.env for it; --cache-dir names a cache", mountpoint)
		}
	} else if mountpoint != "" {
		cmd.PrintErrf("%s: %s: cache-dir from %s, which goes before the mount\n", cmd.CommandPath(), f.dir, config.OriginOf(cmd.Flags().Lookup("cache-dir")))
	}
	if f.dir == "" {
		var err error
		if f.dir, err = mount.DefaultCacheDir(); err != nil {
			return nil, err
		}
	}
	return []string{f.dir, filepath.Join(f.dir, mount.HeadsDir)}, nil
}

// command is one of the commands below clipfs cache.
func (f *cacheFlags) command(name, short, long string, run func(*cobra.Command, []string) error) *cobra.Command {
	cmd := &cobra.Command{Use: name + " [flags] [MOUNTPOINT]", Short: short, Long: long, Args: cobra.MaximumNArgs(1), ValidArgsFunction: completeMounts, RunE: run}
	f.bind(cmd)
	return cmd
}

func cacheLsCommand() *cobra.Command {
	var f cacheFlags
	return f.command("ls", "List what is in a cache: what, how big, last used; the least recently used first", "", func(cmd *cobra.Command, args []string) error {
		dirs, err := f.dirs(cmd, args)
		if err != nil {
			return err
		}
		var infos []cache.Info
		for _, dir := range dirs {
			some, err := cache.Inspect(dir)
			if err != nil {
				return err
			}
			infos = append(infos, some...)
		}
		slices.SortStableFunc(infos, func(a, b cache.Info) int { return a.Used.Compare(b.Used) })
		return f.print(cmd.OutOrStdout(), infos)
	})
}

func cacheVerifyCommand() *cobra.Command {
	var f cacheFlags
	return f.command("verify", "Read all that is in a cache and compare it with its checksums",
		`Read all that is in a cache and compare it with its checksums. Damaged entries are listed and removed, and fetched
again when they are next read; the exit code is 1 then.`, f.verify)
}

func (f *cacheFlags) verify(cmd *cobra.Command, args []string) error {
	dirs, err := f.dirs(cmd, args)
	if err != nil {
		return err
	}
	var damaged []cache.Info
	var failed error
	entries, bytes := 0, int64(0)
	for _, dir := range dirs {
		err := cache.Verify(cmd.Context(), dir, func(info cache.Info) {
			entries, bytes = entries+1, bytes+info.Size
			if info.Err != nil {
				damaged = append(damaged, info)
				failed = errors.Join(failed, info.Remove())
			}
		})
		if err != nil {
			return err
		}
	}
	if len(damaged) > 0 || f.json {
		if err := f.print(cmd.OutOrStdout(), damaged); err != nil {
			return err
		}
	}
	if failed != nil {
		return failed
	}
	if len(damaged) > 0 {
		return fmt.Errorf("%d of %d entries were damaged and are removed: they are fetched again when they are read", len(damaged), entries)
	}
	if f.json {
		return nil
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d entries, %s: nothing is damaged\n", entries, config.Bytes(bytes))
	return err
}

func cacheClearCommand() *cobra.Command {
	var f cacheFlags
	var older time.Duration
	var streams []string
	cmd := f.command("clear", "Remove what is in a cache", `Remove what is in a cache, or only what both flags apply to. Open files of the mount stay readable.
Exact sizes and the timeline, which have no footage, are kept.`, func(cmd *cobra.Command, args []string) error {
		before := time.Now().Add(-older)
		return f.clear(cmd, args, func(info cache.Info) bool {
			return (older == 0 || info.Used.Before(before)) && (len(streams) == 0 || slices.Contains(streams, info.About.Stream))
		})
	})
	cmd.Flags().Var(config.Age(&older), "older", "only what was not used for this long, such as 7d")
	cmd.Flags().StringArrayVar(&streams, "stream", nil, "only footage of the stream of this `name`; repeat it for more")
	return cmd
}

func (f *cacheFlags) clear(cmd *cobra.Command, args []string, match func(cache.Info) bool) error {
	dirs, err := f.dirs(cmd, args)
	if err != nil {
		return err
	}
	var removed []cache.Info
	var failed error
	for _, dir := range dirs {
		some, err := cache.Clear(dir, match)
		removed, failed = append(removed, some...), errors.Join(failed, err)
	}
	if f.json {
		return errors.Join(failed, f.print(cmd.OutOrStdout(), removed))
	}
	bytes := int64(0)
	for _, info := range removed {
		bytes += info.DiskBytes
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d entries removed, %s\n", len(removed), config.Bytes(bytes))
	return errors.Join(failed, err)
}

type cachedEntry struct {
	Key       cache.Key  `json:"key"`
	Stream    string     `json:"stream,omitempty"`
	What      string     `json:"what,omitempty"`
	Start     *time.Time `json:"start,omitempty"`
	End       *time.Time `json:"end,omitempty"`
	Fragments int        `json:"fragments,omitempty"`
	Size      int64      `json:"size"`
	DiskBytes int64      `json:"disk_bytes"`
	Created   time.Time  `json:"created"`
	Used      time.Time  `json:"used"`
	Expires   *time.Time `json:"expires,omitempty"`
	Growing   bool       `json:"growing,omitempty"`
	Error     string     `json:"error,omitempty"`
}

func (f *cacheFlags) print(out io.Writer, infos []cache.Info) error {
	if f.json {
		return printJSON(out, infos)
	}
	return printTable(out, infos)
}

func printJSON(out io.Writer, infos []cache.Info) error {
	list := make([]cachedEntry, 0, len(infos))
	for _, i := range infos {
		e := cachedEntry{
			Key: i.Key, Stream: i.About.Stream, What: i.About.Kind, Fragments: i.About.Fragments,
			Start: orNull(i.About.Start), End: orNull(i.About.End), Expires: orNull(i.Expires),
			Size: i.Size, DiskBytes: i.DiskBytes, Created: i.Created, Used: i.Used, Growing: i.Growing,
		}
		if i.Err != nil {
			e.Error = i.Err.Error()
		}
		list = append(list, e)
	}
	return config.WriteJSON(out, list)
}

func printTable(out io.Writer, infos []cache.Info) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "STREAM\tFROM\tLENGTH\tFRAGMENTS\tWHAT\tSIZE\tLAST USED") // Flush gives the error
	bytes := int64(0)
	for _, i := range infos {
		bytes += i.DiskBytes
		from, length, what := "-", "-", cmp.Or(i.About.Kind, "-")
		if !i.About.Start.IsZero() {
			from = i.About.Start.Format("2006-01-02T15:04:05.000Z07:00")
			length = i.About.End.Sub(i.About.Start).String()
		}
		switch {
		case i.Err != nil:
			what = i.Err.Error()
		case i.Growing:
			what = "growing"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", cmp.Or(i.About.Stream, "-"), from, length, i.About.Fragments, what,
			config.Bytes(i.Size), i.Used.Format(time.RFC3339))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d entries, %s on disk\n", len(infos), config.Bytes(bytes))
	return err
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
