package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
	"clipfs/clip/names"
	"clipfs/clip/timeline"
	"clipfs/cmd/internal/child"
)

// timelineCommand is the hidden command that looks at a large account with a timeline alone, and says how much memory that has.
const timelineCommand = "timeline"

// timelineMemory has a process of its own ask a timeline for what a user looks at.
func (c *crowd) timelineMemory(ctx context.Context, r *row) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	out, err := child.Output(ctx, self, timelineCommand, c.endpoint, c.newest.Format(time.RFC3339))
	if err != nil {
		return err
	}
	var after []float64
	if err := json.Unmarshal(out, &after); err != nil || len(after) != 3 {
		return fmt.Errorf("timeline: %q: %w", out, err)
	}
	r.value = after[2]
	r.note = fmt.Sprintf("%.1f MiB with the days of 1,000 streams, %.1f with the hours of 20 days, %.1f with the minutes of 100 hours of 1,800 fragments: the heap after a collection, "+
		"of a process that has nothing else", after[0], after[1], after[2])
	r.rounds = map[string][]float64{"MiB after 1000 roots, 20 days, 100 hours": after}
	return nil
}

func newTimelineCommand(stdout io.Writer) *cobra.Command {
	return &cobra.Command{
		Use:    timelineCommand + " ENDPOINT NEWEST",
		Short:  "Ask a timeline for what a user of a large account looks at, and say how much memory that takes",
		Args:   cobra.ExactArgs(2),
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			newest, err := time.Parse(time.RFC3339, args[1])
			if err != nil {
				return err
			}
			after, err := lookAtTimeline(cmd.Context(), args[0], newest)
			if err != nil {
				return err
			}
			return json.NewEncoder(stdout).Encode(after)
		},
	}
}

// lookAtTimeline asks for the days of all streams, the hours of some days and the minutes of some hours, and gives how many MiB a timeline has after
// each.
func lookAtTimeline(ctx context.Context, endpoint string, newest time.Time) (after []float64, err error) {
	cfg, err := kvs.EmulatorConfig(endpoint, kvs.EmulatorOptions{})
	if err != nil {
		return nil, err
	}
	service, err := kvs.New(cfg, kvs.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, service.Close()) }()
	before := heap()
	var grammar names.Grammar
	t := timeline.New(service, timeline.Options{TTL: time.Hour})
	stream := func(i int) archive.StreamName { return archive.StreamName(crowdStream(i)) }
	for _, look := range []struct {
		n  int
		at func(ctx context.Context, i int) (int, error)
	}{
		{crowdStreams, func(ctx context.Context, i int) (int, error) {
			days, err := t.Days(ctx, stream(i))
			return len(days), err
		}},
		{lookedDays, func(ctx context.Context, i int) (int, error) {
			hours, err := t.Hours(ctx, stream(i), grammar.Containing(newest.AddDate(0, 0, -1-i), archive.Day), false)
			return len(hours), err
		}},
		{lookedHours, func(ctx context.Context, i int) (int, error) {
			minutes, err := t.Minutes(ctx, stream(i%lookedDays), grammar.Containing(newest.Add(-time.Duration(24+i)*time.Hour), archive.Hour))
			return len(minutes), err
		}},
	} {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(looksAtOnce)
		for i := range look.n {
			group.Go(func() error {
				n, err := look.at(ctx, i)
				if err == nil && n == 0 {
					err = fmt.Errorf("stream %s has nothing", stream(i))
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		after = append(after, float64(heap()-before)/(1<<20))
	}
	runtime.KeepAlive(t)
	return after, nil
}
