//go:build e2e

package footage_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/form"
	"clipfs/clip/emulator/payload"
)

// top gives the types of the boxes at the top of a file, and the size that the last one says.
func top(t *testing.T, data []byte) (kinds []string, last uint32) {
	t.Helper()
	for at := 0; at+8 <= len(data); {
		last = binary.BigEndian.Uint32(data[at:])
		kinds = append(kinds, string(data[at+4:at+8]))
		if last < 8 {
			break
		}
		at += int(last)
	}
	return kinds, last
}

// inside gives the bytes of a box anywhere in a file, behind its type; nil if there is none.
func inside(data []byte, kind string) []byte {
	if i := bytes.Index(data, []byte(kind)); i >= 0 {
		return data[i+4:]
	}
	return nil
}

// shapes says what each form that changes boxes looks like.
func shapes() map[form.Form]func(t *testing.T, data []byte) bool {
	has := func(kind string, want int) func(t *testing.T, data []byte) bool {
		return func(_ *testing.T, data []byte) bool { return bytes.Count(data, []byte(kind)) == want }
	}
	kinds := func(want string) func(t *testing.T, data []byte) bool {
		return func(t *testing.T, data []byte) bool {
			all, last := top(t, data)
			return fmt.Sprint(strings.Join(all, " "), " ", last == 0) == want
		}
	}
	return map[form.Form]func(t *testing.T, data []byte) bool{
		form.Mdats:      kinds("ftyp moov mdat mdat mdat mdat false"),
		form.MdatZero:   kinds("ftyp moov mdat true"),
		form.MoovLast:   kinds("ftyp mdat moov false"),
		form.Fragmented: kinds("ftyp moov moof mdat moof mdat moof mdat false"),
		form.Mvex:       has("trex", 2),
		form.Sound:      has("trak", 3),
		form.Video:      has("trak", 3),
		form.Edits: func(_ *testing.T, data []byte) bool {
			return binary.BigEndian.Uint32(inside(data, "elst")[4:]) == 2
		},
		form.Offsets: func(_ *testing.T, data []byte) bool {
			ctts, elst := inside(data, "ctts"), inside(data, "elst")
			// The first sample is a frame of 40 ms late, and the edit begins there.
			return binary.BigEndian.Uint32(ctts[12:]) == 40 && binary.BigEndian.Uint64(elst[16:]) == 40
		},
		form.Pasp:       has("pasp", 1),
		form.Colr:       has("nclx", 1),
		form.Compressor: has("compressor ", 1),
	}
}

// TestFormsReshape: each form looks as it should, and ffmpeg finds the frames and times of the plain payload in it without
// a word of complaint, whoever made that.
func TestFormsReshape(t *testing.T) {
	t.Parallel() // it runs ffmpeg for the most part
	m := read(t, kinds()[0].make(t, "3"))
	frags := footage.NewRecording(m, day()).Fragments(footage.ByProducer, day(), day().Add(time.Hour))
	video, audio := stored(frags)
	for _, muxer := range []payload.Muxer{payload.MuxerBuiltin, payload.MuxerFFmpeg} {
		for f, looks := range shapes() {
			t.Run(fmt.Sprintf("%s muxer %d", f, muxer), func(t *testing.T) {
				o := payload.Options{Muxer: muxer, Forms: form.Set{f}}
				name := save(t, frags, o)
				data, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				if !looks(t, data) {
					all, last := top(t, data)
					t.Errorf("it does not look so: %v, the last of %d", all, last)
				}
				if f == form.Edits {
					// Its demuxer gives what a second edit's first picture needs once more, to be decoded and dropped.
					want := save(t, frags, payload.Options{Muxer: muxer})
					if got, want := pictures(t, name), pictures(t, want); got != want || strings.Count(got, "\n") != len(video) {
						t.Errorf("%d pictures that are not the %d of the plain payload", strings.Count(got, "\n"), len(video))
					}
					return
				}
				streams := []string{"v:0", "a:0"}
				switch f {
				case form.Sound:
					streams = append(streams, "a:1")
				case form.Video:
					streams = append(streams, "v:1")
				}
				each := streamsOf(t, name, streams...)
				got, heard := each[0], each[1]
				sameFrames(t, "video", got, frames(video))
				compareTimes(t, o, got, video)
				sameFrames(t, "audio", heard, frames(audio))
				compareAudioTimes(t, heard, got[0].pts, audio, video[0].PTS)
				extra := 0
				if f == form.Sound {
					sameFrames(t, "second sound", each[2], frames(audio))
					extra = len(join(audio))
				}
				if f == form.Video {
					sameFrames(t, "second video", each[2], frames(video))
					extra = len(join(video))
				}
				// A further track has media of its own.
				if least := len(join(video)) + len(join(audio)) + extra; len(data) < least {
					t.Errorf("%d bytes, want at least %d", len(data), least)
				}
			})
		}
	}
}

// pictures gives the times and hashes of the pictures of a file as ffmpeg decodes them.
func pictures(t *testing.T, name string) string {
	t.Helper()
	out := run(t, "ffmpeg", "-v", "error", "-nostdin", "-threads", "1", "-i", name, "-map", "0:v", "-copyts", "-fps_mode", "passthrough", "-f", "framemd5", "-")
	var lines strings.Builder
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

// TestFormsOfMinutes: the sample entry of a payload depends on the minute of its footage, and nothing else does.
func TestFormsOfMinutes(t *testing.T) {
	m, err := footage.TestCard()
	if err != nil {
		t.Fatal(err)
	}
	loop := footage.NewLoop(m, day(), footage.Options{NoStamp: true})
	entry := func(f form.Form, at time.Duration) string {
		frags := loop.Fragments(footage.ByProducer, day().Add(at), day().Add(at+5*time.Second))
		data, err := os.ReadFile(save(t, frags, payload.Options{Forms: form.Set{f}}))
		if err != nil {
			t.Fatal(err)
		}
		stsd := inside(data, "stsd")
		return string(stsd[8 : 8+binary.BigEndian.Uint32(stsd[8:])])
	}
	for _, f := range []form.Form{form.Pasp, form.Colr, form.Compressor} {
		first, same, next := entry(f, 0), entry(f, 20*time.Second), entry(f, time.Minute)
		if first != same || first == next {
			t.Errorf("%s: the same in a minute: %t, in the next: %t", f, first == same, first == next)
		}
	}
}

// TestFormsOfFrames: frames that come twice, and a body that ends early.
func TestFormsOfFrames(t *testing.T) {
	m := read(t, kinds()[0].make(t, "4"))
	all := footage.NewRecording(m, day()).Fragments(footage.ByProducer, day(), day().Add(time.Hour))
	frags := all[:3:3]
	video, audio := stored(frags)
	for _, muxer := range []payload.Muxer{payload.MuxerBuiltin, payload.MuxerFFmpeg} {
		name := save(t, frags, payload.Options{Muxer: muxer, Forms: form.Set{form.Twice, form.Joint}, Next: &all[3]})
		each := streamsOf(t, name, "v", "a")
		got := each[0]
		sameFrames(t, "video", got, append(frames(video[:5:5]), frames(video)...))
		for i := range video {
			if g, w := got[5+i].pts-got[5].pts, video[i].PTS; g != w {
				t.Fatalf("muxer %d: frame %d is shown at %v, want %v", muxer, i, g, w)
			}
		}
		if got[0].pts >= got[5].pts {
			t.Errorf("muxer %d: the first copy is shown at %v, the frame itself at %v", muxer, got[0].pts, got[5].pts)
		}
		sameFrames(t, "audio", each[1], append(frames(audio), frames(all[3].Audio()[:1])...))

		whole, err := os.ReadFile(save(t, frags, payload.Options{Muxer: muxer}))
		if err != nil {
			t.Fatal(err)
		}
		cut, err := os.ReadFile(save(t, frags, payload.Options{Muxer: muxer, Forms: form.Set{form.Truncated}}))
		if err != nil {
			t.Fatal(err)
		}
		if kinds, last := top(t, cut); last != 0 || kinds[len(kinds)-1] != "mdat" || len(cut)*10 > len(whole)*8 || len(cut)*10 < len(whole)*6 {
			t.Errorf("muxer %d: %d of %d bytes, boxes %v, the last of %d", muxer, len(cut), len(whole), kinds, last)
		}
	}
}

// TestFormOffsets: with B-frames and a variable frame rate the first sample's offset differs from payload to payload, as
// it does in what ffmpeg encodes. This is so with --muxer ffmpeg too.
func TestFormOffsets(t *testing.T) {
	t.Parallel() // it runs ffmpeg for the most part
	name := filepath.Join(t.TempDir(), "varying.mp4")
	encode(t, name, "-f", "lavfi", "-i", "testsrc2=s=64x36:r=10:d=12", "-vf", "settb=1/1000,setpts=PTS+20*mod(N\\,3)*mod(floor(N/40)\\,3)",
		"-fps_mode", "passthrough", "-enc_time_base", "1/1000", "-c:v", "libx264", "-bf", "3", "-x264-params", "b-adapt=0", "-g", "20", "-sc_threshold", "0", "-video_track_timescale", "1000",
		"-pix_fmt", "yuv420p", "-threads", "1")
	all := footage.NewRecording(read(t, name), day()).Fragments(footage.ByProducer, day(), day().Add(time.Hour))
	for _, o := range []payload.Options{{Forms: form.Set{form.Offsets}}, {Muxer: payload.MuxerFFmpeg}} {
		seen := make(map[uint32]bool)
		for i := range all {
			name := save(t, all[i:i+1], o)
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			seen[binary.BigEndian.Uint32(inside(data, "ctts")[12:])] = true
			video, _ := stored(all[i : i+1])
			compareTimes(t, o, framesOf(t, name, "v"), video)
		}
		if len(seen) < 3 {
			t.Errorf("muxer %d: %d different offsets: %v", o.Muxer, len(seen), seen)
		}
	}
}

// TestSyncIDR: pictures at which decoding can begin are found in the media itself. With SyncsIDR only IDR pictures are
// listed, and a payload read back still has all of its fragments.
func TestSyncIDR(t *testing.T) {
	t.Parallel() // it runs ffmpeg for the most part
	hevc := kind{name: "h265 open gop", file: "a.mp4", rate: "25", video: []string{"-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1",
		"-x265-params", "log-level=none:pools=1:keyint=25:min-keyint=25:bframes=2:open-gop=1:scenecut=0"}}
	for _, k := range []kind{kinds()[0], kinds()[2], hevc} {
		t.Run(k.name, func(t *testing.T) {
			all := footage.NewRecording(read(t, k.make(t, "5")), day()).Fragments(footage.ByProducer, day(), day().Add(time.Hour))
			if len(all) != 5 {
				t.Fatalf("%d fragments, want 5", len(all))
			}
			for _, muxer := range []payload.Muxer{payload.MuxerBuiltin, payload.MuxerFFmpeg} {
				want := 1 // the first picture of the file
				if k.name == kinds()[0].name {
					want = 5
				}
				name := save(t, all, payload.Options{Muxer: muxer, Syncs: payload.SyncsIDR})
				if got := syncsOf(t, name); got != want {
					t.Errorf("muxer %d: %d sync samples, want %d", muxer, got, want)
				}
				if n := len(footage.NewRecording(read(t, name), day()).Fragments(footage.ByProducer, day(), day().Add(time.Hour))); n != 5 {
					t.Errorf("muxer %d: read back as %d fragments", muxer, n)
				}
				part := save(t, all[2:4], payload.Options{Muxer: muxer, Syncs: payload.SyncsIDR})
				if got := syncsOf(t, part); got != min(want-1, 2) {
					t.Errorf("muxer %d: %d sync samples in a part, want %d", muxer, got, min(want-1, 2))
				}
			}
		})
	}
}

// syncsOf counts the sync samples of a file's video.
func syncsOf(t *testing.T, name string) int {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	stss := inside(data, "stss")
	if stss == nil {
		t.Fatal("no stss: every sample is one")
	}
	return int(binary.BigEndian.Uint32(stss[4:]))
}
