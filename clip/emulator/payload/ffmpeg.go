package payload

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"clipfs/clip/emulator/footage"
)

// runFFmpeg has ffmpeg make the payload. It is given the frames as Matroska, written with none of the code that the
// builtin muxer uses, and copies them.
func (p *Payload) runFFmpeg(ctx context.Context) error {
	dir, err := os.MkdirTemp(p.opts.TempDir, "clipfs-payload-")
	if err != nil {
		return err
	}
	p.dir = dir
	in, out := filepath.Join(dir, "in.mkv"), filepath.Join(dir, "out")
	if err := p.line.writeMatroska(in); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "ffmpeg", p.ffmpegArgs(in, out)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("ffmpeg: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	if p.file, err = os.Open(out); err != nil {
		return err
	}
	info, err := p.file.Stat()
	if err != nil {
		return err
	}
	p.size = info.Size()
	return nil
}

// ffmpegArgs are the arguments of ffmpeg. It puts G.711 into QuickTime files only.
func (p *Payload) ffmpegArgs(in, out string) []string {
	args := []string{"-v", "error", "-nostdin", "-y", "-i", in, "-map", "0", "-c", "copy"}
	if p.opts.Muxer == MuxerFFmpeg {
		args = append(args, "-video_track_timescale", "1000", "-metadata:s:v", "handler_name="+videoHandler)
		if p.line.videoTrack.Codec == footage.H265 {
			args = append(args, "-tag:v", "hvc1")
		}
	}
	if p.opts.Moov == MoovFirst {
		args = append(args, "-movflags", "+faststart")
	}
	if !p.opts.Created.IsZero() {
		args = append(args, "-metadata", "creation_time="+p.opts.Created.UTC().Format(time.RFC3339))
	}
	format := "mp4"
	if p.line.audioTrack.Codec.IsG711() {
		format = "mov"
	}
	return append(args, "-f", format, out)
}

// writeMatroska writes the timeline to a file, a cluster for each fragment.
func (l *timeline) writeMatroska(name string) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, file.Close()) }()
	audioTrack := l.audioTrack
	if len(l.audio) == 0 {
		audioTrack = footage.Track{}
	}
	if err := footage.WriteHeader(file, l.videoTrack, audioTrack); err != nil {
		return err
	}
	// Timecodes have no sign, and ffmpeg gives no time to a block that lies before 0. It takes the first time of a file
	// for its start, so only differences matter.
	ahead := l.ahead()
	for _, p := range l.places {
		video := move(slices.Clone(l.video[p.video[0]:p.video[1]]), -p.at)
		audio := move(slices.Clone(l.audio[p.audio[0]:p.audio[1]]), -p.at)
		if err := footage.WriteCluster(file, (p.at + ahead).Milliseconds(), video, audio); err != nil {
			return err
		}
	}
	return nil
}

// ahead is how much of the timeline lies before time 0: sound that leads the picture, and the place of its fragment.
func (l *timeline) ahead() time.Duration {
	var least time.Duration
	for _, p := range l.places {
		least = min(least, p.at)
	}
	for _, s := range l.audio {
		least = min(least, s.PTS)
	}
	return -least
}
