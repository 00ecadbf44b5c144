package payload

import (
	"slices"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/form"
)

// gap is how long nothing must be shown to count as a gap.
const gap = time.Second

// timeline is the samples of fragments on the time of one payload, in whole milliseconds, in the order of decoding.
// Time 0 is when the first of the video is shown.
type timeline struct {
	videoTrack, audioTrack footage.Track
	video, audio           []footage.Sample
	// places are the fragments: where on the timeline each starts and which samples are its.
	places []place
}

// place is where a fragment stands on a timeline.
type place struct {
	at           time.Duration
	video, audio [2]int
}

// newTimeline places fragments by their producer times. One whose first frame would not be shown after the last one ahead
// of it (an overlap, or a timestamp that comes twice) is placed where that ends, and so is one after a gap if gaps are
// closed. What follows moves alike, until the next gap. How long a fragment's last frame is shown is a guess for what a
// producer pushed, so a next fragment that starts within it just ends it.
func newTimeline(frags []footage.Fragment, o Options) *timeline {
	gaps := o.Gaps
	l := &timeline{videoTrack: frags[0].VideoTrack()}
	l.audioTrack, _ = frags[0].AudioTrack()
	var shift, shown, end time.Duration
	for i, f := range frags {
		recorded := f.Producer.Sub(frags[0].Producer)
		at := recorded + shift
		video := f.Video()
		// The producer time can be that of audio ahead of the first frame.
		lead := earliest(video)
		switch {
		case i == 0:
		case at+lead > end+gap && gaps == GapsKeep:
			at = max(recorded, end-lead)
		case at+lead > end+gap, at+lead <= shown:
			at = end - lead
		}
		shift = at - recorded
		video, audio := move(video, at), move(f.Audio(), at)
		l.places = append(l.places, place{at: at, video: [2]int{len(l.video), len(l.video) + len(video)},
			audio: [2]int{len(l.audio), len(l.audio) + len(audio)}})
		for _, s := range video {
			shown, end = max(shown, s.PTS), max(end, s.PTS+s.Duration)
		}
		l.video = append(l.video, video...)
		l.audio = append(l.audio, audio...)
	}
	if o.Forms.Has(form.Joint) && o.Next != nil {
		l.joint(o.Next, o.Next.Producer.Sub(frags[0].Producer)+shift)
	}
	if o.Forms.Has(form.Twice) {
		l.twice()
	}
	l.finish(end)
	return l
}

// earliest gives the first time of showing.
func earliest(samples []footage.Sample) time.Duration {
	first := samples[0].PTS
	for _, s := range samples {
		first = min(first, s.PTS)
	}
	return first
}

// move moves samples by a time.
func move(samples []footage.Sample, by time.Duration) []footage.Sample {
	for i := range samples {
		samples[i].PTS += by
		samples[i].DTS += by
	}
	return samples
}

// finish makes 0 the time of the first frame shown and sets DTS of the video: the sorted times of showing, each at least
// a millisecond after the one before. It starts with 0, and a frame that others overtake has a PTS after its DTS, those
// others one before it. Duration becomes the distance to the next DTS.
func (l *timeline) finish(end time.Duration) {
	times := make([]time.Duration, len(l.video))
	for i, s := range l.video {
		times[i] = s.PTS
	}
	slices.Sort(times)
	zero := times[0]
	move(l.video, -zero)
	move(l.audio, -zero)
	for i := range l.places {
		l.places[i].at -= zero
	}
	for i := range times {
		times[i] -= zero
		if i > 0 {
			times[i] = max(times[i], times[i-1]+time.Millisecond)
			l.video[i-1].Duration = times[i] - times[i-1]
		}
		l.video[i].DTS = times[i]
	}
	last := len(times) - 1
	l.video[last].Duration = max(end-zero-times[last], time.Millisecond)
}

// twiceFrames is how many frames form.Twice repeats.
const twiceFrames = 5

// instants gives the numbers of the IDR pictures, from 1; it is not nil.
func (l *timeline) instants() []uint32 {
	numbers := []uint32{}
	for i, s := range l.video {
		if footage.IsIDR(s.Data, l.videoTrack) {
			numbers = append(numbers, uint32(i+1))
		}
	}
	return numbers
}

// joint adds the first audio frame of the next fragment, which stands at a time.
func (l *timeline) joint(next *footage.Fragment, at time.Duration) {
	audio := next.Audio()
	if len(l.audio) == 0 || len(audio) == 0 {
		return
	}
	l.audio = append(l.audio, move(audio[:1], at)...)
	l.places[len(l.places)-1].audio[1]++
}

// twice puts the first frames in front once more. They are shown right before the first one.
func (l *timeline) twice() {
	end := l.places[0].video[1]
	again := slices.Clone(l.video[:min(twiceFrames, end)])
	first, last := earliest(again), time.Duration(0)
	for _, s := range again {
		last = max(last, s.PTS+s.Duration)
	}
	l.video = append(move(again, first-last), l.video...)
	for i := range l.places {
		for j := range l.places[i].video {
			if i > 0 || j > 0 {
				l.places[i].video[j] += len(again)
			}
		}
	}
}
