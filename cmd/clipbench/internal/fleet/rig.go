package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"clipfs/clip/emulator/control"
	"clipfs/cmd/internal/child"
	"clipfs/cmd/internal/fuseconn"
	"clipfs/fs/mountinfo"
)

const (
	// Stream is the stream that there is.
	Stream = "camera"
	// mountedFor is how long a mount may live before its connection is aborted.
	mountedFor = 10 * time.Minute
	// drained is how long uploads of a mount may take after its reads.
	drained = 2 * time.Minute
	// emulated is how long the emulator keeps footage, in hours.
	emulated = 80
)

// Options are the settings of a Rig.
type Options struct {
	// Binary is clipfs, Dir where caches and mountpoints are made, Footage what the stream repeats.
	Binary, Dir, Footage string
	// Latency and Bandwidth are those of the archive's data calls, StoreLatency and StoreBandwidth those of the store.
	Latency, StoreLatency     time.Duration
	Bandwidth, StoreBandwidth int64
	// Quota is off where calls are not refused.
	NoQuota bool
	// Report is told of what should not happen.
	Report func(error)
}

// Rig is an archive, a store, and mounts.
type Rig struct {
	options  Options
	emulator *control.Process
	Store    *Store
	// Hour is the newest hour whose footage is final.
	Hour time.Time
}

// Start starts an emulator and a store.
func Start(ctx context.Context, o Options) (_ *Rig, err error) {
	r := &Rig{options: o, Hour: time.Now().UTC().Truncate(time.Hour).Add(-2 * time.Hour)}
	if r.Store, err = StartStore(ctx, o.StoreLatency, o.StoreBandwidth); err != nil {
		return nil, err
	}
	quota := "on"
	if o.NoQuota {
		quota = "off"
	}
	r.emulator, err = control.Start(ctx, control.Command{Program: o.Binary, Args: []string{
		"--stream", fmt.Sprintf("%s=%s@%s,loop", Stream, o.Footage, r.Hour.Add(-(emulated-8)*time.Hour).Format(time.RFC3339)), "--retention", fmt.Sprintf("%dh", emulated), "--quota", quota,
		"--latency", o.Latency.String(), "--bandwidth", fmt.Sprint(o.Bandwidth),
	}})
	if err != nil {
		return nil, errors.Join(err, r.Store.Close())
	}
	return r, nil
}

// Close ends both.
func (r *Rig) Close() error { return errors.Join(r.emulator.Close(), r.Store.Close()) }

// Host is a mount.
type Host struct {
	path, cache string
	process     *child.Process
	cancel      context.CancelFunc
}

// Mount starts a mount with a new cache.
func (r *Rig) Mount(ctx context.Context, flags ...string) (_ *Host, err error) {
	h := &Host{cancel: func() {}}
	if h.cache, err = os.MkdirTemp(r.options.Dir, "cache-"); err != nil {
		return nil, err
	}
	if h.path, err = os.MkdirTemp(r.options.Dir, "mnt-"); err != nil {
		return nil, err
	}
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.cancel = cancel
	fuseconn.Watch(watching, h.path, mountedFor, r.options.Report)
	all := append([]string{"mount", "--endpoint-url", r.emulator.Endpoint, "--cache-dir", h.cache}, flags...)
	if h.process, err = child.Start(r.options.Binary, nil, append(all, h.path)...); err == nil {
		err = h.process.AwaitReady(ctx, "msg=serving")
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// Close unmounts it and removes its cache.
func (h *Host) Close() error {
	var err error
	if h.process != nil {
		err = h.process.Stop(os.Interrupt)
	}
	h.cancel()
	if _, found := mountinfo.Find(h.path); found == nil {
		err = errors.Join(err, unix.Unmount(h.path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW))
	}
	return errors.Join(err, os.Remove(h.path), os.RemoveAll(h.cache))
}

// Clip gives the path of a clip of a length, such as "1h", from a time on.
func (h *Host) Clip(at time.Time, length string) string {
	return filepath.Join(h.path, Stream, at.UTC().Format("2006-01-02T15:04"), length+".mp4")
}

// status gives what .clipfs/status.json says.
func (h *Host) status() (string, error) {
	text, err := os.ReadFile(filepath.Join(h.path, ".clipfs", "status.json"))
	return string(text), err
}

// Looks gives what came of looks into the bucket.
func (h *Host) Looks() (map[string]float64, error) {
	text, err := h.status()
	if err != nil {
		return nil, err
	}
	var s struct {
		Shared struct{ Looks map[string]float64 }
	}
	err = json.Unmarshal([]byte(text), &s)
	return s.Shared.Looks, err
}

// Drain waits until nothing waits to be uploaded.
func (h *Host) Drain(ctx context.Context) error {
	for deadline := time.Now().Add(drained); time.Now().Before(deadline); {
		text, err := h.status()
		if err != nil {
			return err
		}
		if !strings.Contains(text, `"waiting_bytes"`) || strings.Contains(text, `"waiting_bytes": 0`+"\n") {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.New("uploads do not end")
}

// Times are how long a host took to open a clip, and to open and read it.
type Times struct {
	Open, End time.Duration
	Bytes     int64
}

// read opens a clip and reads it.
func read(path string, media bool) (t Times, err error) {
	began := time.Now()
	f, err := os.Open(path)
	if err != nil {
		return t, err
	}
	t.Open = time.Since(began)
	if media {
		t.Bytes, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, make([]byte, 1<<20))
	}
	t.End = time.Since(began)
	return t, errors.Join(err, f.Close())
}

// Open opens a clip and reads nothing.
func (h *Host) Open(at time.Time, length string) (Times, error) {
	return read(h.Clip(at, length), false)
}

// Read opens a clip and reads it.
func (h *Host) Read(at time.Time, length string) (Times, error) {
	return read(h.Clip(at, length), true)
}

// Taken is what was taken of the archive and of the store.
type Taken struct {
	// Listings are pages of ListFragments, and Listed the fragments in them.
	Calls, Points, Bytes, Listings, Listed int64
	Gets, Puts                             int
}

// Take gives what was taken since it was last asked.
func (r *Rig) Take(ctx context.Context) (t Taken, err error) {
	counts, err := r.emulator.Calls(ctx)
	if err != nil {
		return t, err
	}
	for _, c := range counts {
		switch c.API {
		case "GetClip":
			t.Calls += c.Calls - c.Throttled
			t.Points += c.Fragments
			t.Bytes += c.Bytes
		case "ListFragments":
			t.Listings += c.Calls - c.Throttled
			t.Listed += c.Fragments
		}
	}
	requests := r.Store.Take()
	t.Gets, t.Puts = requests["GET"]+requests["HEAD"], requests["PUT"]
	return t, r.emulator.ResetCalls(ctx)
}

// All has hosts read a clip each at once.
func All(hosts []*Host, at func(i int) time.Time, length string) ([]Times, error) {
	times, errs := make([]Times, len(hosts)), make([]error, len(hosts))
	var all sync.WaitGroup
	for i, h := range hosts {
		all.Go(func() { times[i], errs[i] = h.Read(at(i), length) })
	}
	all.Wait()
	return times, errors.Join(errs...)
}
