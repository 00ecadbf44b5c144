package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"clipfs/clip/emulator/footage"
)

const (
	// program decodes video.
	program = "ffmpeg"
	// atOnce is how many decoders run at once, and longest how long one may take.
	atOnce  = 2
	longest = 30 * time.Second
	// apart is how far apart fragments stand in what the decoder is given, in which no frame lies further from the start of its fragment;
	// lead is where the first stands, as frames can lie before it.
	apart = 2 * time.Minute
	lead  = time.Minute
)

// ErrNoDecoder says that the program is missing that decodes video.
var ErrNoDecoder = errors.New("no " + program + " here, which decodes the video")

// decoder decodes video.
type decoder struct {
	// places bounds how many processes run at once.
	places chan struct{}
}

// frame is one to decode.
type frame struct {
	fragment *footage.Fragment
	video    []footage.Sample
	index    int
}

// decode runs the program on the fragments of some frames that are coded alike, and hands on the pictures of the frames in the order of
// showing. The frames stand in that order, those of a fragment together. A frame that cannot be decoded has no picture.
func (d *decoder) decode(ctx context.Context, frames []frame, o Options, picture func(*image.YCbCr) error) error {
	select {
	case d.places <- struct{}{}:
		defer func() { <-d.places }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	times, write := arrange(frames)
	cmd := exec.CommandContext(ctx, program, "-v", "error", "-nostdin", "-threads", "1", "-f", "matroska", "-i", "pipe:0", "-an", "-copyts",
		"-vf", filter(times, o), "-vsync", "passthrough", "-f", "yuv4mpegpipe", "pipe:1")
	cmd.WaitDelay = time.Second
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); errors.Is(err, exec.ErrNotFound) {
		return ErrNoDecoder
	} else if err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	go func() {
		_ = write(in) // what is missing of it is said by what comes out
		_ = in.Close()
	}()
	failed := read(out, picture)
	cancelled := ctx.Err()
	if failed != nil {
		cancel() // of what nobody reads
	}
	err = cmd.Wait()
	switch {
	case cancelled != nil:
		return fmt.Errorf("%s: %w", program, cancelled)
	case failed != nil:
		return failed
	case err != nil && said.Len() == 0:
		return fmt.Errorf("%s: %w", program, err)
	}
	return nil // a frame that could not be decoded has no picture
}

// arrange gives when each frame is shown in what the decoder is given, and what writes that: of each fragment what is decoded up to the
// last of its frames.
func arrange(frames []frame) (times []time.Duration, write func(io.Writer) error) {
	type piece struct {
		at    time.Duration
		video []footage.Sample
	}
	var pieces []piece
	for i, f := range frames {
		if i == 0 || frames[i-1].fragment != f.fragment {
			pieces = append(pieces, piece{at: lead + time.Duration(len(pieces))*apart})
		}
		p := &pieces[len(pieces)-1]
		p.video = f.video[:max(len(p.video), f.index+1)]
		times = append(times, p.at+f.video[f.index].PTS)
	}
	track := frames[0].fragment.VideoTrack()
	return times, func(w io.Writer) error {
		if err := footage.WriteHeader(w, track, footage.Track{}); err != nil {
			return err
		}
		for _, p := range pieces {
			if err := footage.WriteCluster(w, p.at.Milliseconds(), p.video, nil); err != nil {
				return err
			}
		}
		return nil
	}
}

// filter lets the frames through that are shown at some times, in a size, as JPEG has colours: of full range, by ITU-R BT.601 (JFIF).
func filter(times []time.Duration, o Options) string {
	var chosen []string
	for _, t := range slices.Compact(slices.Clone(times)) {
		chosen = append(chosen, `eq(pts\,`+strconv.FormatInt(t.Milliseconds(), 10)+")")
	}
	size := "scale="
	switch {
	case o.Width > 0 && o.Height > 0:
		size += fmt.Sprintf("w=%d:h=%d:", o.Width, o.Height)
	case o.Width > 0:
		size += fmt.Sprintf("w=%d:h=-1:", o.Width)
	case o.Height > 0:
		size += fmt.Sprintf("w=-1:h=%d:", o.Height)
	}
	return "select=" + strings.Join(chosen, "+") + "," + size + "out_range=pc:out_color_matrix=bt601,format=yuv420p"
}

// read hands on the pictures that the decoder gives.
func read(out io.Reader, picture func(*image.YCbCr) error) error {
	r, err := newRawReader(out)
	for err == nil {
		var p *image.YCbCr
		if p, err = r.next(); err == nil {
			err = picture(p)
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
