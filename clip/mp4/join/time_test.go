//go:build e2e

package join_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/join"
	"clipfs/clip/mp4/mp4test"
)

// coded is a picture as a model knows it: when it is shown, in ms, in the order of decoding.
type coded struct {
	pts  int64
	sync bool
}

// groups makes up n pictures with two B-frames between others, from a time in ms on: intervals of the pictures shown
// vary, as with a variable frame rate.
func groups(r *rand.Rand, from int64, n int) []coded {
	times := make([]int64, n)
	for i := range times {
		times[i] = from
		from += 20 + r.Int64N(180)
	}
	var all []coded
	for i := 0; i < n; i += 3 { // I b b P b b: shown in the order of times, decoded before what refers to it
		if i == 0 {
			all = append(all, coded{times[0], true})
			continue
		}
		all = append(all, coded{times[i], false}, coded{times[i-2], false}, coded{times[i-1], false})
	}
	return all
}

// muxed makes a payload of pictures as ffmpeg's muxer does of a variable frame rate: decoding times are the times shown,
// sorted, each as much later as reordering needs; the first ones are delay earlier than the first picture. Sound of
// frames of 20 ms begins lead before the first picture.
func muxed(t *testing.T, pictures []coded, delay, lead int64, sounds uint32) []byte {
	t.Helper()
	entry, _ := avc(0)
	var shown []int64
	for _, p := range pictures {
		shown = append(shown, p.pts)
	}
	slices.Sort(shown)
	decoded := append([]int64{shown[0] - delay}, shown...) // one picture of delay
	video := isom.OutputTrack{Handler: isom.Video, Timescale: 1000, Width: 320, Height: 180, Entries: [][]byte{entry}}
	for i, p := range pictures {
		video.Samples = append(video.Samples, isom.SampleRun{
			Count: 1, Duration: uint32(decoded[i+1] - decoded[i]), Offset: int32(p.pts - decoded[i]), Size: 1, Sync: p.sync,
		})
	}
	video.Edits = []isom.Edit{{Duration: 1 << 20, MediaTime: delay}}
	n := uint32(len(pictures))
	out := isom.Output{Tracks: []isom.OutputTrack{video}, Chunks: []isom.OutputChunk{{Samples: n, Data: isom.Slices{make([]byte, n)}}}}
	if sounds > 0 {
		sound := isom.OutputTrack{Handler: isom.Sound, Timescale: 8000, Entries: [][]byte{isom.NewG711Entry(isom.ALaw, 8000, 1)},
			Samples: []isom.SampleRun{{Count: sounds, Duration: 160, Size: 160, Sync: true}}}
		if lead > 0 {
			out.Tracks[0].Edits = slices.Insert(out.Tracks[0].Edits, 0, isom.Edit{Duration: uint64(lead), MediaTime: -1})
		} else if lead < 0 {
			sound.Edits = []isom.Edit{{Duration: uint64(-lead), MediaTime: -1}, {Duration: 1 << 20}}
		}
		out.Tracks = append(out.Tracks, sound)
		out.Chunks = append(out.Chunks, isom.OutputChunk{Track: 1, Samples: sounds, Data: isom.Slices{make([]byte, 160*sounds)}})
	}
	return mp4test.Build(t, out)
}

// TestJoinKeepsPictures joins an hour of parts with a variable frame rate and B-frames, each muxed with another delay:
// every picture is where it was recorded, to a millisecond, and decoding times rise.
func TestJoinKeepsPictures(t *testing.T) {
	for _, lead := range []int64{0, 93, -40} {
		r := rand.New(rand.NewPCG(7, uint64(lead+100)))
		var want []int64
		var parts []join.Part
		var payloads [][]byte
		from, begin := int64(0), -max(0, lead)
		for range 600 {
			pictures := groups(r, from, 1+3*(1+r.IntN(20)))
			last := int64(0)
			for _, p := range pictures {
				want = append(want, p.pts)
				last = max(last, p.pts)
			}
			next := last + 20 + r.Int64N(180)
			sounds := uint32(0)
			if lead != 0 {
				sounds = uint32(next-from)/20 - 1
			}
			payload := muxed(t, pictures, 40+r.Int64N(300), lead, sounds)
			p := partOf(t, payload, ms(from-max(0, lead)))
			parts, payloads = append(parts, p), append(payloads, payload)
			from = next
		}
		j, file := joined(t, parts, payloads, join.Options{})
		got := expand(t, file, mp4.HandlerVideo)
		most := time.Duration(0)
		for i, g := range got {
			most = max(most, (g.pts - ms(want[i]-begin)).Abs())
			if i > 0 && g.dts <= got[i-1].dts {
				t.Fatalf("lead %d: picture %d decoded at %v after %v", lead, i, g.dts, got[i-1].dts)
			}
		}
		if len(got) != len(want) || most > ms(1) {
			t.Errorf("lead %d ms: %d pictures of %d, the most that one is off is %v", lead, len(got), len(want), most)
		}
		if n := len(j.Times()); n != 1 || j.Times()[0] != (join.TimePoint{Clip: ms(begin)}) {
			t.Errorf("lead %d ms: times %v", lead, j.Times())
		}
		if lead == 0 {
			continue
		}
		sound, n := expand(t, file, mp4.HandlerSound), 0
		for i, p := range parts {
			due := p.Start + ms(max(0, -lead)) - ms(begin)
			if off := sound[n].pts - due; off.Abs() > ms(20) {
				t.Fatalf("lead %d ms: sound of part %d is off by %v", lead, i, off)
			}
			n += int(head(p).Sound().Sizes.Len())
		}
	}
}

// warned gives what ffmpeg says at level warning while it reads a file with its sound and video, edits applied.
func warned(t *testing.T, path string) string {
	t.Helper()
	mp4test.Need(t, "ffmpeg")
	text, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "warning", "-nostdin", "-i", path, "-map", "0", "-c", "copy", "-f",
		"framemd5", os.DevNull, "-y").CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, text)
	}
	return string(text)
}

// sources are pictures and sound that ffmpeg encodes: H.264 with three B-frames, and AAC whose first frame is not hidden.
func sources(t *testing.T, filter string, seconds int) string {
	t.Helper()
	return mp4test.FFmpeg(t, "source.mkv", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=320x180:rate=25:duration=%d", seconds), "-f", "lavfi",
		"-i", fmt.Sprintf("sine=frequency=440:sample_rate=48000:duration=%d", seconds), "-vf", filter, "-vsync", "vfr", "-pix_fmt", "yuv420p",
		"-threads", "1", "-c:v", "libx264", "-preset", "ultrafast", "-x264-params", "keyint=25:bframes=3:b-adapt=0:scenecut=0", "-c:a", "aac")
}

// TestJoinWitness joins what ffmpeg's own muxer cuts from a recording, with even times of pictures and uneven ones. It
// compares with ffprobe: pictures and sound are at the times of the recording, in one file as in the parts.
func TestJoinWitness(t *testing.T) {
	t.Parallel() // it runs ffmpeg for the most part
	mp4test.Need(t, "ffmpeg", "ffprobe")
	for _, c := range []struct{ name, filter string }{
		{"even", "null"},
		{"uneven", "select='not(mod(n*n\\,7))+not(mod(n\\,3))'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := sources(t, c.filter, 12)
			dir := t.TempDir()
			mp4test.Run(t, "ffmpeg", "-v", "error", "-nostdin", "-i", source, "-map", "0:v", "-map", "0:a", "-c", "copy", "-f", "segment", "-segment_time", "2",
				"-segment_format", "mp4", filepath.Join(dir, "%02d.mp4"))
			var parts []join.Part
			var payloads [][]byte
			names, _ := filepath.Glob(filepath.Join(dir, "*.mp4"))
			pictures, sound, taken := stamps(t, source, "v", "pts_time"), stamps(t, source, "a", "pts_time"), [2]int{}
			for _, name := range names {
				payload, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				start := min(pictures[taken[0]], sound[taken[1]])
				p := partOf(t, payload, time.Duration(math.Round(start*1000))*time.Millisecond)
				m := head(p)
				taken[0], taken[1] = taken[0]+int(m.Video().Sizes.Len()), taken[1]+int(m.Sound().Sizes.Len())
				parts, payloads = append(parts, p), append(payloads, payload)
			}
			if len(parts) < 5 || taken != [2]int{len(pictures), len(sound)} {
				t.Fatalf("%d parts of %v frames, want %d and %d", len(parts), taken, len(pictures), len(sound))
			}
			path := writeJoined(t, parts, payloads, join.Options{})
			if text := warned(t, path); text != "" {
				t.Errorf("ffmpeg warns:\n%s", text)
			}
			// Where sound leads, the payloads tell by how much in an empty edit of whole ms, to the next, and so do the parts' starts.
			compareStamps(t, path, "v", pictures, 0.0015)
			compareStamps(t, path, "a", sound, 0.022)
		})
	}
}

// compareStamps compares when packets are shown with when they were recorded, from the first on, and wants decoding times
// to rise.
func compareStamps(t *testing.T, path, stream string, want []float64, most float64) {
	t.Helper()
	got, decoded := stamps(t, path, stream, "pts_time"), stamps(t, path, stream, "dts_time")
	if len(got) != len(want) {
		t.Fatalf("stream %s: %d packets, want %d", stream, len(got), len(want))
	}
	for i := range got {
		if off := got[i] - want[i]; off > most || off < -most {
			t.Errorf("stream %s: packet %d at %f, recorded at %f", stream, i, got[i], want[i])
		}
		if i > 0 && decoded[i] <= decoded[i-1] {
			t.Errorf("stream %s: packet %d decoded at %f after %f", stream, i, decoded[i], decoded[i-1])
		}
	}
}

// TestJoinBegins checks with ffprobe where a file begins whose sound leads or follows the first picture: both at their
// time, nothing warned of, and the last picture shown.
func TestJoinBegins(t *testing.T) {
	t.Parallel() // it runs ffmpeg for the most part
	mp4test.Need(t, "ffmpeg", "ffprobe")
	base := mp4test.FFmpeg(t, "base.mp4", "-i", sources(t, "null", 3), "-c", "copy")
	for _, lead := range []int64{0, 1, 19, 93, 400, -30, -500} {
		t.Run(fmt.Sprint(lead), func(t *testing.T) {
			out := mp4test.Remux(t, base)
			for i := range out.Tracks {
				out.Tracks[i].Edits = nil
			}
			out.Tracks[0].Edits = []isom.Edit{{Duration: 1 << 20, MediaTime: int64(out.Tracks[0].Samples[0].Offset)}}
			if wait := (isom.Edit{Duration: uint64(max(lead, -lead)), MediaTime: -1}); lead > 0 {
				out.Tracks[0].Edits = slices.Insert(out.Tracks[0].Edits, 0, wait)
			} else if lead < 0 {
				out.Tracks[1].Edits = []isom.Edit{wait, {Duration: 1 << 20}}
			}
			payload := mp4test.Build(t, out)
			parts := []join.Part{partOf(t, payload, 0), partOf(t, payload, 4*time.Second)}
			path := writeJoined(t, parts, [][]byte{payload, payload}, join.Options{})
			if text := warned(t, path); text != "" {
				t.Errorf("ffmpeg warns:\n%s", text)
			}
			video, sound := stamps(t, path, "v", "pts_time"), stamps(t, path, "a", "pts_time")
			for i, k := range []int{0, 75} {
				want := 4*float64(i) + float64(max(0, lead))/1000
				if off := slices.Min(video[k:k+75]) - want; math.Abs(off) > 0.001 {
					t.Errorf("video of part %d is off by %f", i, off)
				}
			}
			if off := sound[0] - float64(max(0, -lead))/1000; math.Abs(off) > 0.001 {
				t.Errorf("sound is off by %f", off)
			}
			if text := mp4test.Run(t, "ffprobe", "-v", "warning", "-show_entries", "stream=start_time", "-of", "csv=p=0", path); strings.Count(text, "\n") != 2 {
				t.Errorf("streams start at %s", text)
			}
			checkTools(t, path, 150)
		})
	}
}
