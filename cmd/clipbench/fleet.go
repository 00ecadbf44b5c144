package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"clipfs/cmd/clipbench/internal/fleet"
	"clipfs/cmd/clipbench/internal/simulate"
)

// fleetSettings are the flags of clipbench fleet.
type fleetSettings struct {
	from, out             string
	most                  int
	real                  []int
	latency, storeLatency time.Duration
	bandwidth             string
	storeBandwidth        string
}

func newFleetCommand(stdout, stderr io.Writer) *cobra.Command {
	var s fleetSettings
	cmd := &cobra.Command{
		Use:   "fleet",
		Short: "Measure hosts that share a bucket, and simulate up to a thousand of them",
		Long: `Have real mounts, each with a cache of its own, read one hour at once over an emulator with quotas and an object store, with and
without the store; take from that what the simulation needs, compare both, and simulate fleets. All numbers go to fleet.json, and what
is made of them, FLEET_TABLES.md and fleet-*.svg, beside it. --from takes the numbers of real mounts from such a file.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context(), stdout, stderr) },
	}
	f := cmd.Flags()
	f.StringVar(&s.from, "from", "", "take what was measured from this `file` of JSON instead of measuring")
	f.StringVar(&s.out, "out", ".", "`directory` for what is made")
	f.IntVar(&s.most, "hosts", 1000, "the most `hosts` to simulate")
	f.IntSliceVar(&s.real, "mounts", []int{1, 2, 4, 8}, "how many real mounts, `numbers` up to 8; one and two are measured in any case")
	f.DurationVar(&s.latency, "latency", 300*time.Millisecond, "how long the archive waits before it answers a data call")
	f.StringVar(&s.bandwidth, "bandwidth", "25MB/s", "`bytes` a second of each of the archive's connections")
	f.DurationVar(&s.storeLatency, "store-latency", 30*time.Millisecond, "how long the store waits before it answers")
	f.StringVar(&s.storeBandwidth, "store-bandwidth", "80MB/s", "`bytes` a second of each of the store's connections")
	return cmd
}

func (s *fleetSettings) run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	if s.most < 1 || s.most > 1000 {
		return fmt.Errorf("--hosts %d: want 1 to 1000", s.most)
	}
	for _, n := range s.real {
		if n < 1 || n > 8 {
			return fmt.Errorf("--mounts %d: want 1 to 8", n)
		}
	}
	if err := os.MkdirAll(s.out, 0o755); err != nil { // before all that takes long
		return err
	}
	var d fleet.Data
	if s.from != "" {
		d, err = fleet.ReadData(s.from)
		fleet.Fit(&d.Costs, d.Real)
	} else {
		d.Costs, d.Real, err = s.measure(ctx, stderr)
	}
	if err != nil {
		return err
	}
	d.Prices = simulate.ListPrices()
	d.Simulate(fleet.Sizes(s.most))
	if err := d.Write(filepath.Join(s.out, "fleet.json")); err != nil {
		return err
	}
	for name, svg := range d.Plots() {
		if err := os.WriteFile(filepath.Join(s.out, name), svg, 0o644); err != nil {
			return err
		}
	}
	tables, err := os.Create(filepath.Join(s.out, "FLEET_TABLES.md"))
	if err != nil {
		return err
	}
	return errors.Join(d.Tables(io.MultiWriter(stdout, tables)), tables.Close())
}

// measure has real mounts read.
func (s *fleetSettings) measure(ctx context.Context, stderr io.Writer) (c simulate.Costs, real []simulate.Result, err error) {
	rates := make([]int64, 2)
	for i, text := range []string{s.bandwidth, s.storeBandwidth} {
		if rates[i], err = units.FromHumanSize(strings.TrimSuffix(text, "/s")); err != nil || rates[i] <= 0 {
			return c, nil, fmt.Errorf("bandwidth %q: want bytes a second, such as 25MB/s", text)
		}
	}
	dir, err := os.MkdirTemp("", "clipbench-")
	if err != nil {
		return c, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(stderr, "== "+format+"\n", args...) }
	say("building clipfs and making footage")
	binary := filepath.Join(dir, "clipfs")
	if err := build(ctx, binary); err != nil {
		return c, nil, err
	}
	footage, err := makeFootage(ctx, filepath.Join(dir, "camera.mp4"), 2, fleetBitrate)
	if err != nil {
		return c, nil, err
	}
	return fleet.Measure(ctx, fleet.Options{
		Binary: binary, Dir: dir, Footage: footage, Latency: s.latency, Bandwidth: rates[0], StoreLatency: s.storeLatency, StoreBandwidth: rates[1],
		Report: func(err error) { say("watchdog: %v", err) },
	}, s.real, say)
}
