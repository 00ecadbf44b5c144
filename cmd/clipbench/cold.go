package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"clipfs/cmd/internal/child"

	"clipfs/clip/archive"
)

// firstFrame opens a file with ffmpeg and gives how long it took until the first picture was decoded, from when ffmpeg was
// told to open it: it has started by then, and waits for the list of files of its concat demuxer.
func firstFrame(ctx context.Context, path string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-threads", "1", "-protocol_whitelist", "file,pipe", "-safe", "0",
		"-f", "concat", "-i", "pipe:0", "-map", "0:v:0", "-frames:v", "1", "-s", "16x9", "-pix_fmt", "gray", "-f", "rawvideo", "pipe:1")
	cmd.Env, cmd.Dir = child.Environment(), "/"
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut); err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	time.Sleep(warmUp)
	began := time.Now()
	_, errList := fmt.Fprintf(in, "file 'file:%s'\n", path)
	errList = errors.Join(errList, in.Close())
	_, err := io.ReadFull(out, make([]byte, pictureBytes))
	took := time.Since(began)
	if err := errors.Join(errList, err, cmd.Wait()); err != nil {
		return 0, fmt.Errorf("first picture of %s: %w", path, err)
	}
	return took, nil
}

func firstFrameTask() task {
	return task{"first-frame", []row{
		{name: "cold: open to first decoded frame, 10 min clip of 300 fragments",
			against: "one ListFragments and one GetClip head, done directly", limit: 1.3},
		{name: "cold: open to first decoded frame, 10 min clip of 300 fragments",
			against: "3-minute chunks one by one joined with ffmpeg, then opened", atLeast: true, limit: 8},
	}, func(ctx context.Context, b *bench, rows []row) (err error) {
		m, err := b.mount(ctx, "")
		if err != nil {
			return err
		}
		defer m.end(&err)
		if _, err := firstFrame(ctx, m.clip(camStream, b.hour(), "1m")); err != nil { // data endpoint and connections
			return err
		}
		script, missing := b.newScript(ctx)
		const length = 10 * time.Minute
		var direct, sample pairs
		var local []float64
		for range b.rounds {
			if err := b.rest(ctx); err != nil {
				return err
			}
			span := archive.Span{Start: b.hour()}
			span.End = span.Start.Add(length)
			ours, err := firstFrame(ctx, m.clip(camStream, span.Start, "10m"))
			if err != nil {
				return err
			}
			began := time.Now()
			if err := b.listAndHead(ctx, span); err != nil {
				return err
			}
			direct.add(ours, time.Since(began))
			again, err := firstFrame(ctx, m.clip(camStream, span.Start, "10m"))
			if err != nil {
				return err
			}
			local = append(local, again.Seconds())
			if script == nil {
				continue
			}
			theirs, err := script.run(ctx, span)
			if err != nil {
				return err
			}
			sample.add(ours, theirs)
		}
		rows[0].value = direct.longer()
		rows[0].note = direct.note() + fmt.Sprintf("; ours is from when ffmpeg, which has started, opens the clip, and takes %s once nothing is fetched", seconds(median(local)))
		if rows[1].missing = missing; missing == "" {
			rows[1].value, rows[1].note = sample.faster(), sample.note()+"; a script that uses boto3"
		}
		return nil
	}}
}

// listAndHead does the least that is needed before a picture can come.
func (b *bench) listAndHead(ctx context.Context, span archive.Span) error {
	n, err := b.listFragments(ctx, camStream, span)
	if err != nil {
		return err
	}
	if n != 300 {
		return fmt.Errorf("%d fragments in %s, want 300", n, span)
	}
	_, err = b.head(ctx, camStream, archive.Span{Start: span.Start, End: span.Start.Add(partLength)})
	return err
}

func hourTask() task {
	const name, against = "cold: whole 1 h clip to /dev/null, throughput", "the same parts fetched directly, same number of connections"
	return task{"hour", []row{
		{name: name + ", fragments of 2 s", against: against, atLeast: true, limit: 0.70},
		{name: name + ", fragments of 2 s, the second one that a program reads whole", against: against, atLeast: true, limit: 0.85},
		{name: name + ", fragments of 2 s, no media before the last head, done directly", against: against, atLeast: true, limit: 0.70},
		{name: name + ", fragments of 2 s, by cp, the first one that it reads", against: against, atLeast: true, limit: 0.70},
		{name: name + ", fragments of 20 s", against: against, atLeast: true, limit: 1},
	}, func(ctx context.Context, b *bench, rows []row) error {
		if err := b.measureHours(ctx, camStream, rows[:4]); err != nil {
			return err
		}
		return b.measureHours(ctx, dayStream, rows[4:])
	}}
}

// measureHours measures the first hour that a program reads of a stream with a new mount, as rows has more the second one, the same with all heads before
// any media, and the first hour that cp reads.
func (b *bench) measureHours(ctx context.Context, stream archive.StreamName, rows []row) error {
	measured := make([]pairs, len(rows))
	var opens []float64
	size := 0.0
	for range b.rounds {
		mounted, opened, err := b.hoursOfProgram(ctx, stream, min(len(rows), 2))
		if err != nil {
			return err
		}
		opens = append(opens, opened)
		fetch := func(all func(context.Context, archive.StreamName, archive.Span) (int64, error)) (perSecond float64, err error) {
			if err := b.rest(ctx); err != nil {
				return 0, err
			}
			at := b.hour()
			began := time.Now()
			n, err := all(ctx, stream, archive.Span{Start: at, End: at.Add(time.Hour)})
			size = float64(n)
			return float64(n) / time.Since(began).Seconds(), err
		}
		direct, err := fetch(b.fetchParts)
		if err != nil {
			return err
		}
		if len(rows) > 2 {
			late, err := fetch(b.fetchHeadsFirst)
			if err != nil {
				return err
			}
			copied, err := b.hourOfCopier(ctx, stream, size)
			if err != nil {
				return err
			}
			mounted = append(mounted, late, copied)
		}
		for i, perSecond := range mounted {
			measured[i].ours, measured[i].theirs = append(measured[i].ours, size/perSecond), append(measured[i].theirs, size/direct)
		}
	}
	for i := range rows {
		rows[i].value, rows[i].note = measured[i].faster(), measured[i].note()+fmt.Sprintf("; %.0f MB in 60 parts", size/1e6)
	}
	rows[0].note += fmt.Sprintf("; ours begins with open(2), which takes %s of it", seconds(median(opens)))
	return nil
}

// hoursOfProgram reads so many hours with a new mount, and gives how many bytes a second each of them came with, and how long the first one took to open.
func (b *bench) hoursOfProgram(ctx context.Context, stream archive.StreamName, hours int) (perSecond []float64, opened float64, err error) {
	m, err := b.mount(ctx, "", "--cache-size", "3GiB")
	if err != nil {
		return nil, 0, err
	}
	defer m.end(&err)
	if _, err := readFile(m.clip(string(stream), b.hour(), "1m")); err != nil { // data endpoint and connections
		return nil, 0, err
	}
	for i := range hours {
		if err := b.rest(ctx); err != nil {
			return nil, 0, err
		}
		open, took, n, err := readHour(m.clip(string(stream), b.hour(), "1h"))
		if err != nil {
			return nil, 0, err
		}
		if i == 0 {
			opened = open.Seconds()
		}
		perSecond = append(perSecond, float64(n)/took.Seconds())
	}
	return perSecond, opened, nil
}

// hourOfCopier has cp read an hour of so many bytes with a new mount, and gives how many it read a second.
func (b *bench) hourOfCopier(ctx context.Context, stream archive.StreamName, size float64) (perSecond float64, err error) {
	m, err := b.mount(ctx, "", "--cache-size", "3GiB")
	if err != nil {
		return 0, err
	}
	defer m.end(&err)
	if _, err := readFile(m.clip(string(stream), b.hour(), "1m")); err != nil { // data endpoint and connections
		return 0, err
	}
	if err := b.rest(ctx); err != nil {
		return 0, err
	}
	began := time.Now()
	_, err = child.Output(ctx, "cp", m.clip(string(stream), b.hour(), "1h"), os.DevNull)
	return size / time.Since(began).Seconds(), err
}

// readHour opens a clip and reads all of it; opened is how long opening it took, all how long both did.
func readHour(path string) (opened, all time.Duration, n int64, err error) {
	began := time.Now()
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, 0, err
	}
	opened = time.Since(began)
	n, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, make([]byte, chunk))
	all = time.Since(began)
	return opened, all, n, errors.Join(err, f.Close())
}
