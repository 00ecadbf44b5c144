//go:build e2e

package footage_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/payload"
)

func TestTestCard(t *testing.T) {
	m, err := footage.TestCard()
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Duration(); got != time.Minute {
		t.Errorf("got %v, want a minute", got)
	}
	video, samples := m.Video()
	if video.Codec != footage.H264 || video.Width != 320 || video.Height != 180 || len(samples) != 1500 {
		t.Errorf("got %d frames of %v, %dx%d", len(samples), video.Codec, video.Width, video.Height)
	}
	size := 0
	for i, s := range samples {
		if s.PTS != time.Duration(i)*40*time.Millisecond || s.DTS != s.PTS || s.Sync != (i%50 == 0) {
			t.Fatalf("frame %d: shown at %v, decoded at %v, key frame %t", i, s.PTS, s.DTS, s.Sync)
		}
		size += len(s.Data)
	}
	audio, sound, ok := m.Audio()
	if !ok || audio.Codec != footage.AAC || audio.SampleRate != 32000 || len(sound) != 1875 {
		t.Errorf("got %d frames of %v at %d Hz", len(sound), audio.Codec, audio.SampleRate)
	}
	for i, s := range sound {
		if s.PTS != time.Duration(i)*32*time.Millisecond || s.Duration != 32*time.Millisecond {
			t.Fatalf("audio frame %d: at %v for %v", i, s.PTS, s.Duration)
		}
		size += len(s.Data)
	}
	if size > 400_000 {
		t.Errorf("got %d bytes, want at most 400 KB", size)
	}
}

// picture decodes the picture at a position of a file as gray.
func picture(t testing.TB, name string, at time.Duration) []byte {
	t.Helper()
	return run(t, "ffmpeg", "-v", "error", "-nostdin", "-threads", "1", "-ss", fmt.Sprintf("%.3f", at.Seconds()), "-i", name,
		"-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo", "-")
}

// TestReadTestCard: the picture at hh:mm:ss shows ss, in payloads of all muxers, from any start.
func TestReadTestCard(t *testing.T) {
	tool(t, "ffmpeg")
	source := card(t, footage.Options{})
	for _, start := range []time.Time{day().Add(23*time.Hour + 17*time.Minute + 36*time.Second), time.Date(2037, 12, 31, 23, 59, 30, 0, time.UTC)} {
		for _, o := range []payload.Options{settings()[0], settings()[2], settings()[4]} {
			frags := source.Fragments(footage.ByProducer, start, start.Add(50*time.Second))
			if !frags[0].Producer.Equal(start) {
				t.Fatalf("got first fragment at %v, want %v", frags[0].Producer, start)
			}
			name := save(t, frags, o)
			for _, at := range []time.Duration{0, 28960 * time.Millisecond, 41500 * time.Millisecond} {
				got, err := footage.ReadTestCard(picture(t, name, at), 320, 180)
				if want := start.Add(at).Second(); err != nil || got != want {
					t.Errorf("muxer %d, %v + %v: got %d, %v, want %d", o.Muxer, start, at, got, err, want)
				}
			}
		}
	}
}

// TestEveryPicture reads all 1,500 pictures of a minute that starts in the middle of the loop.
func TestEveryPicture(t *testing.T) {
	t.Parallel() // it runs ffmpeg for the most part
	tool(t, "ffmpeg")
	start := day().Add(20 * time.Second)
	name := save(t, card(t, footage.Options{}).Fragments(footage.ByProducer, start, start.Add(time.Minute-1)), payload.Options{})
	all := run(t, "ffmpeg", "-v", "error", "-xerror", "-nostdin", "-threads", "1", "-i", name, "-map", "0:v", "-pix_fmt", "gray", "-f", "rawvideo", "-")
	const size = 320 * 180
	if len(all) != 1500*size {
		t.Fatalf("got %d bytes, want %d", len(all), 1500*size)
	}
	for i := range 1500 {
		want := start.Add(time.Duration(i) * 40 * time.Millisecond).Second()
		got, err := footage.ReadTestCard(all[i*size:(i+1)*size], 320, 180)
		if err != nil || got != want {
			t.Fatalf("picture %d: got %d, %v, want %d", i, got, err, want)
		}
	}
}

func TestReadTestCardErrors(t *testing.T) {
	gray := bytes.Repeat([]byte{128}, 320*180)
	for _, tt := range []struct {
		name          string
		gray          []byte
		width, height int
	}{
		{"gray", gray, 320, 180},
		{"short", gray[:1000], 320, 180},
		{"empty", nil, 0, 0},
		{"negative", gray, -1, -1},
		{"tiny", gray, 10, 10},
		{"overflow", gray, 1 << 40, 1 << 40},
	} {
		if s, err := footage.ReadTestCard(tt.gray, tt.width, tt.height); !errors.Is(err, footage.ErrNotTestCard) {
			t.Errorf("%s: got %d, %v, want %v", tt.name, s, err, footage.ErrNotTestCard)
		}
	}
}

// TestSeam: the last fragment of a minute and the first of the next decode cleanly together, frames of audio follow each
// other without a break, and no step in the sound tells where the seam is.
func TestSeam(t *testing.T) {
	tool(t, "ffmpeg")
	source := card(t, footage.Options{})
	frags := source.Fragments(footage.ByProducer, day().Add(58*time.Second), day().Add(60*time.Second))
	if len(frags) != 2 {
		t.Fatalf("got %d fragments, want 2", len(frags))
	}
	video, audio := stored(frags)
	if len(video) != 100 || len(audio) != 125 {
		t.Errorf("got %d and %d frames, want 100 and 125", len(video), len(audio))
	}
	name := save(t, frags, payload.Options{})
	decode(t, name)
	got := framesOf(t, name, "a")
	for i := range got[1:] {
		if d := got[i+1].pts - got[i].pts; d != 32*time.Millisecond && i > 0 {
			t.Errorf("audio frame %d comes %v after the one before", i+1, d)
		}
	}
	// The same 100 ms around a second, once with the seam in the middle, once without, sound alike: no louder than the
	// beep that begins there.
	pcm := func(second time.Duration) []byte {
		frags := source.Fragments(footage.ByProducer, day().Add(second-2*time.Second), day().Add(second))
		return run(t, "ffmpeg", "-v", "error", "-nostdin", "-i", save(t, frags, payload.Options{}), "-map", "0:a", "-f", "s16le", "-")
	}
	if seam, plain := step(pcm(60*time.Second), 2*time.Second, 50*time.Millisecond), step(pcm(30*time.Second), 2*time.Second, 50*time.Millisecond); seam > 4*plain {
		t.Errorf("a step of %d at the seam, %d elsewhere", seam, plain)
	}
}

// step gives the largest difference between neighbouring samples (16 bits, 32 kHz) in the time before an instant.
func step(pcm []byte, at, before time.Duration) int {
	sample := func(i int) int { return int(int16(uint16(pcm[2*i]) | uint16(pcm[2*i+1])<<8)) }
	largest := 0
	for i := int((at - before) * 32 / time.Millisecond); i < int(at*32/time.Millisecond); i++ {
		largest = max(largest, sample(i+1)-sample(i), sample(i)-sample(i+1))
	}
	return largest
}
