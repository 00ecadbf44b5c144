package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"clipfs/clip/kvs"
	"clipfs/cmd/clipbench/internal/plot"
	"clipfs/cmd/internal/child"
)

const (
	// crowdStreams is how many streams a large account has, crowdDays for how many days each was recorded, in fragments of 2 s.
	crowdStreams, crowdDays = 1000, 30
	// crowdPrefix is how the names of its streams begin. Four digits follow, so that a prefix shows ten or a hundred of them.
	crowdPrefix = "cam"
	// crowdReaders is how many streams besides have footage of a camera's size, for readers.
	crowdReaders = 256
)

// few is how many rounds there are of what takes long.
func (b *bench) few() int { return min(b.rounds, 3) }

// crowd is an emulator of a large account.
type crowd struct {
	process  *child.Process
	endpoint string
	service  *kvs.Archive
	// newest is the last full hour.
	newest time.Time
}

// crowdStream is the name of one of its streams, readerStream that of one whose footage is of a camera's size.
func crowdStream(i int) string  { return fmt.Sprintf("%s%04d", crowdPrefix, i) }
func readerStream(i int) string { return fmt.Sprintf("reader%04d", i) }

// crowd starts one, with so much latency, with streams for readers or with those to be looked at.
func (b *bench) crowd(ctx context.Context, latency time.Duration, readers bool) (_ *crowd, err error) {
	c := &crowd{newest: b.newest}
	since := b.newest.Add(-(crowdDays + 1) * 24 * time.Hour).Format(time.RFC3339)
	args := []string{"emulator", "--listen", "127.0.0.1:0", "--retention", fmt.Sprintf("%dh", crowdDays*24), "--latency", latency.String(),
		"--bandwidth", b.bandwidth}
	footage, name, n := filepath.Join(b.dir, camStream+".mp4"), readerStream, crowdReaders
	if !readers {
		name, n = crowdStream, crowdStreams
		if footage, err = smallFootage(ctx, filepath.Join(b.dir, "small.mp4")); err != nil {
			return nil, err
		}
	}
	for i := range n {
		args = append(args, "--stream", fmt.Sprintf("%s=%s@%s,loop", name(i), footage, since))
	}
	if c.process, c.endpoint, err = child.StartServer(b.binary, nil, args...); err != nil {
		return nil, err
	}
	cfg, err := kvs.EmulatorConfig(c.endpoint, kvs.EmulatorOptions{})
	if err == nil {
		c.service, err = kvs.New(cfg, kvs.Options{})
	}
	if err != nil {
		return nil, errors.Join(err, c.process.Stop(os.Interrupt))
	}
	return c, nil
}

func (c *crowd) end(err *error) {
	*err = errors.Join(*err, c.service.Close(), c.process.Stop(os.Interrupt))
}

// smallFootage makes a minute of video whose listing is that of any camera, and which weighs next to nothing.
func smallFootage(ctx context.Context, path string) (string, error) {
	_, err := child.Output(ctx, "ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=5:duration=60",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-b:v", "20k", "-x264-params", "keyint=10:min-keyint=10:scenecut=0:bframes=0", path)
	return path, err
}

// draw writes a plot, where plots are wanted.
func (b *bench) draw(name string, p plot.Plot) error {
	if b.plots == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(b.plots, "scale-"+name+".svg"), p.SVG(), 0o644)
}

// line gathers the points of a line.
type line struct{ plot.Line }

func (l *line) add(x, y float64) { l.X, l.Y = append(l.X, x), append(l.Y, y) }

func newLine(name string) *line { return &line{plot.Line{Name: name}} }

// lines gives them as a plot has them.
func lines(all ...*line) (of []plot.Line) {
	for _, l := range all {
		of = append(of, l.Line)
	}
	return of
}
