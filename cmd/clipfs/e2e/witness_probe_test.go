//go:build e2e

package e2e_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"clipfs/cmd/internal/harness"
)

// probed is a frame as ffprobe reads it. Times are ticks.
type probed struct {
	pts, dts, duration int64
	flags, hash        string
}

// isHidden reports whether an edit hides a frame.
func (p probed) isHidden() bool { return strings.Contains(p.flags, "D") }

// probedTrack is a stream as ffprobe reads it.
type probedTrack struct {
	kind     string
	num, den int64 // a tick in seconds
	frames   []probed
}

// seconds gives ticks as a time.
func (p *probedTrack) seconds(ticks int64) float64 {
	return float64(ticks) * float64(p.num) / float64(p.den)
}

// probeFrames has ffprobe read a file to its end, and gives its streams and what it complained of.
func probeFrames(t *testing.T, path string) (tracks []*probedTrack, complaints string) {
	t.Helper()
	tracks, complaints, err := tryProbe(t, path)
	if err != nil {
		t.Fatalf("%v\n%.2000s", err, complaints)
	}
	return tracks, complaints
}

// tryProbe is probeFrames with arguments for ffprobe, for a file that may not be read.
func tryProbe(t *testing.T, path string, args ...string) (tracks []*probedTrack, complaints string, err error) {
	t.Helper()
	args = append([]string{"-v", "warning", "-show_data_hash", "md5", "-show_entries",
		"stream=index,codec_type,time_base:packet=stream_index,pts,dts,duration,flags,data_hash", "-of", "compact"}, args...)
	out, stderr, err := harness.TryRun(t, "ffprobe", append(args, path)...)
	if err != nil {
		return nil, string(stderr), fmt.Errorf("ffprobe %s: %w", path, err)
	}
	text := strings.ReplaceAll(string(out), "|\n|", "|") // side data breaks lines
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "stream|") {
			tracks = append(tracks, &probedTrack{})
		}
	}
	for line := range strings.Lines(text) {
		if err := probeLine(tracks, line); err != nil {
			return nil, string(stderr), fmt.Errorf("ffprobe %s: %q: %w", path, line, err)
		}
	}
	return tracks, string(stderr), nil
}

// probeLine reads a line such as "packet|stream_index=0|pts=0|…".
func probeLine(tracks []*probedTrack, line string) error {
	fields := make(map[string]string)
	kind, rest, _ := strings.Cut(strings.TrimSpace(line), "|")
	for field := range strings.SplitSeq(rest, "|") {
		key, value, _ := strings.Cut(field, "=")
		fields[key] = value
	}
	number := func(key string) int64 {
		n, err := strconv.ParseInt(fields[key], 10, 64)
		if err != nil {
			return -1 << 62
		}
		return n
	}
	switch kind {
	case "stream":
		track := tracks[number("index")]
		track.kind = fields["codec_type"]
		_, err := fmt.Sscanf(fields["time_base"], "%d/%d", &track.num, &track.den)
		return err
	case "packet":
		index := number("stream_index")
		if index < 0 || index >= int64(len(tracks)) {
			return fmt.Errorf("stream %d of %d", index, len(tracks))
		}
		tracks[index].frames = append(tracks[index].frames,
			probed{pts: number("pts"), dts: number("dts"), duration: number("duration"), flags: fields["flags"], hash: strings.TrimPrefix(fields["data_hash"], "MD5:")})
	}
	return nil
}

// firstOf gives the first stream of a kind, or nil.
func firstOf(tracks []*probedTrack, kind string) *probedTrack {
	for _, track := range tracks {
		if track.kind == kind {
			return track
		}
	}
	return nil
}
