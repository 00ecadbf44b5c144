//go:build e2e

package footage_test

import (
	"fmt"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
)

// leading makes fragments of the test card whose time is that of sound which begins by so much before the picture, as
// producers cut them that start a cluster with whatever comes first.
func leading(t *testing.T, n int, lead time.Duration) []footage.Fragment {
	t.Helper()
	m, err := footage.TestCard()
	if err != nil {
		t.Fatal(err)
	}
	video, frames := m.Video()
	audio, blocks, _ := m.Audio()
	var out []footage.Fragment
	for i := range n {
		start := time.Duration(i)*2*time.Second - lead // in the media
		end := start + 2*time.Second
		at := func(all []footage.Sample, from, to time.Duration) []footage.Sample {
			var in []footage.Sample
			for _, s := range all {
				if s.PTS >= from && s.PTS < to {
					s.PTS = (s.PTS - start).Round(time.Millisecond)
					in = append(in, s)
				}
			}
			return in
		}
		// Sound of before the media's begin is that of its end.
		sound := at(blocks, start, end)
		if i == 0 {
			sound = append(at(blocks, 2*time.Second-lead, 2*time.Second), sound...)
			for j := range sound {
				sound[j].PTS = (time.Duration(j) * 32 * time.Millisecond).Round(time.Millisecond)
			}
		}
		producer := day().Add(start)
		f, err := footage.NewFragment(footage.FragmentNumber(producer, uint64(i)), producer, producer, video,
			at(frames, start+lead, end+lead), &audio, sound, 0)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// TestSoundLeads: a fragment that begins with sound is placed by its picture, whoever makes the payload.
func TestSoundLeads(t *testing.T) {
	t.Parallel() // it runs ffmpeg for the most part
	frags := leading(t, 3, 83*time.Millisecond)
	video, audio := stored(frags)
	for _, o := range settings() {
		t.Run(fmt.Sprintf("muxer %d moov %d", o.Muxer, o.Moov), func(t *testing.T) {
			name := save(t, frags, o)
			each := streamsOf(t, name, "v", "a")
			got, heard := each[0], each[1]
			sameFrames(t, "video", got, frames(video))
			compareTimes(t, o, got, video)
			sameFrames(t, "audio", heard, frames(audio))
			compareAudioTimes(t, heard, got[0].pts, audio, video[0].PTS)
		})
	}
}
