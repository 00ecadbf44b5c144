package footage

import (
	"fmt"
	"math/bits"
	"slices"
	"time"

	"clipfs/clip/emulator/isom"
)

// g711Block is how many samples of G.711 from an MP4 file make one block: 20 ms at 8 kHz, what a camera sends at a time.
// MP4 has each byte as a sample of its own.
const g711Block = 160

// parseMP4 reads an MP4 or QuickTime file with its moov first or last. Edit lists are applied: time is what a player
// shows. An edit list that is more than a delay and a start is ErrUnsupportedMedia, as are movie fragments.
func parseMP4(data []byte) (*Media, error) {
	boxes, err := isom.Parse(data)
	if err != nil {
		return nil, invalidMP4(err)
	}
	moov := (&isom.Box{Kids: boxes}).Find("moov")
	if moov == nil {
		return nil, fmt.Errorf("%w: neither Matroska nor MP4 with a moov box", ErrUnsupportedMedia)
	}
	movie, err := isom.ReadMovie(moov)
	switch {
	case err != nil:
		return nil, invalidMP4(err)
	case movie.Fragmented:
		return nil, fmt.Errorf("%w: MP4 in movie fragments", ErrUnsupportedMedia)
	case movie.First(isom.Video) == nil:
		return nil, fmt.Errorf("%w: no H.264 or H.265 video", ErrUnsupportedMedia)
	}
	video, last, length, err := videoFromMP4(data, movie)
	if err != nil {
		return nil, err
	}
	audio, err := audioFromMP4(data, movie)
	if err != nil {
		return nil, err
	}
	return newMedia(video, audio, last, length)
}

// invalidMP4 says that an error of package isom is about the content of a file.
func invalidMP4(err error) error { return fmt.Errorf("%w: %w", ErrInvalidMedia, err) }

// videoFromMP4 reads the video, the duration of the frame shown last, and the exact length from the first key frame on.
func videoFromMP4(data []byte, movie *isom.Movie) (video track, last time.Duration, length period, err error) {
	t := movie.First(isom.Video)
	entry, offset, err := checkTrack(data, movie, t)
	if err != nil {
		return track{}, 0, period{}, err
	}
	video.Track = Track{Codec: H264, Width: entry.Width, Height: entry.Height}
	config := "avcC"
	switch entry.Coding {
	case "avc1", "avc3":
	case "hvc1", "hev1":
		video.Codec, config = H265, "hvcC"
	default:
		return track{}, 0, period{}, fmt.Errorf("%w: video %q", ErrUnsupportedMedia, entry.Coding)
	}
	video.Private = entry.Config(config)
	var ticks struct{ start, end, last int64 }
	keyed := false
	for s, err := range t.Samples() {
		if err != nil {
			return track{}, 0, period{}, invalidMP4(err)
		}
		if s.Sync && !keyed {
			keyed, ticks.start, ticks.end = true, s.PTS(), s.PTS()
		}
		ticks.end = max(ticks.end, s.PTS())
		ticks.last = int64(s.Duration)
		sample := Sample{PTS: offset + ticksToTime(s.PTS(), t.Scale), Sync: s.Sync}
		if sample.Data, err = slice(data, s.At, int64(s.Size)); err != nil {
			return track{}, 0, period{}, err
		}
		video.samples = append(video.samples, sample)
	}
	if n := int64(len(video.samples)); ticks.last == 0 && n > 1 {
		ticks.last = (ticks.end - ticks.start) / (n - 1)
	}
	ticks.last = max(ticks.last, 1)
	length, err = newPeriod(ticks.end+ticks.last-ticks.start, t.Scale)
	return video, ticksToTime(ticks.last, t.Scale), length, err
}

// audioFromMP4 reads the audio, if there is any.
func audioFromMP4(data []byte, movie *isom.Movie) (audio track, err error) {
	t := movie.First(isom.Sound)
	if t == nil {
		return track{}, nil
	}
	entry, offset, err := checkTrack(data, movie, t)
	if err != nil {
		return track{}, err
	}
	switch entry.Coding {
	case "mp4a":
		if audio.Track, err = newAAC(entry.AudioConfig(), entry.Channels); err != nil {
			return track{}, fmt.Errorf("%w: %w", ErrUnsupportedMedia, err)
		}
	case isom.ALaw, isom.MuLaw:
		audio.Track = Track{Codec: ALaw, SampleRate: entry.Rate, Channels: entry.Channels}
		if entry.Coding == isom.MuLaw {
			audio.Codec = MuLaw
		}
		audio.samples, err = g711FromMP4(data, t, audio.Track, offset)
		return audio, err
	default:
		return track{}, fmt.Errorf("%w: audio %q", ErrUnsupportedMedia, entry.Coding)
	}
	for s, err := range t.Samples() {
		if err != nil {
			return track{}, invalidMP4(err)
		}
		sample := Sample{PTS: offset + ticksToTime(s.PTS(), t.Scale), Duration: ticksToTime(int64(s.Duration), t.Scale)}
		if sample.Data, err = slice(data, s.At, int64(s.Size)); err != nil {
			return track{}, err
		}
		audio.samples = append(audio.samples, sample)
	}
	return audio, nil
}

// g711FromMP4 cuts the chunks of a track into blocks.
func g711FromMP4(data []byte, t *isom.Track, as Track, offset time.Duration) ([]Sample, error) {
	var samples []Sample
	var first, last isom.Sample // of a chunk, whose samples lie one behind the other
	cut := func() error {
		body, err := slice(data, first.At, last.At+int64(last.Size)-first.At)
		at := offset + ticksToTime(first.DTS, t.Scale)
		for block := range slices.Chunk(body, g711Block*max(as.Channels, 1)) {
			samples = append(samples, Sample{PTS: at, Duration: as.FrameDuration(len(block)), Data: block})
			at += as.FrameDuration(len(block))
		}
		return err
	}
	begun := false
	for s, err := range t.Samples() {
		if err != nil {
			return nil, invalidMP4(err)
		}
		if begun && s.Chunk != first.Chunk {
			if err := cut(); err != nil {
				return nil, err
			}
			begun = false
		}
		if !begun {
			first, begun = s, true
		}
		last = s
	}
	if !begun {
		return nil, nil
	}
	err := cut()
	return samples, err
}

// checkTrack gives the sample entry of a track and what its edit list adds to the times of its samples.
func checkTrack(data []byte, movie *isom.Movie, t *isom.Track) (isom.Entry, time.Duration, error) {
	if t.Count() > len(data) {
		return isom.Entry{}, 0, fmt.Errorf("%w: %d samples in a file of %d bytes", ErrInvalidMedia, t.Count(), len(data))
	}
	entries, err := t.Entries()
	if err != nil {
		return isom.Entry{}, 0, invalidMP4(err)
	}
	if len(entries) != 1 {
		return isom.Entry{}, 0, fmt.Errorf("%w: %d sample descriptions in track %d", ErrUnsupportedMedia, len(entries), t.ID())
	}
	var offset time.Duration
	edits := t.Edits()
	for i, e := range edits {
		switch {
		case e.MediaTime >= 0 && i == len(edits)-1:
			offset -= ticksToTime(e.MediaTime, t.Scale)
		case e.MediaTime < 0 && e.Duration < 1<<62:
			offset += ticksToTime(int64(e.Duration), movie.Scale)
		default:
			return isom.Entry{}, 0, fmt.Errorf("%w: edit list of track %d", ErrUnsupportedMedia, t.ID())
		}
	}
	return entries[0], offset, nil
}

// slice gives a part of the file.
func slice(data []byte, position, size int64) ([]byte, error) {
	if position < 0 || size < 0 || position > int64(len(data)) || size > int64(len(data))-position {
		return nil, fmt.Errorf("%w: %d bytes at %d are beyond the end of the file", ErrInvalidMedia, size, position)
	}
	return data[position : position+size : position+size], nil
}

// ticksToTime gives ticks of 1/timescale s, rounded down to nanoseconds; it saturates where a time.Duration ends.
func ticksToTime(ticks int64, timescale uint32) time.Duration {
	const limit = 1 << 61
	if ticks < 0 {
		return -ticksToTime(-max(ticks, -limit), timescale)
	}
	hi, lo := bits.Mul64(uint64(ticks), uint64(time.Second))
	if hi >= uint64(timescale) {
		return limit
	}
	ns, _ := bits.Div64(hi, lo, uint64(timescale))
	return time.Duration(min(ns, limit))
}
