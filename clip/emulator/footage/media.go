package footage

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/big"
	"os"
	"slices"
	"time"
)

// Media is the content of one file, in memory: one track of video and at most one of audio. It does not change after
// it was made. Time 0 is when its first key frame is shown; edit lists have been applied, nothing refers to them later.
type Media struct {
	video, audio track
	// period is the exact length of the video.
	period period
	// header is the size of what stands before the first cluster when a fragment is stored.
	header int64
	cuts   []cut
}

// track is a track with its samples in the order of decoding.
type track struct {
	Track
	samples []Sample
}

// MaxFile is the largest file that ReadFile takes into memory, in bytes.
const MaxFile = 2 << 30

// ReadFile reads an MP4 or Matroska file into memory. Errors of the content are those of ParseMedia.
func ReadFile(ctx context.Context, name string) (*Media, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > MaxFile {
		return nil, fmt.Errorf("%s: %w: larger than %d bytes", name, ErrUnsupportedMedia, int64(MaxFile))
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m, err := ParseMedia(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// ParseMedia reads the content of an MP4 or Matroska file and keeps slices of it. Errors wrap ErrInvalidMedia,
// ErrUnsupportedMedia or ErrNoCodecPrivateData.
func ParseMedia(data []byte) (*Media, error) {
	if bytes.HasPrefix(data, []byte{0x1a, 0x45, 0xdf, 0xa3}) {
		return parseMatroska(data)
	}
	return parseMP4(data)
}

// Video gives the video and its samples in the order of decoding. Neither must be changed.
func (m *Media) Video() (Track, []Sample) { return m.video.Track, m.video.samples }

// Audio gives the audio, and false if there is none. Samples may lie before time 0 or after the end of the video; such
// are in no fragment of a loop.
func (m *Media) Audio() (Track, []Sample, bool) {
	return m.audio.Track, m.audio.samples, m.audio.Codec != 0
}

// Duration is the time from the start of the first video frame to the end of the last, rounded down to nanoseconds.
func (m *Media) Duration() time.Duration { return m.period.times(1) }

// newMedia finishes what a parser found: PTS, Sync and Data of the samples are set, and of the audio Duration; last is the
// duration of the video frame shown last. length is that of the video, where it is known more exactly than to the
// nanosecond.
func newMedia(video, audio track, last time.Duration, length period) (*Media, error) {
	if err := checkTracks(video.Track, audio.Track); err != nil {
		return nil, err
	}
	markAccess(video.samples, video.Track)
	first := slices.IndexFunc(video.samples, func(s Sample) bool { return s.Sync })
	if first < 0 {
		return nil, fmt.Errorf("%w: no key frame", ErrUnsupportedMedia)
	}
	video.samples = video.samples[first:]
	zero := video.samples[0].PTS
	for i := range video.samples {
		video.samples[i].PTS -= zero
	}
	for i := range audio.samples {
		audio.samples[i].PTS -= zero
		audio.samples[i].DTS = audio.samples[i].PTS
		audio.samples[i].Sync = true
	}
	slices.SortStableFunc(audio.samples, func(a, b Sample) int { return cmp.Compare(a.PTS, b.PTS) })
	end := order(video.samples, last)
	if end <= 0 {
		return nil, fmt.Errorf("%w: video without length", ErrInvalidMedia)
	}
	if length.num == 0 {
		length = period{num: uint64(end), den: 1}
	}
	m := &Media{video: video, audio: audio, period: length}
	m.header = headerSize(video.Track, audio.Track)
	return m, m.cut()
}

// checkTracks reports what cannot be served.
func checkTracks(video, audio Track) error {
	switch {
	case !video.Codec.IsVideo():
		return fmt.Errorf("%w: no H.264 or H.265 video", ErrUnsupportedMedia)
	case nalLengthSize(video) == 0:
		return fmt.Errorf("%s: %w", video.Codec, ErrNoCodecPrivateData)
	case audio.Codec == 0:
		return nil
	case audio.Codec == AAC && len(audio.Private) < 2:
		return fmt.Errorf("%s: %w", audio.Codec, ErrNoCodecPrivateData)
	case audio.SampleRate <= 0 || audio.SampleRate > 1<<20 || audio.Channels <= 0 || audio.Channels > 255:
		return fmt.Errorf("%w: %s of %d Hz with %d channels", ErrInvalidMedia, audio.Codec, audio.SampleRate, audio.Channels)
	}
	return nil
}

// order sets DTS and Duration of video from PTS and gives the end of the frame shown last.
//
// Matroska has no DTS, and a fragment is stored as Matroska. So the decoding times are the sorted times of showing, all
// moved back by as much as the most delayed frame needs in order not to be shown before it is decoded; this is what
// muxers do.
func order(samples []Sample, last time.Duration) (end time.Duration) {
	byTime := make([]int, len(samples))
	for i := range byTime {
		byTime[i] = i
	}
	slices.SortStableFunc(byTime, func(a, b int) int { return cmp.Compare(samples[a].PTS, samples[b].PTS) })
	var delay time.Duration
	for i, j := range byTime {
		samples[i].DTS = samples[j].PTS
		delay = max(delay, samples[i].DTS-samples[i].PTS)
		if i+1 < len(byTime) {
			samples[j].Duration = samples[byTime[i+1]].PTS - samples[j].PTS
		} else {
			samples[j].Duration = last
			end = samples[j].PTS + last
		}
	}
	for i := range samples {
		samples[i].DTS -= delay
	}
	return end
}

// period is an exact length of time: num/den nanoseconds.
type period struct{ num, den uint64 }

// newPeriod gives ticks of 1/timescale s.
func newPeriod(ticks int64, timescale uint32) (period, error) {
	if ticks <= 0 || timescale == 0 {
		return period{}, fmt.Errorf("%w: video without length", ErrInvalidMedia)
	}
	r := big.NewRat(ticks, int64(timescale))
	r.Mul(r, big.NewRat(int64(time.Second), 1))
	if !r.Num().IsUint64() {
		return period{}, fmt.Errorf("%w: length of %d ticks", ErrInvalidMedia, ticks)
	}
	return period{num: r.Num().Uint64(), den: r.Denom().Uint64()}, nil
}
