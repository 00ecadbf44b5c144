package payload

import (
	"fmt"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/isom"
)

const (
	// videoTimescale and videoHandler are what real clips have.
	videoTimescale = 1000
	videoHandler   = "USP Video Handler"
	audioHandler   = "USP Audio Handler"
	// interleave is how much of one track lies together.
	interleave = time.Second
	// audioSlack is how far audio may be from where the frame before it ends and still go on seamlessly: what rounding to
	// milliseconds, twice, can make.
	audioSlack = 3 * time.Millisecond
)

// plan plans the MP4 of a timeline.
func (l *timeline) plan(o Options) (*isom.Writer, error) {
	video := l.planVideo()
	out := isom.Output{Created: o.Created, MoovLast: o.Moov == MoovLast, Tracks: []isom.OutputTrack{video}}
	if len(l.audio) > 0 {
		audio, delay := l.planAudio()
		if delay > 0 {
			out.Tracks[0].Edits = delayed(delay, out.Tracks[0])
		}
		out.Tracks = append(out.Tracks, audio)
	}
	out.Chunks = l.chunks()
	w, err := isom.NewWriter(out)
	if err != nil {
		return nil, fmt.Errorf("plan payload: %w", err)
	}
	return w, nil
}

// planVideo makes track 1.
func (l *timeline) planVideo() isom.OutputTrack {
	t := isom.OutputTrack{Handler: isom.Video, Name: videoHandler, Timescale: videoTimescale,
		Width: uint16(l.videoTrack.Width), Height: uint16(l.videoTrack.Height)}
	t.Entries = [][]byte{l.videoTrack.SampleEntry()}
	for _, s := range l.video {
		t.Samples = append(t.Samples, isom.SampleRun{Count: 1, Duration: uint32(s.Duration.Milliseconds()),
			Offset: int32((s.PTS - s.DTS).Milliseconds()), Size: uint32(len(s.Data)), Sync: s.Sync})
	}
	return t
}

// planAudio makes track 2, and says by how much the video has to be delayed because audio begins before it.
func (l *timeline) planAudio() (t isom.OutputTrack, delay time.Duration) {
	a := l.audioTrack
	t = isom.OutputTrack{Handler: isom.Sound, Name: audioHandler, Timescale: uint32(a.SampleRate), Entries: [][]byte{a.SampleEntry()}}
	times := l.audioTimes()
	offset := l.audio[0].PTS
	stretch := a.Codec == footage.AAC && offset <= a.FrameDuration(0) && times[1] > 0
	if stretch {
		times[0] = 0
	}
	for i, s := range l.audio {
		t.Samples = append(t.Samples, runs(a, len(s.Data), uint32(times[i+1]-times[i]))...)
	}
	switch {
	case !stretch && offset > 0:
		t.Edits = delayed(offset, t)
	case !stretch:
		delay = -offset
	}
	return t, delay
}

// audioTimes gives when each frame or block starts, in samples, and when the last one ends. A frame goes on where the one
// before ends, as long as its own time, in milliseconds, says the same within audioSlack; else it starts at its own time, so
// that neither a gap nor drift is lost, and always after the one before.
func (l *timeline) audioTimes() []int64 {
	rate := int64(l.audioTrack.SampleRate)
	slack := int64(audioSlack) * rate / int64(time.Second)
	times := make([]int64, 0, len(l.audio)+1)
	var end int64
	for i, s := range l.audio {
		at := (s.PTS.Milliseconds()*rate + 500) / 1000
		switch {
		case i > 0 && at-end <= slack && end-at <= slack:
			at = end
		case i > 0:
			at = max(at, times[i-1]+int64(samplesInMP4(l.audioTrack, len(l.audio[i-1].Data))))
		}
		times = append(times, at)
		end = at + int64(l.audioTrack.FrameSamples(len(s.Data)))
	}
	return append(times, end)
}

// samplesInMP4 is how many samples of MP4 a frame or block of so many bytes becomes. Each of them lasts a tick at least.
func samplesInMP4(t footage.Track, size int) int {
	if t.Codec.IsG711() {
		return t.FrameSamples(size)
	}
	return 1
}

// runs makes the samples of MP4 that a frame or block becomes, lasting so many ticks together: AAC is one sample, G.711 one
// for each byte and channel, the last of which has what is over.
func runs(t footage.Track, size int, ticks uint32) []isom.SampleRun {
	if !t.Codec.IsG711() {
		return []isom.SampleRun{{Count: 1, Duration: ticks, Size: uint32(size), Sync: true}}
	}
	n, each := uint32(t.FrameSamples(size)), uint32(t.Channels)
	if ticks == n {
		return []isom.SampleRun{{Count: n, Duration: 1, Size: each, Sync: true}}
	}
	return []isom.SampleRun{{Count: n - 1, Duration: 1, Size: each, Sync: true}, {Count: 1, Duration: ticks - n + 1, Size: each, Sync: true}}
}

// delayed makes the edit list of a track that begins later than the movie (ISO/IEC 14496-12 8.6.6: an empty edit).
func delayed(by time.Duration, t isom.OutputTrack) []isom.Edit {
	var ticks uint64
	for _, r := range t.Samples {
		ticks += uint64(r.Count) * uint64(r.Duration)
	}
	length := (ticks*1000 + uint64(t.Timescale) - 1) / uint64(t.Timescale) // in milliseconds, as the movie counts
	return []isom.Edit{{Duration: uint64(by.Milliseconds()), MediaTime: -1},
		{Duration: length}}
}

// chunks lays out the media: fragment by fragment, in each a second of video and then a second of audio.
func (l *timeline) chunks() []isom.OutputChunk {
	var chunks []isom.OutputChunk
	for _, p := range l.places {
		video, audio := l.video[p.video[0]:p.video[1]], l.audio[p.audio[0]:p.audio[1]]
		for at := p.at; len(video) > 0 || len(audio) > 0; {
			at += interleave
			last := len(video) == 0
			var data isom.Slices
			for len(video) > 0 && (video[0].DTS < at || len(data) == 0) {
				data, video = append(data, video[0].Data), video[1:]
			}
			if len(data) > 0 {
				chunks = append(chunks, isom.OutputChunk{Track: 0, Samples: uint32(len(data)), Data: data})
			}
			var sound isom.Slices
			var samples uint32
			for len(audio) > 0 && (last || audio[0].PTS < at) {
				sound = append(sound, audio[0].Data)
				samples += uint32(samplesInMP4(l.audioTrack, len(audio[0].Data)))
				audio = audio[1:]
			}
			if len(sound) > 0 {
				chunks = append(chunks, isom.OutputChunk{Track: 1, Samples: samples, Data: sound})
			}
		}
	}
	return chunks
}
