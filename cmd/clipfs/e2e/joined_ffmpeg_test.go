//go:build e2e

package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/cmd/internal/harness"
)

// packet is what ffmpeg tells of one coded frame; times are in ticks.
type packet struct {
	pts, dts int64
	size     int
	hash     string
}

// packetTrack is one stream of a file as ffmpeg finds it.
type packetTrack struct {
	kind string // "video" or "audio"
	// num and den are the length of a tick in seconds.
	num, den int64
	packets  []packet
}

// time gives ticks as a time; exact reports whether that is a whole number of milliseconds.
func (p packetTrack) time(ticks int64) (at time.Duration, exact bool) {
	n := ticks * p.num * 1000
	return time.Duration(float64(ticks) * float64(p.num) / float64(p.den) * 1e9), n%p.den == 0
}

// demux has ffmpeg read a file to its end and gives its streams. It may complain about nothing. Filter is a filter of
// coded video, empty for none.
func demux(t *testing.T, path, filter string) []packetTrack {
	t.Helper()
	args := []string{"-v", "warning", "-nostdin", "-copyts", "-guess_layout_max", "0", "-i", path, "-map", "0", "-c", "copy"}
	if filter != "" {
		args = append(args, "-bsf:v", filter)
	}
	out, complaints, err := harness.TryRun(t, "ffmpeg", append(args, "-f", "framemd5", "-")...)
	if err != nil || len(complaints) > 0 {
		t.Fatalf("ffmpeg reads %s: %v\n%.4000s", path, err, complaints)
	}
	tracks, err := parseFrameMD5(string(out))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if n := len(tracks) - 1; n > 0 && tracks[n].kind == "audio" && len(tracks[n].packets) > 0 {
		tracks[n].packets[0].pts = firstPTS(t, path)
	}
	return tracks
}

// firstPTS gives when the first packet of audio is shown, in ticks. Where ffmpeg copies audio it takes the time of
// decoding instead, which is always that of the file's beginning.
func firstPTS(t *testing.T, path string) int64 {
	t.Helper()
	out := harness.Run(t, "ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "packet=pts", "-read_intervals", "%+#1",
		"-of", "csv=p=0", path)
	pts, err := strconv.ParseInt(strings.Trim(string(out), ", \n"), 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return pts
}

// parseFrameMD5 reads what "-f framemd5" writes: lines such as "#tb 0: 1/1000", and one for each packet with the number
// of its stream, DTS, PTS, duration, size and hash.
func parseFrameMD5(text string) ([]packetTrack, error) {
	var tracks []packetTrack
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "#"); ok {
			key, value, _ := strings.Cut(rest, ": ")
			name, number, _ := strings.Cut(key, " ")
			n, err := strconv.Atoi(number)
			switch {
			case err != nil || n < 0 || n > len(tracks):
				continue
			case n == len(tracks):
				tracks = append(tracks, packetTrack{})
			}
			switch name {
			case "tb":
				if _, err := fmt.Sscanf(value, "%d/%d", &tracks[n].num, &tracks[n].den); err != nil {
					return nil, fmt.Errorf("%q: %w", line, err)
				}
			case "media_type":
				tracks[n].kind = value
			}
			continue
		}
		fields := strings.Split(line, ",")
		if len(fields) < 6 {
			return nil, fmt.Errorf("%q: not a packet", line)
		}
		var numbers [5]int64
		for i := range numbers {
			v, err := strconv.ParseInt(strings.TrimSpace(fields[i]), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
			numbers[i] = v
		}
		if numbers[0] < 0 || numbers[0] >= int64(len(tracks)) {
			return nil, fmt.Errorf("%q: no such stream", line)
		}
		track := &tracks[numbers[0]]
		track.packets = append(track.packets, packet{dts: numbers[1], pts: numbers[2], size: int(numbers[4]), hash: strings.TrimSpace(fields[5])})
	}
	return tracks, nil
}

// picturesOf gives the hashes of the pictures that ffmpeg decodes of each file, in the order of showing. It may find no fault. One
// ffmpeg reads them all, as its start takes the longest.
func picturesOf(t *testing.T, paths ...string) [][]string {
	t.Helper()
	tracks := framesOfEach(t, []string{"-v", "error", "-nostdin", "-xerror"}, []string{"-threads", "1"}, paths, []string{"-fps_mode", "passthrough", "-autoscale", "0"})
	hashes := make([][]string, len(tracks))
	for i, track := range tracks {
		hashes[i] = track.hashes()
	}
	return hashes
}

// framesOfEach has one ffmpeg read the pictures of several files, with arguments for all, before each input and before each output.
func framesOfEach(t *testing.T, all, input, paths, output []string) []packetTrack {
	t.Helper()
	dir, args := t.TempDir(), all
	for _, path := range paths {
		args = append(append(args, input...), "-i", path)
	}
	for i := range paths {
		args = append(append(args, "-map", fmt.Sprintf("%d:v", i)), output...)
		args = append(args, "-f", "framemd5", filepath.Join(dir, strconv.Itoa(i)))
	}
	harness.Run(t, "ffmpeg", args...)
	var each []packetTrack
	for i, path := range paths {
		text, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(i)))
		if err != nil {
			t.Fatal(err)
		}
		tracks, err := parseFrameMD5(string(text))
		if err != nil || len(tracks) != 1 {
			t.Fatalf("%s: %d streams, %v", path, len(tracks), err)
		}
		each = append(each, tracks[0])
	}
	return each
}

// runsOf cuts fragments where the coding changes, and where one begins before the end of the one before it.
func runsOf(fragments []footage.Fragment) [][]footage.Fragment {
	var runs [][]footage.Fragment
	for i, f := range fragments {
		if i == 0 || !sameTracks(fragments[i-1], f) || !f.Producer.After(fragments[i-1].Producer.Add(fragments[i-1].Length)) {
			runs = append(runs, nil)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], f)
	}
	return runs
}

// sameTracks reports whether two fragments are coded alike.
func sameTracks(a, b footage.Fragment) bool {
	same := func(x, y footage.Track) bool {
		return x.Codec == y.Codec && bytes.Equal(x.Private, y.Private) && x.SampleRate == y.SampleRate && x.Channels == y.Channels
	}
	audioA, _ := a.AudioTrack()
	audioB, _ := b.AudioTrack()
	return same(a.VideoTrack(), b.VideoTrack()) && same(audioA, audioB)
}

// writeStored writes fragments as they are stored, as Matroska: a file for each of the runs that they can be cut into.
func writeStored(t *testing.T, fragments []footage.Fragment) []string {
	t.Helper()
	var paths []string
	dir := t.TempDir()
	for i, run := range runsOf(fragments) {
		path := filepath.Join(dir, fmt.Sprintf("stored%d.mkv", i))
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		err = footage.WriteMatroska(file, run)
		if closed := file.Close(); err != nil || closed != nil {
			t.Fatal(err, closed)
		}
		paths = append(paths, path)
	}
	return paths
}

// storedPictures gives the hashes of the pictures that ffmpeg decodes from fragments as they are stored.
func storedPictures(t *testing.T, fragments []footage.Fragment) []string {
	t.Helper()
	return slices.Concat(picturesOf(t, writeStored(t, fragments)...)...)
}

// storedFiltered gives the hashes of coded pictures as they are stored, after a filter.
func storedFiltered(t *testing.T, fragments []footage.Fragment, filter string) []string {
	t.Helper()
	var hashes []string
	for _, track := range framesOfEach(t, []string{"-v", "error", "-nostdin"}, nil, writeStored(t, fragments), []string{"-c", "copy", "-bsf:v", filter}) {
		hashes = append(hashes, track.hashes()...)
	}
	return hashes
}

// pcm gives the hash of the sound that ffmpeg decodes.
func pcm(t *testing.T, path string, args ...string) string {
	t.Helper()
	head := []string{"-v", "error", "-nostdin", "-xerror"}
	return string(harness.Run(t, "ffmpeg", append(append(head, args...), "-i", path, "-map", "0:a", "-c:a", "pcm_s16le", "-f", "md5", "-")...))
}

// storedPCM gives the hash of the sound that ffmpeg decodes from the bytes of G.711.
func storedPCM(t *testing.T, track footage.Track, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sound")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	format := "alaw"
	if track.Codec == footage.MuLaw {
		format = "mulaw"
	}
	return pcm(t, path, "-f", format, "-ar", strconv.Itoa(track.SampleRate), "-ac", strconv.Itoa(track.Channels))
}
