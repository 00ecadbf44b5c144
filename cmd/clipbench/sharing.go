package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"clipfs/clip/shared/gateway"
	"clipfs/cmd/clipbench/internal/fleet"
)

const (
	// storeLatency and storeRate are those of the store between hosts.
	storeLatency = 30 * time.Millisecond
	storeRate    = 80_000_000
	// together is how many hosts read at once.
	together = 8
	// alternations is how often a bucket that is gone is compared with none, at least.
	alternations = 9
)

// startRig starts an archive and a store between hosts. The caller closes it.
func (b *bench) startRig(ctx context.Context, quota bool) (*fleet.Rig, error) {
	footage, err := makeFootage(ctx, filepath.Join(b.dir, "camera.mp4"), 2, fleetBitrate)
	if err != nil {
		return nil, err
	}
	return fleet.Start(ctx, fleet.Options{
		Binary: b.binary, Dir: b.dir, Footage: footage, Latency: b.latency, Bandwidth: b.rate, StoreLatency: storeLatency, StoreBandwidth: storeRate,
		NoQuota: !quota, Report: func(err error) { b.say("watchdog: %v", err) },
	})
}

// withRig measures over an archive and a store; without the program of the store nothing is measured.
func (b *bench) withRig(ctx context.Context, quota bool, rows []row, measure func(*fleet.Rig) error) (err error) {
	rig, err := b.startRig(ctx, quota)
	if errors.Is(err, gateway.ErrMissing) {
		for i := range rows {
			rows[i].missing = err.Error()
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rig.Close()) }()
	return measure(rig)
}

func sharingTask() task {
	const eight, ninth = "1h.mp4, cold, by eight mounts at once with one bucket", "1h.mp4 by a ninth mount, cold"
	return task{"sharing", []row{
		{name: eight + ": bytes of the archive", against: "one alone", limit: 1.1},
		{name: eight + ": the last to have read it", against: "one alone", limit: 2},
		{name: ninth + ": GetClip calls", limit: 0},
		{name: "1h.mp4 that is in the bucket, by eight mounts at once: the last to have read it", against: "one alone from the archive", limit: 2},
	}, func(ctx context.Context, b *bench, rows []row) error {
		return b.withRig(ctx, true, rows, func(rig *fleet.Rig) error { return b.measureSharing(ctx, rig, rows) })
	}}
}

func (b *bench) measureSharing(ctx context.Context, rig *fleet.Rig, rows []row) error {
	flags := append(rig.Store.Flags("fleet"), fleet.Patient()...)
	alone, one, err := readTogether(ctx, rig, 1, flags, rig.Hour.Add(-time.Hour))
	if err != nil {
		return err
	}
	all, eight, err := readTogether(ctx, rig, together, flags, rig.Hour.Add(-2*time.Hour))
	if err != nil {
		return err
	}
	ninth, _, err := readTogether(ctx, rig, 1, flags, rig.Hour.Add(-2*time.Hour))
	if err != nil {
		return err
	}
	rows[0].value = float64(all.Bytes) / float64(alone.Bytes)
	rows[0].note = fmt.Sprintf("%d MB in %d calls, %d GET and %d PUT, against %d MB in %d calls, %d GET and %d PUT; once",
		all.Bytes/1e6, all.Calls, all.Gets, all.Puts, alone.Bytes/1e6, alone.Calls, alone.Gets, alone.Puts)
	rows[1].value = eight.End.Seconds() / one.End.Seconds()
	rows[1].note = fmt.Sprintf("%s against %s, open after %s and %s, all processes on this machine; once",
		seconds(eight.End.Seconds()), seconds(one.End.Seconds()), seconds(eight.Open.Seconds()), seconds(one.Open.Seconds()))
	rows[2].value, rows[2].note = float64(ninth.Calls), fmt.Sprintf("%d GET and %d PUT", ninth.Gets, ninth.Puts)
	// What this machine takes for so many mounts, the store and its readers, where no host waits for another.
	there, floor, err := readTogether(ctx, rig, together, flags, rig.Hour.Add(-2*time.Hour))
	if err != nil {
		return err
	}
	rows[3].value = floor.End.Seconds() / one.End.Seconds()
	rows[3].note = fmt.Sprintf("%s, open after %s; %d GET and %d PUT; once", seconds(floor.End.Seconds()), seconds(floor.Open.Seconds()), there.Gets, there.Puts)
	return nil
}

// readTogether has cold hosts read an hour at once, and gives what that took and when the last had it open and had read it. All is uploaded then.
func readTogether(ctx context.Context, rig *fleet.Rig, n int, flags []string, at time.Time) (t fleet.Taken, last fleet.Times, err error) {
	var hosts []*fleet.Host
	defer func() {
		for _, h := range hosts {
			err = errors.Join(err, h.Close())
		}
	}()
	for range n {
		h, err := rig.Mount(ctx, flags...)
		if err != nil {
			return t, last, err
		}
		hosts = append(hosts, h)
	}
	if _, err := rig.Take(ctx); err != nil {
		return t, last, err
	}
	times, err := fleet.All(hosts, func(int) time.Time { return at }, "1h")
	if err != nil {
		return t, last, err
	}
	for i, h := range hosts {
		last.Open, last.End = max(last.Open, times[i].Open), max(last.End, times[i].End)
		if err := h.Drain(ctx); err != nil {
			return t, last, err
		}
	}
	t, err = rig.Take(ctx)
	return t, last, err
}

func sharedDayTask() task {
	return task{"shared-day", []row{
		{name: "24h.mp4 of a day that another host has opened, cold: open", limit: 5, unit: " s"},
		{name: "24h.mp4 of a day that another host has opened, cold: GetClip calls", limit: 0},
	}, func(ctx context.Context, b *bench, rows []row) error {
		return b.withRig(ctx, true, rows, func(rig *fleet.Rig) (err error) {
			flags := append(rig.Store.Flags("fleet"), fleet.Patient()...)
			at := rig.Hour.Add(-30 * time.Hour)
			first, err := openDay(ctx, rig, flags, at)
			if err != nil {
				return err
			}
			if _, err := rig.Take(ctx); err != nil {
				return err
			}
			second, err := openDay(ctx, rig, flags, at)
			if err != nil {
				return err
			}
			t, err := rig.Take(ctx)
			rows[0].value, rows[1].value = second.Seconds(), float64(t.Calls)
			rows[0].note = fmt.Sprintf("the other host took %s; %d pages of ListFragments, %d GET and %d PUT", seconds(first.Seconds()), t.Listings, t.Gets, t.Puts)
			return err
		})
	}}
}

// openDay opens a day on a cold host, and waits until all is uploaded.
func openDay(ctx context.Context, rig *fleet.Rig, flags []string, at time.Time) (_ time.Duration, err error) {
	h, err := rig.Mount(ctx, flags...)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	t, err := h.Open(at, "24h")
	return t.Open, errors.Join(err, h.Drain(ctx))
}

func goneTask() task {
	return task{"gone", []row{
		{name: "a bucket that hangs: looks that wait for it until it is left alone", limit: 32},
		{name: "1h.mp4, cold, throughput, the bucket gone for good", against: "no bucket", atLeast: true, limit: 0.95},
	}, func(ctx context.Context, b *bench, rows []row) error {
		return b.withRig(ctx, false, rows, func(rig *fleet.Rig) error {
			if err := measureHanging(ctx, rig, &rows[0]); err != nil {
				return err
			}
			return b.measureGone(ctx, rig, &rows[1])
		})
	}}
}

// measureHanging has a cold host read through a bucket that answers nothing.
func measureHanging(ctx context.Context, rig *fleet.Rig, r *row) (err error) {
	rig.Store.Hang(true)
	defer rig.Store.Hang(false)
	h, err := rig.Mount(ctx, rig.Store.Flags("hangs")...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	t, err := h.Read(rig.Hour.Add(-time.Hour), "1h")
	if err != nil {
		return err
	}
	looks, err := h.Looks()
	r.value = looks["failed"]
	r.note = fmt.Sprintf("as many as are under way when the first is answered by nothing for 500 ms; %g looks made no request; opened after %s, read after %s",
		looks["skipped"], seconds(t.Open.Seconds()), seconds(t.End.Seconds()))
	return err
}

// measureGone reads with a bucket at whose address nothing is, and without one, in turn.
func (b *bench) measureGone(ctx context.Context, rig *fleet.Rig, r *row) (err error) {
	flags := [][]string{append(rig.Store.Flags("gone"), "--shared-endpoint-url", "http://127.0.0.1:1"), nil}
	var hosts []*fleet.Host
	defer func() {
		for _, h := range hosts {
			err = errors.Join(err, h.Close())
		}
	}()
	for _, f := range flags {
		h, err := rig.Mount(ctx, append(f, "--cache-size", "12GiB")...)
		if err != nil {
			return err
		}
		hosts = append(hosts, h)
	}
	hour := rig.Hour.Add(-2 * time.Hour)
	read := func(h *fleet.Host) timed {
		return func(context.Context, int) (time.Duration, error) {
			hour = hour.Add(-time.Hour)
			t, err := h.Read(hour, "1h")
			return t.End, err
		}
	}
	for _, h := range hosts { // data endpoint, connections, and the breaker
		if _, err := read(h)(ctx, 0); err != nil {
			return err
		}
	}
	more := *b
	more.rounds = max(alternations, b.rounds)
	p, err := more.alternate(ctx, read(hosts[0]), read(hosts[1]))
	if err != nil {
		return err
	}
	r.value, r.note = p.faster(), p.note()+"; the archive has no quota here"
	return nil
}
