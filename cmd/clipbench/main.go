package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"
)

type settings struct {
	json, profile string
	plots         string
	row           string
	latency       time.Duration
	bandwidth     string
	rounds        int
	dir           string

	// pattern and rate are row and bandwidth, read.
	pattern *regexp.Regexp
	rate    int64
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var s settings
	cmd := &cobra.Command{
		Use:   "clipbench",
		Short: "Measure clipfs against local files, direct calls and what people use instead",
		Long: `Measure clipfs against local files, against the same calls made directly, and against what people use instead, on an
emulator with the latency and the bandwidth of a network, and print a Markdown table. A row that falls short is shown as
such; the exit code is 0 if every row was measured or cannot be measured here.`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.check(); err != nil {
				return err
			}
			return s.run(cmd.Context(), stdout, stderr)
		},
	}
	s.bind(cmd)
	cmd.AddCommand(newBareCommand(stderr), newFilesCommand(stdout), newIndexCommand(stdout), newTimelineCommand(stdout), newFleetCommand(stdout, stderr))
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	if err := cmd.ExecuteContext(ctx); err != nil {
		_, _ = fmt.Fprintf(stderr, "clipbench: %v\n", err)
		return 1
	}
	return 0
}

// hiddenCommand is a command that the benchmark itself runs, in a process of its own, with so many arguments.
func hiddenCommand(use, short string, arguments int, run func(ctx context.Context, args []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(arguments), Hidden: true, RunE: func(cmd *cobra.Command, args []string) error {
		return run(cmd.Context(), args)
	}}
}

func (s *settings) bind(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.json, "json", "", "write the rows to this `file` too, as JSON")
	f.StringVar(&s.plots, "plots", "", "draw cost against size of the rows that have it, as SVG in this `directory`")
	f.StringVar(&s.profile, "profile", "", "write CPU and heap profiles of each task's mounts below this `directory`")
	f.StringVar(&s.row, "row", "", "measure only rows whose text matches this regular `expression`")
	f.DurationVar(&s.latency, "latency", 300*time.Millisecond, "how long the emulator waits before it answers a data call")
	f.StringVar(&s.bandwidth, "bandwidth", "25MB/s", "`bytes` a second of each of the emulator's data connections; 0 is unlimited")
	f.IntVar(&s.rounds, "rounds", 5, "how often each thing is measured; values are medians")
	f.StringVar(&s.dir, "dir", "", "`directory` for caches and copies, some GB (default a temporary one)")
}

func (s *settings) check() (err error) {
	if s.rounds < 1 {
		return fmt.Errorf("--rounds %d: want at least 1", s.rounds)
	}
	if s.pattern, err = regexp.Compile("(?i)" + s.row); err != nil {
		return fmt.Errorf("--row: %w", err)
	}
	if s.rate, err = units.FromHumanSize(strings.TrimSuffix(s.bandwidth, "/s")); err != nil {
		return fmt.Errorf("--bandwidth %q: want bytes a second, such as 25MB/s", s.bandwidth)
	}
	if !slices.ContainsFunc(tasks(), func(t task) bool { return t.selected(s.pattern) }) {
		return fmt.Errorf("--row %q: no row matches", s.row)
	}
	return nil
}

func (s *settings) run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	b, err := newBench(ctx, *s, stderr)
	if err != nil {
		return err
	}
	defer b.close()
	var report report
	for _, t := range tasks() {
		if !t.selected(s.pattern) {
			continue
		}
		rows, err := b.measure(ctx, t)
		report.add(rows)
		if err != nil {
			return err
		}
	}
	report.keep(s.pattern)
	if err := report.markdown(stdout, b); err != nil {
		return err
	}
	if s.json != "" {
		if err := report.json(s.json); err != nil {
			return err
		}
	}
	return report.err()
}
