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
		{name: name + ", fragments of 2 s", against: against, atLeast: true, limit: 0.90},
		{name: name + ", fragments of 20 s", against: against, atLeast: true, limit: 0.90},
	}, func(ctx context.Context, b *bench, rows []row) error {
		for i, stream := range []archive.StreamName{camStream, dayStream} {
			if err := b.measureHours(ctx, stream, &rows[i]); err != nil {
				return err
			}
		}
		return nil
	}}
}

func (b *bench) measureHours(ctx context.Context, stream archive.StreamName, r *row) (err error) {
	m, err := b.mount(ctx, "", "--cache-size", "3GiB")
	if err != nil {
		return err
	}
	defer m.end(&err)
	if _, err := readFile(m.clip(string(stream), b.hour(), "1m")); err != nil { // data endpoint and connections
		return err
	}
	var p pairs
	var opens, sizes []float64
	for range b.rounds {
		at := b.hour()
		if err := b.rest(ctx); err != nil {
			return err
		}
		opened, ours, ourBytes, err := readHour(m.clip(string(stream), at, "1h"))
		if err != nil {
			return err
		}
		if err := b.rest(ctx); err != nil {
			return err
		}
		began := time.Now()
		theirBytes, err := b.fetchParts(ctx, stream, archive.Span{Start: at, End: at.Add(time.Hour)})
		if err != nil {
			return err
		}
		theirs := time.Since(began)
		opens, sizes = append(opens, opened.Seconds()), append(sizes, float64(ourBytes))
		p.add(ours, time.Duration(float64(theirs)*float64(ourBytes)/float64(theirBytes)))
	}
	r.value = p.faster()
	r.note = p.note() + fmt.Sprintf("; %.0f MB in 60 parts; ours begins with open(2), which takes %s of it", median(sizes)/1e6, seconds(median(opens)))
	return nil
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
