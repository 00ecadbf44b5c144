//go:build e2e

package e2e_test

import (
	"fmt"
	"math"
	"slices"

	"clipfs/cmd/internal/harness"
)

// witnessFrame is a frame that has to be in a file: when it was recorded, in seconds from the stream's start.
type witnessFrame struct {
	hash         string
	at, duration float64
	run          int // how many gaps lie before it
}

// expected is what has to be in a file.
type expected struct {
	video, sound []witnessFrame
	// closed says that gaps between runs are closed.
	closed bool
	// anchored says that the file's position 0 has to be when the first fragment begins, which is begins.
	anchored bool
	begins   float64
	// rounding is how much more pictures may be off where the payload itself is, because its times are whole milliseconds.
	rounding float64
	// hidden says that there may be hidden pictures besides: where two edits meet, libavformat reads one twice.
	hidden bool
}

// expectedOf gives what fragments of a stream hold, and what is odd in their payload.
func expectedOf(truth harness.WitnessTruth, numbers []string, odd string) expected {
	e := expected{hidden: odd == "two-edits"}
	first, last := -1, -1
	run, shift := 0, int64(0)
	for i, f := range truth.Fragments {
		if !slices.Contains(numbers, f.Number) {
			continue
		}
		if first < 0 {
			first, shift = i, f.Shift
		}
		if f.Shift != shift {
			run, shift = run+1, f.Shift
		}
		last = i
		e.video = append(e.video, framesOf(f.Video, truth.VideoTimescale, f.Shift, run)...)
		e.sound = append(e.sound, framesOf(f.Sound, truth.SoundTimescale, f.Shift, run)...)
	}
	switch {
	case first < 0:
	case odd == "twice":
		again := e.video[0]
		again.at -= again.duration
		e.video = slices.Insert(e.video, 0, again)
	case odd == "sound-before" && first > 0:
		before := framesOf(truth.Fragments[first-1].Sound, truth.SoundTimescale, truth.Fragments[first-1].Shift, 0)
		e.sound = append(before[max(0, len(before)-1):], e.sound...)
	case odd == "sound-after" && last+1 < len(truth.Fragments):
		after := framesOf(truth.Fragments[last+1].Sound, truth.SoundTimescale, truth.Fragments[last+1].Shift, run)
		e.sound = append(e.sound, after[:min(1, len(after))]...)
	}
	return e
}

// framesOf places frames of a fragment.
func framesOf(frames []harness.WitnessFrame, timescale, shift int64, run int) []witnessFrame {
	var out []witnessFrame
	for _, f := range frames {
		out = append(out, witnessFrame{hash: f.Hash, at: float64(f.PTS)/float64(timescale) + float64(shift)/1000,
			duration: float64(f.Duration) / float64(timescale), run: run})
	}
	return out
}

const (
	// pictureOff is how many seconds a picture may be off, and as much again for rounding in floating point.
	pictureOff = 0.001 + 1e-6
	// soundOff is how many frames sound may be off, and soundRound is the millisecond that stored times are rounded to.
	soundOff, soundRound = 1, 0.001
)

// compare tells what is wrong with the streams of a file.
func (e expected) compare(tracks []*probedTrack) (problems []string) {
	video, sound := firstOf(tracks, "video"), firstOf(tracks, "audio")
	if video == nil {
		return []string{"no pictures"}
	}
	if e.hidden {
		video.frames = slices.DeleteFunc(video.frames, probed.isHidden)
	}
	problems = append(problems, sameFramesAs("pictures", e.video, video)...)
	if len(problems) == 0 {
		problems = e.pictureTimes(video)
	}
	switch {
	case len(e.sound) == 0 && sound != nil:
		problems = append(problems, fmt.Sprintf("%d frames of sound, none stored", len(sound.frames)))
	case len(e.sound) > 0 && sound == nil:
		problems = append(problems, "no sound")
	case len(e.sound) > 0:
		wrong := sameFramesAs("sound", e.sound, sound)
		if len(wrong) == 0 && len(problems) == 0 {
			wrong = e.soundTimes(video, sound)
		}
		problems = append(problems, wrong...)
	}
	return problems
}

// sameFramesAs compares coded frames, in the order of decoding, which times have to rise in.
func sameFramesAs(what string, want []witnessFrame, got *probedTrack) (problems []string) {
	for i := range min(len(want), len(got.frames)) {
		if want[i].hash != got.frames[i].hash {
			problems = append(problems, fmt.Sprintf("%s: %d of %d is not that of %d stored", what, i, len(got.frames), len(want)))
			break
		}
	}
	if len(problems) == 0 && len(want) != len(got.frames) {
		problems = append(problems, fmt.Sprintf("%s: %d, stored %d", what, len(got.frames), len(want)))
	}
	for i, f := range got.frames {
		if f.isHidden() {
			problems = append(problems, fmt.Sprintf("%s: %d of %d is hidden", what, i, len(got.frames)))
			break
		}
		if i > 0 && f.dts <= got.frames[i-1].dts {
			problems = append(problems, fmt.Sprintf("%s: %d is decoded at tick %d, after one at %d", what, i, f.dts, got.frames[i-1].dts))
			break
		}
	}
	return problems
}

// offsets gives by how much later each run stands in a file than it was recorded, counted from the first picture, as the
// run's first picture has it.
func (e expected) offsets(video *probedTrack) []float64 {
	var offsets []float64
	zero := video.seconds(video.frames[0].pts)
	for i, f := range e.video {
		if f.run == len(offsets) {
			offsets = append(offsets, video.seconds(video.frames[i].pts)-zero-(f.at-e.video[0].at))
		}
	}
	return offsets
}

// pictureTimes compares the times of pictures within each run, and where runs begin.
func (e expected) pictureTimes(video *probedTrack) (problems []string) {
	offsets := e.offsets(video)
	zero, worst, at := video.seconds(video.frames[0].pts), 0.0, 0
	for i, f := range e.video {
		want := f.at - e.video[0].at
		if e.closed {
			want += offsets[f.run]
		}
		if off := math.Abs(video.seconds(video.frames[i].pts) - zero - want); off > worst {
			worst, at = off, i
		}
	}
	if off := zero - (e.video[0].at - e.begins); e.anchored && math.Abs(off) > pictureOff+e.rounding {
		problems = append(problems, fmt.Sprintf("pictures: the first stands %.1f ms late", off*1000))
	}
	if worst > pictureOff+e.rounding {
		problems = append(problems, fmt.Sprintf("pictures: %d of %d is off by %.1f ms", at, len(e.video), worst*1000))
	}
	if e.closed {
		problems = append(problems, e.joints(video)...)
	}
	return problems
}

// joints checks that a run begins where the one before ends, to a picture.
func (e expected) joints(video *probedTrack) (problems []string) {
	shown, length := math.Inf(-1), 0.0
	for i, f := range e.video {
		at := video.seconds(video.frames[i].pts)
		if i > 0 && f.run > e.video[i-1].run {
			if pause := at - shown; pause < length/4 || pause > 3*length+0.2 {
				problems = append(problems, fmt.Sprintf("pictures: %d, the first after a gap, is shown %.1f ms after the last before it", i, pause*1000))
			}
		}
		shown, length = max(shown, at), f.duration
	}
	return problems
}

// soundTimes compares the times of sound with those of the pictures that were recorded then.
func (e expected) soundTimes(video, sound *probedTrack) []string {
	offsets := e.offsets(video)
	zero, worst, at := video.seconds(video.frames[0].pts), 0.0, 0
	for i, f := range e.sound {
		want := f.at - e.video[0].at
		if e.closed {
			want += offsets[f.run]
		}
		if off := math.Abs(sound.seconds(sound.frames[i].pts) - zero - want); off > worst {
			worst, at = off, i
		}
	}
	if worst > soundOff*e.sound[0].duration+soundRound+pictureOff {
		return []string{fmt.Sprintf("sound: %d of %d is off by %.1f ms", at, len(e.sound), worst*1000)}
	}
	return nil
}
