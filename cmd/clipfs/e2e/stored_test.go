//go:build e2e

package e2e_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/cmd/internal/harness"

	"github.com/google/go-cmp/cmp"
)

// testStart is when the recordings of these tests begin: a full minute, half an hour ago, in the middle of a second so
// that nothing happens to fall on a border.
func testStart() time.Time {
	return time.Now().UTC().Add(-30 * time.Minute).Truncate(time.Minute).Add(300 * time.Millisecond)
}

// nameOf gives the name of a start directory.
func nameOf(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000") }

// stored gives the fragments that the emulator has of a stream in [from, to), as its own footage package tells.
func stored(t *testing.T, spec string, from, to time.Time) []footage.Fragment {
	t.Helper()
	s, err := footage.ParseSpec(spec)
	if err != nil {
		t.Fatal(err)
	}
	source, err := s.Open(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	fragments := source.Fragments(footage.ByProducer, from, to.Add(-time.Millisecond))
	if len(fragments) == 0 {
		t.Fatalf("%s has nothing in %s to %s", spec, from, to)
	}
	return fragments
}

// hash is how framemd5 writes one.
func hash(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

// storedVideo gives the hashes of the coded pictures of fragments, in the order of decoding.
func storedVideo(fragments []footage.Fragment) []string {
	var hashes []string
	for _, f := range fragments {
		for _, s := range f.Video() {
			hashes = append(hashes, hash(s.Data))
		}
	}
	return hashes
}

// storedAudio gives the hashes of coded audio frames, or of all bytes at once for G.711, whose frames are what one
// makes of them.
func storedAudio(fragments []footage.Fragment) []string {
	track, ok := fragments[0].AudioTrack()
	if !ok {
		return nil
	}
	var hashes []string
	var all bytes.Buffer
	for _, f := range fragments {
		for _, s := range f.Audio() {
			hashes = append(hashes, hash(s.Data))
			all.Write(s.Data)
		}
	}
	if track.Codec.IsG711() {
		return []string{hash(all.Bytes())}
	}
	return hashes
}

// packets are the hashes of the packets of one kind ("v" or "a") that ffmpeg finds in a file, in its order.
func packets(t *testing.T, path, kind string) []string {
	t.Helper()
	return packetsOf(t, path, kind)[0]
}

// packetsOf has ffmpeg read a file once for several kinds, one stream of each.
func packetsOf(t *testing.T, path string, kinds ...string) [][]string {
	t.Helper()
	args := []string{"-v", "error", "-nostdin", "-i", path}
	for _, kind := range kinds {
		args = append(args, "-map", "0:"+kind)
	}
	return hashesIn(t, harness.Run(t, "ffmpeg", append(args, "-c", "copy", "-f", "framemd5", "-")...), len(kinds))
}

// hashesIn gives the hashes of the packets of so many streams in what "-f framemd5" writes.
func hashesIn(t *testing.T, text []byte, streams int) [][]string {
	t.Helper()
	hashes := make([][]string, streams)
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSpace(line), ",")
		if len(fields) < 6 || strings.HasPrefix(line, "#") {
			continue
		}
		stream, err := strconv.Atoi(fields[0])
		if err != nil || stream >= streams {
			t.Fatalf("ffmpeg says %q of %d streams", line, streams)
		}
		hashes[stream] = append(hashes[stream], strings.TrimSpace(fields[5]))
	}
	return hashes
}

// rawAudio gives the bytes of all audio packets of a file.
func rawAudio(t *testing.T, path string) []byte {
	t.Helper()
	return harness.Run(t, "ffmpeg", "-v", "error", "-nostdin", "-i", path, "-map", "0:a", "-c", "copy", "-f", "data", "-")
}

// held is a file and the fragments that it should hold.
type held struct {
	path      string
	fragments []footage.Fragment
}

// sameFrames compares a file with the fragments that it should hold.
func sameFrames(t *testing.T, path string, fragments []footage.Fragment) {
	t.Helper()
	sameFramesOf(t, held{path, fragments})
}

// sameFramesOf is sameFrames for several files, which one ffmpeg reads, as its start takes the longest.
func sameFramesOf(t *testing.T, files ...held) {
	t.Helper()
	dir, args := t.TempDir(), []string{"-v", "error", "-nostdin"}
	for _, f := range files {
		args = append(args, "-i", f.path)
	}
	made := func(i int, kind string) string { return filepath.Join(dir, kind+strconv.Itoa(i)) }
	for i, f := range files {
		args = append(args, "-map", fmt.Sprintf("%d:v", i), "-c", "copy", "-f", "framemd5", made(i, "v"))
		if track, ok := f.fragments[0].AudioTrack(); ok {
			format := "framemd5"
			if track.Codec.IsG711() {
				format = "data"
			}
			args = append(args, "-map", fmt.Sprintf("%d:a", i), "-c", "copy", "-f", format, made(i, "a"))
		}
	}
	harness.Run(t, "ffmpeg", args...)
	read := func(path string) []byte {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	for i, f := range files {
		video, audio := hashesIn(t, read(made(i, "v")), 1)[0], []string(nil)
		switch track, ok := f.fragments[0].AudioTrack(); {
		case !ok:
		case track.Codec.IsG711():
			audio = []string{hash(read(made(i, "a")))}
		default:
			audio = hashesIn(t, read(made(i, "a")), 1)[0]
		}
		if diff := cmp.Diff(storedVideo(f.fragments), video); diff != "" {
			t.Errorf("%s: coded pictures, stored -, found +:\n%s", f.path, diff)
		}
		if diff := cmp.Diff(storedAudio(f.fragments), audio); diff != "" {
			t.Errorf("%s: coded audio, stored -, found +:\n%s", f.path, diff)
		}
	}
}
