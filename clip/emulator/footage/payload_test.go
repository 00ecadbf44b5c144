//go:build e2e

package footage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/payload"
)

// settings are the ways to make a payload.
func settings() []payload.Options {
	return []payload.Options{
		{},
		{Moov: payload.MoovLast},
		{Muxer: payload.MuxerFFmpeg},
		{Muxer: payload.MuxerFFmpeg, Moov: payload.MoovLast},
		{Muxer: payload.MuxerFFmpegDefaults},
	}
}

// TestPayload makes payloads of a stretch in the middle of recordings and loops and has ffmpeg read and decode them.
func TestPayload(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			m := read(t, k.make(t, "5"))
			recording := footage.NewRecording(m, day())
			loop := footage.NewLoop(m, day(), footage.Options{})
			sources := map[string][]footage.Fragment{
				"recording": recording.Fragments(footage.ByProducer, day().Add(500*time.Millisecond), day().Add(time.Hour)),
				"loop":      loop.Fragments(footage.ByProducer, day().Add(2*time.Hour), day().Add(2*time.Hour+7*time.Second)),
			}
			for name, frags := range sources {
				for i, o := range settings() {
					if name == "loop" && i%2 == 1 {
						continue // What stands last was tested with recordings.
					}
					t.Run(fmt.Sprintf("%s muxer %d moov %d", name, o.Muxer, o.Moov), func(t *testing.T) {
						t.Parallel()
						comparePayload(t, frags, o, !k.open)
					})
				}
			}
		})
	}
}

// comparePayload makes a payload and compares it with what is stored; decodes says that it can be decoded without complaint.
func comparePayload(t *testing.T, frags []footage.Fragment, o payload.Options, decodes bool) {
	t.Helper()
	if len(frags) < 2 {
		t.Fatalf("%d fragments", len(frags))
	}
	name := save(t, frags, o)
	video, audio := stored(frags)
	made := readPayload(t, name, len(audio) > 0, decodes)
	got := framesIn(t, made("v"))
	sameFrames(t, "video", got, frames(video))
	compareTimes(t, o, got, video)
	moovFirst(t, name, o.Moov == payload.MoovFirst)
	if len(audio) == 0 {
		return
	}
	heard := framesIn(t, made("a"))
	if track, _ := frags[0].AudioTrack(); track.Codec.IsG711() {
		if got, want := made("raw"), join(audio); !bytes.Equal(got, want) {
			t.Errorf("got %d bytes of audio, want other %d", len(got), len(want))
		}
	} else {
		sameFrames(t, "audio", heard, frames(audio))
	}
	compareAudioTimes(t, heard, got[0].pts, audio, video[0].PTS)
}

// readPayload has one ffmpeg, as its start takes the longest, read the coded frames of a payload's video ("v") and audio ("a"), the
// bytes of its audio ("raw"), and, if it decodes, decode all of it: it must not complain.
func readPayload(t *testing.T, name string, audio, decodes bool) (made func(what string) []byte) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-v", "error", "-nostdin", "-copyts", "-threads", "1", "-i", name, "-map", "0:v", "-c", "copy", "-f", "framemd5", filepath.Join(dir, "v")}
	if audio {
		args = append(args, "-map", "0:a", "-c", "copy", "-f", "framemd5", filepath.Join(dir, "a"),
			"-map", "0:a", "-c", "copy", "-f", "data", filepath.Join(dir, "raw"))
	}
	if decodes {
		args = append(args, "-xerror", "-map", "0", "-fps_mode", "passthrough", "-f", "null", "-")
	}
	run(t, "ffmpeg", args...)
	return func(what string) []byte {
		content, err := os.ReadFile(filepath.Join(dir, what))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
}

// compareAudioTimes checks that audio keeps its offset to the video. The first frame may be stretched, others are within
// what rounding makes.
func compareAudioTimes(t *testing.T, got []frame, gotZero time.Duration, want []footage.Sample, wantZero time.Duration) {
	t.Helper()
	first, slack := want[0].PTS-wantZero, 4*time.Millisecond
	if g := got[0].pts - gotZero; !near(g, first, want[0].Duration+slack) {
		t.Errorf("audio starts at %v, want %v", g, first)
	}
	if len(got) != len(want) {
		return // G.711, which ffmpeg cuts anew.
	}
	for i := 1; i < len(got); i++ {
		if g, w := got[i].pts-gotZero, want[i].PTS-wantZero; !near(g, w, slack) {
			t.Fatalf("audio frame %d is at %v, want %v", i, g, w)
		}
	}
}

// moovFirst checks where moov stands.
func moovFirst(t *testing.T, name string, want bool) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Index(data, []byte("moov")) < bytes.Index(data, []byte("mdat")); got != want {
		t.Errorf("moov before mdat: %t, want %t", got, want)
	}
}

// probe is what ffprobe says of a file.
type probe struct {
	Streams []struct {
		CodecName string `json:"codec_name"`
		Tag       string `json:"codec_tag_string"`
		TimeBase  string `json:"time_base"`
		Start     string `json:"start_time"`
		Tags      struct {
			Handler string `json:"handler_name"`
			Created string `json:"creation_time"`
		} `json:"tags"`
	} `json:"streams"`
	Format struct {
		Duration string `json:"duration"`
		Tags     struct {
			Created string `json:"creation_time"`
		} `json:"tags"`
	} `json:"format"`
}

func probeOf(t testing.TB, name string) probe {
	t.Helper()
	tool(t, "ffprobe")
	var p probe
	if err := json.Unmarshal(run(t, "ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", name), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPayloadLooksReal compares what a player sees with what real clips have.
func TestPayloadLooksReal(t *testing.T) {
	t.Parallel() // it runs ffmpeg for the most part
	tests := []struct {
		kind  int
		muxer payload.Muxer
		video string
		audio string
		base  string
	}{
		{0, payload.MuxerBuiltin, "avc1", "mp4a", "1/48000"},
		{5, payload.MuxerBuiltin, "hvc1", "mp4a", "1/48000"},
		{6, payload.MuxerBuiltin, "hvc1", "", ""},
		{7, payload.MuxerBuiltin, "hvc1", "alaw", "1/8000"},
		{8, payload.MuxerBuiltin, "avc1", "ulaw", "1/8000"},
		{0, payload.MuxerFFmpeg, "avc1", "mp4a", "1/48000"},
		{5, payload.MuxerFFmpeg, "hvc1", "mp4a", "1/48000"},
		{7, payload.MuxerFFmpeg, "hvc1", "alaw", "1/8000"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s muxer %d", kinds()[tt.kind].name, tt.muxer), func(t *testing.T) {
			m := read(t, kinds()[tt.kind].make(t, "3"))
			frags := footage.NewRecording(m, day()).Fragments(footage.ByProducer, day(), day().Add(time.Minute))
			created := time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)
			p := probeOf(t, save(t, frags, payload.Options{Muxer: tt.muxer, Created: created}))
			want := 1
			if tt.audio != "" {
				want = 2
			}
			if len(p.Streams) != want {
				t.Fatalf("got %d streams, want %d", len(p.Streams), want)
			}
			v := p.Streams[0]
			if v.Tag != tt.video || v.TimeBase != "1/1000" || v.Tags.Handler != "USP Video Handler" {
				t.Errorf("got video %s, time base %s, handler %q", v.Tag, v.TimeBase, v.Tags.Handler)
			}
			if !strings.HasPrefix(p.Format.Tags.Created, "2026-11-22T01:02:03") || !strings.HasPrefix(v.Tags.Created, "2026-11-22T01:02:03") {
				t.Errorf("got creation times %q, %q", p.Format.Tags.Created, v.Tags.Created)
			}
			if want == 2 && (p.Streams[1].Tag != tt.audio || p.Streams[1].TimeBase != tt.base) {
				t.Errorf("got audio %s, time base %s, want %s, %s", p.Streams[1].Tag, p.Streams[1].TimeBase, tt.audio, tt.base)
			}
		})
	}
}

// TestGaps makes payloads over a gap of 17 s.
func TestGaps(t *testing.T) {
	t.Parallel()                    // it runs ffmpeg for the most part
	for _, i := range []int{0, 8} { // AAC with B-frames, G.711
		m := read(t, kinds()[i].make(t, "4"))
		source := footage.NewSource(footage.NewRecording(m, day()), footage.NewRecording(m, day().Add(21*time.Second)))
		frags := source.Fragments(footage.ByProducer, day(), day().Add(time.Minute))
		video, audio := stored(frags)
		for _, muxer := range []payload.Muxer{payload.MuxerBuiltin, payload.MuxerFFmpeg} {
			for policy, cut := range map[payload.Gaps]time.Duration{payload.GapsKeep: 0, payload.GapsClose: 17 * time.Second} {
				t.Run(fmt.Sprintf("%s muxer %d gaps %d", kinds()[i].name, muxer, policy), func(t *testing.T) {
					shift := func(samples []footage.Sample) []footage.Sample {
						var out []footage.Sample
						for _, s := range samples {
							if s.PTS > 20*time.Second {
								s.PTS -= cut
							}
							out = append(out, s)
						}
						return out
					}
					o := payload.Options{Muxer: muxer, Gaps: policy}
					name := save(t, frags, o)
					made := readPayload(t, name, true, true)
					got := framesIn(t, made("v"))
					sameFrames(t, "video", got, frames(video))
					compareTimes(t, o, got, shift(video))
					if k := framesIn(t, made("a")); len(k) == len(audio) {
						compareAudioTimes(t, k, got[0].pts, shift(audio), 0)
					}
					if got, want := made("raw"), join(audio); !bytes.Equal(got, want) {
						t.Errorf("got %d bytes of audio, want other %d", len(got), len(want))
					}
				})
			}
		}
	}
}

// TestOverlap: what starts before the footage ahead of it has ended is placed right behind.
func TestOverlap(t *testing.T) {
	m := read(t, kinds()[0].make(t, "3"))
	source := footage.NewSource(footage.NewRecording(m, day()), footage.NewRecording(m, day().Add(2500*time.Millisecond)))
	frags := source.Fragments(footage.ByProducer, day(), day().Add(time.Minute))
	video, audio := stored(frags)
	for i := range video[75:] {
		video[75+i].PTS += 500 * time.Millisecond
	}
	name := save(t, frags, payload.Options{})
	made := readPayload(t, name, true, true)
	got := framesIn(t, made("v"))
	sameFrames(t, "video", got, frames(video))
	compareTimes(t, payload.Options{}, got, video)
	sameFrames(t, "audio", framesIn(t, made("a")), frames(audio))
}

func TestPlanErrors(t *testing.T) {
	one := read(t, kinds()[8].make(t, "2"))
	other := read(t, kinds()[6].make(t, "2"))
	frags := footage.NewSource(footage.NewRecording(one, day()), footage.NewRecording(other, day().Add(5*time.Second))).
		Fragments(footage.ByProducer, day(), day().Add(time.Minute))
	video, samples := one.Video()
	if _, err := footage.NewFragment("1", day(), day(), footage.Track{Codec: footage.H264}, samples, nil, nil, 0); !errors.Is(err, footage.ErrNoCodecPrivateData) {
		t.Errorf("no private data: got %v", err)
	}
	if _, err := footage.NewFragment("1", day(), day(), video, samples[1:3], nil, nil, 0); !errors.Is(err, footage.ErrInvalidMedia) {
		t.Errorf("no key frame: got %v", err)
	}
	tests := []struct {
		name  string
		frags []footage.Fragment
		want  error
	}{
		{"none", nil, footage.ErrNoFragments},
		{"codec change", frags, footage.ErrCodecChange},
		{"no media", []footage.Fragment{{Number: "1"}}, footage.ErrUnsupportedMedia},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := payload.Plan(tt.frags, payload.Options{}); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if err := footage.WriteMatroska(io.Discard, tt.frags); !errors.Is(err, tt.want) {
				t.Errorf("Matroska: got %v, want %v", err, tt.want)
			}
		})
	}
}

// TestRenderStops: a context that has ended ends ffmpeg, and nothing is left on disk.
func TestRenderStops(t *testing.T) {
	tool(t, "ffmpeg")
	m, err := footage.TestCard()
	if err != nil {
		t.Fatal(err)
	}
	frags := footage.NewLoop(m, day(), footage.Options{}).Fragments(footage.ByProducer, day(), day().Add(time.Minute))
	dir := t.TempDir()
	p, err := payload.Plan(frags, payload.Options{Muxer: payload.MuxerFFmpeg, TempDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.WriteTo(io.Discard); !errors.Is(err, payload.ErrNotRendered) {
		t.Errorf("before Render: got %v, want %v", err, payload.ErrNotRendered)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Render(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestParseOptions(t *testing.T) {
	for s, want := range map[string]payload.Muxer{"builtin": payload.MuxerBuiltin, "ffmpeg": payload.MuxerFFmpeg, "ffmpeg-defaults": payload.MuxerFFmpegDefaults} {
		if got, err := payload.ParseMuxer(s); got != want || err != nil {
			t.Errorf("muxer %s: got %v, %v", s, got, err)
		}
	}
	for s, want := range map[string]payload.Moov{"first": payload.MoovFirst, "last": payload.MoovLast} {
		if got, err := payload.ParseMoov(s); got != want || err != nil {
			t.Errorf("moov %s: got %v, %v", s, got, err)
		}
	}
	for s, want := range map[string]payload.Gaps{"keep": payload.GapsKeep, "close": payload.GapsClose} {
		if got, err := payload.ParseGaps(s); got != want || err != nil {
			t.Errorf("gaps %s: got %v, %v", s, got, err)
		}
	}
	_, a := payload.ParseMuxer("x")
	_, b := payload.ParseMoov("")
	_, c := payload.ParseGaps("Keep")
	if a == nil || b == nil || c == nil {
		t.Errorf("wrong words: got %v, %v, %v, want errors", a, b, c)
	}
}
