package session

import (
	"slices"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/isom"
)

const (
	// videoScale is the timescale of pictures, in ticks a second; sound has its sampling rate.
	videoScale = 1000
	// audioSlack is how far off a frame of sound may be from where the one before ends and still go on seamlessly.
	audioSlack = 3 * time.Millisecond
	videoTrack = "1"
	audioTrack = "2"
)

// initFragment makes the init fragment of a track.
func (s *Session) initFragment(track string) ([]byte, error) {
	video := s.timeline.first.VideoTrack()
	switch audio := s.audioTrack(s.timeline.first); {
	case track == audioTrack && audio.Codec != 0:
		return isom.NewInit(isom.OutputTrack{Handler: isom.Sound, Name: "audio", Timescale: uint32(audio.SampleRate), Entries: [][]byte{audio.SampleEntry()}})
	case track != videoTrack:
		return nil, noFragments()
	}
	return isom.NewInit(isom.OutputTrack{Handler: isom.Video, Name: "video", Timescale: videoScale, Width: uint16(video.Width), Height: uint16(video.Height),
		Entries: [][]byte{video.SampleEntry()}})
}

// mediaFragment makes the media fragment of a track.
func (s *Session) mediaFragment(e entry, index int, track string) ([]byte, error) {
	at := e.at
	if s.protocol == DASH { // whose timeline has no gaps
		at = lead + e.position
	}
	var samples []isom.Sample
	var media []footage.Sample
	switch audio := s.audioTrack(e.fragment); {
	case track == audioTrack && audio.Codec != 0:
		media = e.fragment.Audio()
		samples = soundSamples(media, audio, at)
	case track == videoTrack:
		media = e.fragment.Video()
		samples = videoSamples(media, at, e.length)
	default:
		return nil, noFragments()
	}
	out := isom.NewFragment(uint32(index+1), isom.Run{ID: 1, Samples: samples})
	for _, m := range media {
		out = append(out, m.Data...)
	}
	return out, nil
}

// videoSamples places pictures from a time on; together they last as long as their fragment.
func videoSamples(media []footage.Sample, at, length time.Duration) []isom.Sample {
	samples := make([]isom.Sample, len(media))
	for i, m := range media {
		samples[i] = isom.Sample{DTS: max(0, (at + m.DTS).Milliseconds()), Offset: int32((m.PTS - m.DTS).Milliseconds()), Size: uint32(len(m.Data)), Sync: m.Sync}
		if i > 0 {
			samples[i-1].Duration = uint32(max(0, samples[i].DTS-samples[i-1].DTS))
		}
	}
	last := &samples[len(samples)-1]
	last.Duration = uint32(max(1, length.Milliseconds()-(last.DTS-samples[0].DTS)))
	return samples
}

// soundSamples places frames or blocks of sound from a time on.
func soundSamples(media []footage.Sample, t footage.Track, at time.Duration) []isom.Sample {
	rate := int64(t.SampleRate)
	slack := int64(audioSlack) * rate / int64(time.Second)
	samples := make([]isom.Sample, len(media))
	var end int64
	for i, m := range media {
		begin := max(0, ((at+m.PTS).Milliseconds()*rate+500)/1000)
		if i > 0 && begin-end <= slack {
			begin = end
		}
		if i > 0 {
			samples[i-1].Duration = uint32(begin - samples[i-1].DTS)
		}
		frame := int64(t.FrameSamples(len(m.Data)))
		samples[i] = isom.Sample{DTS: begin, Duration: uint32(frame), Size: uint32(len(m.Data)), Sync: true}
		end = begin + frame
	}
	return slices.Clip(samples)
}
