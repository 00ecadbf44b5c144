//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/names"
	"clipfs/cmd/internal/harness"
)

// joinedBase is when the recordings of these tests begin: long enough ago for the longest, in the middle of a second.
func joinedBase() time.Time {
	return time.Now().UTC().Add(-90 * time.Minute).Truncate(time.Minute).Add(300 * time.Millisecond)
}

// joinedStreams gives what --stream says of each stream, whose clips are many parts.
func joinedStreams(t *testing.T, base time.Time) map[string][]string {
	t.Helper()
	streams := make(map[string][]string)
	loop := func(name string, r recipe) { streams[name] = []string{spec(name, r.make(t, name), base, ",loop")} }
	// One recording after the other, each from so many milliseconds after the base on.
	row := func(name string, at []int, paths ...string) {
		for i, ms := range at {
			start := base.Add(time.Duration(ms) * time.Millisecond)
			streams[name] = append(streams[name], spec(name, paths[i%len(paths)], start, ""))
		}
	}
	loop("hour", recipe{size: "64x36", rate: "5", seconds: 21, gop: 35, sound: "aac", sample: 16000})
	loop("reordered", recipe{size: "64x36", rate: "10000/1001", seconds: 40, gop: 20, reorder: true, sound: "aac", sample: 48000})
	loop("h265", recipe{size: "64x64", rate: "5", seconds: 24, gop: 5, h265: true, reorder: true, sound: "aac", sample: 44100})
	loop("law", recipe{size: "64x36", rate: "5", seconds: 20, gop: 10, sound: "pcm_alaw", sample: 8000})
	loop("varying", recipe{size: "64x36", rate: "8", seconds: 20, gop: 12, pts: "PTS+27*mod(N\\,3)+50*gt(mod(N\\,7)\\,4)"})
	loop("still", recipe{size: "64x36", rate: "1", seconds: 30, gop: 1, sound: "aac", sample: 8000})
	// Pauses of 2.5 s, 207.5 s, 1.2 s and 0.7 s, the last of which is no gap.
	gaps := recipe{size: "64x36", rate: "5", seconds: 30, gop: 10, reorder: true, sound: "aac", sample: 32000}.make(t, "gaps")
	row("gaps", []int{0, 32_500, 270_000, 301_200, 331_900}, gaps)
	// Short, as ffmpeg counts each byte of G.711 as a packet as soon as one lasts longer than the others.
	lawGaps := recipe{size: "64x36", rate: "5", seconds: 8, gop: 10, sound: "pcm_mulaw", sample: 8000}.make(t, "lawgaps")
	row("lawgaps", []int{0, 11_000, 20_500}, lawGaps)
	// Overlaps of 0.7 s and 1.2 s, in which fragments take turns, then a pause, then one of 0.5 s.
	overlap := recipe{size: "64x36", rate: "5", seconds: 100, gop: 5, sound: "aac", sample: 32000}.make(t, "overlap")
	row("overlap", []int{0, 99_300, 198_100, 340_000, 439_500}, overlap)
	small := recipe{size: "64x36", rate: "5", seconds: 60, gop: 10, reorder: true, sound: "aac", sample: 32000}
	large := small
	large.size = "96x54"
	smaller, larger := small.make(t, "small"), large.make(t, "large")
	row("change", []int{0, 60_000, 120_000}, smaller, larger)
	row("silence", []int{0, 60_000, 120_000}, silenced(t, smaller), smaller)
	small.h265, large.h265 = true, true
	small.size = "64x64"
	smaller265, larger265 := small.make(t, "small265"), large.make(t, "large265")
	row("change265", []int{0, 60_000, 120_000}, smaller265, larger265)
	row("mixed", []int{0, 60_000}, smaller, smaller265)
	return streams
}

// joinedMounts are mounts of emulators that all have the same streams.
type joinedMounts struct {
	base    time.Time
	streams map[string][]string // what --stream says of each
	// mounts by who makes payloads, and by what becomes of gaps.
	mounts map[string]*harness.Mount
}

// Names of mounts: where moov stands in payloads, and ffmpeg if that makes them, with real clips' settings or its own; whether gaps are kept or closed.
const (
	firstKeep, firstClose   = "first keep", "first close"
	lastKeep, lastClose     = "last keep", "last close"
	ffmpegKeep, ffmpegClose = "ffmpeg keep", "ffmpeg close"
	defaultsLast            = "ffmpeg's defaults last close"
)

// keeps reports whether a mount keeps gaps.
func keeps(mount string) bool { return strings.HasSuffix(mount, "keep") }

// startJoined makes the footage, starts emulators and mounts them.
func startJoined(t *testing.T) joinedMounts {
	t.Helper()
	j := joinedMounts{base: joinedBase(), mounts: make(map[string]*harness.Mount)}
	j.streams = joinedStreams(t, j.base)
	// What is compared with the model is how payloads place overlaps, so the emulator keeps them.
	streams := []string{"--overlaps", "keep"}
	for _, specs := range j.streams {
		for _, s := range specs {
			streams = append(streams, "--stream", s)
		}
	}
	for _, emulator := range []struct{ args, mounts []string }{
		{nil, []string{firstKeep, firstClose}},
		{[]string{"--moov", "last"}, []string{lastKeep, lastClose}},
		{[]string{"--muxer", "ffmpeg"}, []string{ffmpegKeep, ffmpegClose}},
		{[]string{"--muxer", "ffmpeg-defaults", "--moov", "last", "--content-length", "off"}, []string{defaultsLast}},
	} {
		e := harness.StartEmulator(t, append(streams[:len(streams):len(streams)], emulator.args...)...)
		for _, name := range emulator.mounts {
			var args []string // closing gaps is what a mount does unless told
			if keeps(name) {
				args = []string{"--gaps", "keep"}
			}
			j.mounts[name] = harness.StartMount(t, e, args...)
		}
	}
	return j
}

// path names a clip of a stream, from so long after the base on.
func (j joinedMounts) path(mount, stream string, offset, length time.Duration) string {
	return j.mounts[mount].Join(stream, nameOf(j.base.Add(offset)), names.FormatLength(length)+".mp4")
}

// stored gives what the emulators have of a stream in a span.
func (j joinedMounts) stored(t *testing.T, stream string, offset, length time.Duration) []footage.Fragment {
	t.Helper()
	return footageOf(t, j.streams[stream], j.base.Add(offset), j.base.Add(offset+length))
}

// TestJoined: a clip of many parts has every coded frame that the emulator stored for its span, once and in order, at
// the time that the model gives, and decodes to the same; and what cannot be joined is refused with the reason.
func TestJoined(t *testing.T) {
	t.Parallel() // to TestJoinedDay, which waits for the quota for the most part
	j := startJoined(t)
	t.Run("frames", func(t *testing.T) { testJoinedFrames(t, j) })
	t.Run("neighbours", func(t *testing.T) { testJoinedNeighbours(t, j) })
	t.Run("codec change copied", func(t *testing.T) { testJoinedCopied(t, j) })
	t.Run("two codecs", func(t *testing.T) { testJoinedTwoCodecs(t, j) })
}

// joinedRow is a clip that is looked at through some mounts.
type joinedRow struct {
	stream         string
	offset, length time.Duration
	filter         string
	mounts         []string
}

// joinedRows are all kinds of footage, each through some of the ways of making payloads and of treating gaps.
func joinedRows() []joinedRow {
	const second, minute = time.Second, time.Minute
	return []joinedRow{
		{"hour", 3 * second, time.Hour, "", []string{firstKeep}},
		{"reordered", 0, 10 * minute, "", []string{ffmpegClose}},
		{"reordered", 5*minute + second, 10*minute + 500*time.Millisecond, "", []string{firstClose}},
		{"h265", 0, 6 * minute, "", []string{lastKeep, ffmpegClose}},
		{"law", 0, 10 * minute, "", []string{firstClose, ffmpegKeep}},
		{"varying", 0, 8 * minute, "", []string{lastClose, ffmpegKeep, defaultsLast}},
		{"still", 0, 7 * minute, "", []string{firstClose, ffmpegKeep}},
		{"gaps", 3 * second, 6 * minute, "", []string{firstKeep, firstClose}},
		{"gaps", 35 * second, 4*minute + 9*second, "", []string{lastClose, ffmpegKeep}},
		{"lawgaps", 0, minute, "", []string{firstKeep, firstClose, ffmpegKeep}},
		{"overlap", 0, 10 * minute, "", []string{firstKeep, lastClose, ffmpegClose}},
		{"change", 0, 3 * minute, "filter_units=remove_types=7-8", []string{firstClose, ffmpegKeep}},
		{"change265", 21 * second, 2*minute + second, "filter_units=remove_types=32-34", []string{firstClose, defaultsLast}},
		{"silence", 0, 3 * minute, "", []string{firstKeep, ffmpegClose}},
	}
}

// testJoinedFrames: number, order, content and times of the frames of all kinds of footage.
func testJoinedFrames(t *testing.T, j joinedMounts) {
	for _, test := range joinedRows() {
		fragments := j.stored(t, test.stream, test.offset, test.length)
		for i, mount := range test.mounts {
			name := fmt.Sprintf("%s %s+%s %s", test.stream, names.FormatLength(test.length), test.offset, mount)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				path := j.path(mount, test.stream, test.offset, test.length)
				// Of overlaps within a part the sidecar knows nothing.
				check := joinedCheck{keep: keeps(mount), filter: test.filter, decode: i == 0, sidecar: test.stream != "overlap"}
				checkJoined(t, path, fragments, check)
				if !j.mounts[mount].Logs("msg=joined stream=" + test.stream + " ") {
					t.Errorf("%s is one part", path)
				}
			})
		}
	}
}

// testJoinedNeighbours: two clips that follow each other have, together, the coded frames of one over both spans.
func testJoinedNeighbours(t *testing.T, j joinedMounts) {
	const mount, length = firstClose, 10 * time.Minute
	both := demux(t, j.path(mount, "reordered", 0, 2*length), "")
	one, other := demux(t, j.path(mount, "reordered", 0, length), ""), demux(t, j.path(mount, "reordered", length, length), "")
	for k, kind := range []string{"coded pictures", "coded frames of audio"} {
		sameList(t, "two neighbours", kind, both[k].hashes(), slices.Concat(one[k].hashes(), other[k].hashes()))
	}
	if got, want := both[0].hashes(), len(j.stored(t, "reordered", 0, 2*length)); len(got) != want*20 {
		t.Errorf("%d pictures in %d fragments of 20", len(got), want)
	}
}

// testJoinedCopied: a clip whose coding changes decodes whole after ffmpeg has copied it, which keeps the first sample
// description only.
func testJoinedCopied(t *testing.T, j joinedMounts) {
	for _, test := range []struct {
		stream, mount string
		formats       []string
	}{
		{"change", firstClose, []string{"mp4", "matroska", "mpegts"}},
		{"change", ffmpegClose, []string{"mp4"}},
		// For mpegts ffmpeg 5.1 puts the first description's parameter sets behind those in-band of H.265.
		{"change265", firstClose, []string{"mp4", "matroska"}},
	} {
		path := j.path(test.mount, test.stream, 0, 3*time.Minute)
		stored := writeStored(t, j.stored(t, test.stream, 0, 3*time.Minute))
		files, args := stored, []string{"-v", "error", "-nostdin", "-i", path}
		for _, format := range test.formats {
			copied := filepath.Join(t.TempDir(), "copied")
			files, args = append(files, copied), append(args, "-map", "0", "-c", "copy", "-f", format, copied)
		}
		harness.Run(t, "ffmpeg", args...)
		lists := picturesOf(t, files...)
		for i, format := range test.formats {
			sameList(t, path+" copied to "+format, "decoded pictures", slices.Concat(lists[:len(stored)]...), lists[len(stored)+i])
		}
	}
}

// testJoinedTwoCodecs: H.264 and H.265 do not go into one file. The reason tells which spans can be had, and they can.
func testJoinedTwoCodecs(t *testing.T, j joinedMounts) {
	const mount, length = firstClose, 2 * time.Minute
	path := j.path(mount, "mixed", 0, length)
	if _, err := os.ReadFile(path); !errors.Is(err, syscall.EMEDIUMTYPE) {
		t.Fatalf("%s: got %v, want EMEDIUMTYPE", path, err)
	}
	reason := xattr(t, path, "user.clipfs.error")
	_, offer, _ := strings.Cut(reason, "what can be had: ")
	var spans []time.Time
	for _, word := range strings.FieldsFunc(offer, func(r rune) bool { return r == ' ' || r == '/' }) {
		at, err := time.Parse(time.RFC3339, word)
		if err != nil {
			t.Fatalf("user.clipfs.error %q: %v", reason, err)
		}
		spans = append(spans, at)
	}
	want := []time.Time{j.base, j.base.Add(time.Minute), j.base.Add(time.Minute), j.base.Add(length)}
	if !slices.EqualFunc(spans, want, time.Time.Equal) || !strings.Contains(reason, "hvc1 after avc1") {
		t.Fatalf("user.clipfs.error %q: want a reason and %v", reason, want)
	}
	for i := 0; i < len(spans); i += 2 {
		fragments := footageOf(t, j.streams["mixed"], spans[i], spans[i+1])
		path := j.mounts[mount].Join("mixed", nameOf(spans[i]), nameOf(spans[i+1])+".mp4")
		checkJoined(t, path, fragments, joinedCheck{decode: true})
	}
}
