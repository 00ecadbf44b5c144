//go:build e2e

package footage_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/payload"
)

// What is written cluster by cluster comes back fragment by fragment, sample by sample.
func TestClustersGiveFragments(t *testing.T) {
	for _, k := range kinds() {
		if k.open {
			continue
		}
		m := read(t, k.make(t, "4"))
		want := footage.NewRecording(m, day()).Fragments(footage.ByProducer, day(), day().Add(time.Hour))
		var file bytes.Buffer
		if err := footage.WriteMatroska(&file, want); err != nil {
			t.Fatal(err)
		}
		got, err := pushed(iotest.OneByteReader(&file))
		if !errors.Is(err, io.EOF) || len(got) != len(want) {
			t.Fatalf("%s: %d fragments, want %d: %v", k.name, len(got), len(want), err)
		}
		for i := range got {
			if _, ok := got[i].AudioTrack(); ok || got[i].VideoTrack().Codec != 0 {
				t.Errorf("%s: fragment %d has tracks before it was loaded", k.name, i)
			}
			f, err := got[i].Load()
			if err != nil {
				t.Fatalf("%s: fragment %d: %v", k.name, i, err)
			}
			w := want[i]
			if !f.Producer.Equal(w.Producer) || f.Length != w.Length || f.Size < w.Size-16 || f.Size > w.Size+16 { // Sizes are written in another number of bytes.
				t.Errorf("%s: fragment %d at %s of %s and %d bytes, want %s of %s and %d", k.name, i, f.Producer, f.Length, f.Size, w.Producer, w.Length, w.Size)
			}
			for _, tt := range [][2][]footage.Sample{{f.Video(), w.Video()}, {f.Audio(), w.Audio()}} {
				same := slices.EqualFunc(tt[0], tt[1], func(a, b footage.Sample) bool {
					return a.PTS == b.PTS && a.Sync == b.Sync && bytes.Equal(a.Data, b.Data)
				})
				if !same {
					t.Errorf("%s: fragment %d has %d samples that are not the %d written", k.name, i, len(tt[0]), len(tt[1]))
				}
			}
		}
	}
}

// TestStamp: each fragment of a loop carries one stamp with its producer time, right before the coded picture, and nothing
// else in it is changed; ffmpeg reads it as what it is.
func TestStamp(t *testing.T) {
	for _, k := range withDelimiters() {
		t.Run(k.name, func(t *testing.T) {
			m := read(t, k.make(t, "3"))
			stamped := footage.NewLoop(m, day(), footage.Options{}).Fragments(footage.ByProducer, day(), day().Add(8*time.Second))
			plain := footage.NewLoop(m, day(), footage.Options{NoStamp: true}).Fragments(footage.ByProducer, day(), day().Add(8*time.Second))
			if len(stamped) != 9 || len(plain) != 9 {
				t.Fatalf("got %d and %d fragments", len(stamped), len(plain))
			}
			for i, f := range stamped {
				with, without := f.Video(), plain[i].Video()
				sameFrames(t, "rest", frames(with[1:]), frames(without[1:]))
				checkStamp(t, f, k.codecs[0], with[0].Data, without[0].Data)
				if f.Size <= plain[i].Size {
					t.Errorf("got size %d with a stamp and %d without", f.Size, plain[i].Size)
				}
			}
			name := save(t, stamped, payload.Options{})
			decode(t, name)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			trace, err := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-i", name, "-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-").CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, trace)
			}
			if n := bytes.Count(trace, []byte("User Data Unregistered")); n < 9 {
				t.Errorf("ffmpeg sees %d messages of user data, want at least 9", n)
			}
		})
	}
}

// checkStamp checks the stamp of one fragment.
func checkStamp(t *testing.T, f footage.Fragment, codec footage.Codec, with, without []byte) {
	t.Helper()
	if at, ok := footage.Stamp(with, codec); !ok || !at.Equal(f.Producer) {
		t.Errorf("got stamp %v, %t, want %v", at, ok, f.Producer)
	}
	if at, ok := footage.Stamp(without, codec); ok {
		t.Errorf("got stamp %v where there is none", at)
	}
	other := footage.H264 + footage.H265 - codec
	if at, ok := footage.Stamp(with, other); ok {
		t.Errorf("got stamp %v as %v", at, other)
	}
	a, b := nalTypes(t, with, codec), nalTypes(t, without, codec)
	firstPicture := 0
	for codec == footage.H264 && b[firstPicture] > 5 || codec == footage.H265 && b[firstPicture] > 31 {
		firstPicture++
	}
	if firstPicture < 3 {
		t.Fatalf("NAL units of types %v: the test has nothing before the picture", b)
	}
	sei := 6
	if codec == footage.H265 {
		sei = 39
	}
	if len(a) != len(b)+1 || a[firstPicture] != sei || a[firstPicture+1] != b[firstPicture] || a[0] != b[0] {
		t.Errorf("got NAL units of types %v, without a stamp %v", a, b)
	}
}

// TestPushed makes fragments as a producer sends them, and a payload of these.
func TestPushed(t *testing.T) {
	m := read(t, kinds()[0].make(t, "4"))
	recorded := footage.NewRecording(m, day()).Fragments(footage.ByProducer, day(), day().Add(time.Minute))
	var pushed []footage.Fragment
	for _, f := range recorded {
		audio, _ := f.AudioTrack()
		p, err := footage.NewFragment(f.Number, f.Producer, f.Server, f.VideoTrack(), f.Video(), &audio, f.Audio(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if p.Size != f.Size || p.Length != f.Length {
			t.Errorf("got size %d and length %v, want %d and %v", p.Size, p.Length, f.Size, f.Length)
		}
		pushed = append(pushed, p)
	}
	name := save(t, pushed, payload.Options{})
	video, audio := stored(recorded)
	made := readPayload(t, name, true, true)
	got := framesIn(t, made("v"))
	sameFrames(t, "video", got, frames(video))
	compareTimes(t, payload.Options{}, got, video)
	sameFrames(t, "audio", framesIn(t, made("a")), frames(audio))
}
