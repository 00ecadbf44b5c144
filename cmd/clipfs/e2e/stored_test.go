//go:build e2e

package e2e_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
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
	out := harness.Run(t, "ffmpeg", append(args, "-c", "copy", "-f", "framemd5", "-")...)
	hashes := make([][]string, len(kinds))
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimSpace(line), ",")
		if len(fields) < 6 || strings.HasPrefix(line, "#") {
			continue
		}
		stream, err := strconv.Atoi(fields[0])
		if err != nil || stream >= len(kinds) {
			t.Fatalf("%s: ffmpeg says %q of %d streams", path, line, len(kinds))
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

// sameFrames compares a file with the fragments that it should hold.
func sameFrames(t *testing.T, path string, fragments []footage.Fragment) {
	t.Helper()
	var video, audio []string
	switch track, ok := fragments[0].AudioTrack(); {
	case !ok:
		video = packets(t, path, "v")
	case track.Codec.IsG711():
		video, audio = packets(t, path, "v"), []string{hash(rawAudio(t, path))}
	default:
		both := packetsOf(t, path, "v", "a")
		video, audio = both[0], both[1]
	}
	if diff := cmp.Diff(storedVideo(fragments), video); diff != "" {
		t.Errorf("%s: coded pictures, stored -, found +:\n%s", path, diff)
	}
	if diff := cmp.Diff(storedAudio(fragments), audio); diff != "" {
		t.Errorf("%s: coded audio, stored -, found +:\n%s", path, diff)
	}
}
