package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"
)

type row struct {
	name, against string
	// atLeast says that the value has to be limit or more; else limit or less.
	atLeast bool
	limit   float64
	unit    string

	// What measure fills in: missing says why it could not be measured here, err why it failed.
	value float64
	note  string
	// rounds has what was measured, by what it is of; nil where that is only in the note.
	rounds  map[string][]float64
	missing string
	err     error
}

// text is what --row is matched with, and what JSON calls the row.
func (r *row) text() string {
	if r.against == "" {
		return r.name
	}
	return r.name + " / " + r.against
}

func (r *row) target() string {
	sign := "≤"
	if r.atLeast {
		sign = "≥"
	}
	return fmt.Sprintf("%s %g%s", sign, r.limit, r.unit)
}

func (r *row) measured() bool { return r.missing == "" && r.err == nil }

func (r *row) ok() bool {
	if !r.measured() {
		return false
	}
	if r.atLeast {
		return r.value >= r.limit
	}
	return r.value <= r.limit
}

func (r *row) shown() string {
	switch {
	case r.err != nil:
		return "failed"
	case r.missing != "":
		return "not measured"
	case r.value >= 100:
		return fmt.Sprintf("%.0f%s", r.value, r.unit)
	case r.value >= 10:
		return fmt.Sprintf("%.1f%s", r.value, r.unit)
	}
	return fmt.Sprintf("%.2f%s", r.value, r.unit)
}

// unmeasured says why some rows cannot be measured here.
func unmeasured(rows []row, why string) {
	for i := range rows {
		rows[i].missing = why
	}
}

// task measures some rows in one go.
type task struct {
	// name is that of its directory of profiles.
	name    string
	rows    []row
	measure func(ctx context.Context, b *bench, rows []row) error
}

func (t *task) selected(pattern *regexp.Regexp) bool {
	return slices.ContainsFunc(t.rows, func(r row) bool { return pattern.MatchString(r.text()) })
}

func tasks() []task {
	return []task{
		sequentialTask(), firstTask(), randomTask(), passTask(), firstFrameTask(), hourTask(), seekTask(), dayTask(), playlistTask(), inDayTask(), headerTask(), memoryTask(),
		listTask(), readyTask(), webTask(), pageTask(), emulatorTask(), sharingTask(), sharedDayTask(), goneTask(),
		crowdTask(), readersTask(), entriesTask(), processorTask(), peersTask(),
	}
}

// pairs are what was measured in alternation, in seconds.
type pairs struct{ ours, theirs []float64 }

func (p *pairs) add(ours, theirs time.Duration) {
	p.ours = append(p.ours, ours.Seconds())
	p.theirs = append(p.theirs, theirs.Seconds())
}

// ratios gives for each round how much longer ours took.
func (p *pairs) ratios() []float64 {
	all := make([]float64, len(p.ours))
	for i := range all {
		all[i] = p.ours[i] / p.theirs[i]
	}
	return all
}

// longer is the median of the ratios: how many times longer ours took.
func (p *pairs) longer() float64 { return median(p.ratios()) }

func (p *pairs) faster() float64 { return 1 / p.longer() }

func (p *pairs) note() string {
	return fmt.Sprintf("%s against %s, %d rounds", seconds(median(p.ours)), seconds(median(p.theirs)), len(p.ours))
}

func seconds(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%.3g ms", s*1000)
	}
	return fmt.Sprintf("%.3g s", s)
}

// median gives the middle one of some values; of an even number the mean of the two in the middle.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// percentile gives the smallest value that p percent of all are no larger than.
func percentile(values []float64, p int) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

// timed is something whose time is taken. Rounds count from 0.
type timed func(ctx context.Context, round int) (time.Duration, error)

// alternate takes the times of ours and theirs in turn.
func (b *bench) alternate(ctx context.Context, ours, theirs timed) (*pairs, error) {
	var p pairs
	for i := range b.rounds {
		a, err := ours(ctx, i)
		if err != nil {
			return nil, fmt.Errorf("ours, round %d: %w", i, err)
		}
		z, err := theirs(ctx, i)
		if err != nil {
			return nil, fmt.Errorf("theirs, round %d: %w", i, err)
		}
		p.add(a, z)
	}
	return &p, nil
}
