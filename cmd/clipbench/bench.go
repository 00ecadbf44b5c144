package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"clipfs/cmd/internal/child"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

// The streams that the emulator serves. All of them loop, and their groups of pictures are fragments.
const (
	// camStream has fragments of 2 s.
	camStream = "cam"
	// dayStream has fragments of 20 s, so that 24 h take no more than some seconds of quota.
	dayStream = "day"
)

const (
	// restAfter is how long after a call the emulator's quota, and that of its caller, is full again.
	restAfter = 1100 * time.Millisecond
	// retention is how much footage there is, in hours, up to when the benchmark started.
	retention = 72
)

// bench is what all tasks share.
type bench struct {
	settings
	stderr io.Writer
	binary string
	// emulator serves the control API at endpoint.
	emulator *child.Process
	endpoint string
	// archive makes calls as clipfs does, without anything in between.
	service *kvs.Archive
	// newest is the last full hour whose footage is final.
	newest time.Time
	// hours is how many hours before newest were handed out by hour.
	hours int
	// task and profiles name directories of profiles.
	task     string
	profiles int
}

func newBench(ctx context.Context, s settings, stderr io.Writer) (_ *bench, err error) {
	b := &bench{settings: s, stderr: stderr, newest: time.Now().UTC().Truncate(time.Hour).Add(-2 * time.Hour)}
	if b.dir, err = os.MkdirTemp(s.dir, "clipbench-"); err != nil {
		return nil, err
	}
	if b.profile != "" {
		if b.profile, err = filepath.Abs(b.profile); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	b.say("building clipfs and making footage")
	b.binary = filepath.Join(b.dir, "clipfs")
	if err := build(ctx, b.binary); err != nil {
		return nil, err
	}
	if err := b.startEmulator(ctx); err != nil {
		return nil, err
	}
	cfg, err := kvs.EmulatorConfig(b.endpoint, kvs.EmulatorOptions{})
	if err != nil {
		return nil, err
	}
	if b.service, err = kvs.New(cfg, kvs.Options{}); err != nil {
		return nil, err
	}
	return b, b.greet(ctx)
}

// greet makes the first calls, which take a data endpoint and a connection.
func (b *bench) greet(ctx context.Context) error {
	for _, stream := range []archive.StreamName{camStream, dayStream} {
		if _, err := b.service.Stream(ctx, stream); err != nil {
			return err
		}
		if _, err := b.head(ctx, stream, archive.Span{Start: b.newest, End: b.newest.Add(time.Minute)}); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) startEmulator(ctx context.Context) error {
	args := []string{"emulator", "--listen", "127.0.0.1:0", "--retention", fmt.Sprintf("%dh", retention+24),
		"--latency", b.latency.String(), "--bandwidth", b.bandwidth}
	since := b.newest.Add(-retention * time.Hour).Format(time.RFC3339)
	for stream, fragment := range map[string]int{camStream: 2, dayStream: 20} {
		path, err := b.footage(ctx, stream, fragment)
		if err != nil {
			return err
		}
		args = append(args, "--stream", fmt.Sprintf("%s=%s@%s,loop", stream, path, since))
	}
	var err error
	b.emulator, b.endpoint, err = child.StartServer(b.binary, nil, args...)
	return err
}

func build(ctx context.Context, path string) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	_, err = child.Output(ctx, "go", "build", "-C", dir, "-o", path, "clipfs/cmd/clipfs")
	return err
}

// videoWidth and videoHeight are the size of the footage's pictures.
const videoWidth, videoHeight = 640, 360

// bitrate is that of the footage, fleetBitrate that of the footage of fleets, which are many processes on one machine.
const bitrate, fleetBitrate = 1400, 400

// footage makes a minute of footage for a stream.
func (b *bench) footage(ctx context.Context, name string, fragment int) (string, error) {
	return makeFootage(ctx, filepath.Join(b.dir, name+".mp4"), fragment, bitrate)
}

// makeFootage makes a minute of video with sound that looks like a camera's: 30 pictures a second of so many kbit/s, no B-frames, a key
// frame every so many seconds; AAC at 48 kHz.
func makeFootage(ctx context.Context, path string, fragment, kilobits int) (string, error) {
	gop, rate := 30*fragment, fmt.Sprintf("%dk", kilobits)
	_, err := child.Output(ctx, "ffmpeg", "-v", "error", "-nostdin", "-y",
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%dx%d:rate=30:duration=60,noise=alls=12:allf=t", videoWidth, videoHeight),
		"-f", "lavfi", "-i", "sine=frequency=500:sample_rate=48000:duration=60",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-b:v", rate, "-maxrate", rate, "-bufsize", fmt.Sprintf("%dk", kilobits/2),
		"-x264-params", fmt.Sprintf("keyint=%d:min-keyint=%d:scenecut=0:open-gop=0:bframes=0", gop, gop),
		"-c:a", "aac", "-b:a", "64k", path)
	return path, err
}

func (b *bench) close() {
	var err error
	if b.service != nil {
		err = b.service.Close()
	}
	if b.emulator != nil {
		err = errors.Join(err, b.emulator.Stop(os.Interrupt))
	}
	if err := errors.Join(err, os.RemoveAll(b.dir)); err != nil {
		b.say("%v", err)
	}
}

func (b *bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.stderr, "== "+format+"\n", args...)
}

// hour gives the start of an hour of footage that was not read yet.
func (b *bench) hour() time.Time {
	b.hours++
	return b.newest.Add(-time.Duration(b.hours%(retention-1)) * time.Hour)
}

func (b *bench) rest(ctx context.Context) error {
	select {
	case <-time.After(restAfter):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// measure runs a task. What fails in it is noted in those of its rows that have no value; only the end of ctx is an error.
func (b *bench) measure(ctx context.Context, t task) ([]row, error) {
	b.say("%s", t.name)
	b.task = t.name
	began := time.Now()
	err := t.measure(ctx, b, t.rows)
	for i := range t.rows {
		if r := &t.rows[i]; err != nil && r.measured() && r.value == 0 {
			r.err = err
		}
	}
	if err != nil {
		b.say("%s: %v", t.name, err)
	}
	b.say("%s took %s", t.name, time.Since(began).Round(time.Second))
	return t.rows, ctx.Err()
}
