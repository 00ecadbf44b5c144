package footage

import (
	"fmt"
	"math/bits"
	"slices"
	"time"

	"clipfs/clip/mp4"
)

// g711Block is how many samples of G.711 from an MP4 file make one block: 20 ms at 8 kHz, what a camera sends at a time.
// MP4 has each byte as a sample of its own.
const g711Block = 160

// parseMP4 reads an MP4 or QuickTime file with its moov first or last. Edit lists are applied: time is what a player
// shows. An edit list that is more than a delay and a start is ErrUnsupportedMedia, as are movie fragments.
func parseMP4(data []byte) (*Media, error) {
	var movie *mp4.Movie
	for box, err := range mp4.Children(data) {
		if err != nil {
			return nil, invalidMP4(err)
		}
		if box.Type != mp4.TypeMoov {
			continue
		}
		if movie, err = mp4.ParseMovie(box.Raw); err != nil {
			return nil, invalidMP4(err)
		}
		break
	}
	switch {
	case movie == nil:
		return nil, fmt.Errorf("%w: neither Matroska nor MP4 with a moov box", ErrUnsupportedMedia)
	case movie.Fragmented:
		return nil, fmt.Errorf("%w: MP4 in movie fragments", ErrUnsupportedMedia)
	case movie.Video() == nil:
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

// invalidMP4 says that an error of clip/mp4 is about the content of a file.
func invalidMP4(err error) error { return fmt.Errorf("%w: %w", ErrInvalidMedia, err) }

// videoFromMP4 reads the video, the duration of the frame shown last, and the exact length from the first key frame on.
func videoFromMP4(data []byte, movie *mp4.Movie) (video track, last time.Duration, length period, err error) {
	t := movie.Video()
	entry, offset, err := checkTrack(data, movie, t)
	if err != nil {
		return track{}, 0, period{}, err
	}
	video.Track = Track{Codec: H264, Width: int(entry.Width), Height: int(entry.Height)}
	config := mp4.TypeAvcC
	switch entry.Type {
	case mp4.CodingAVC1, mp4.CodingAVC3:
	case mp4.CodingHVC1, mp4.CodingHEV1:
		video.Codec, config = H265, mp4.TypeHvcC
	default:
		return track{}, 0, period{}, fmt.Errorf("%w: video %s", ErrUnsupportedMedia, entry.Type)
	}
	video.Private, _ = entry.Config(config)
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
		sample := Sample{PTS: offset + ticksToTime(s.PTS(), t.Timescale), Sync: s.Sync}
		if sample.Data, err = slice(data, s.Position, int64(s.Size)); err != nil {
			return track{}, 0, period{}, err
		}
		video.samples = append(video.samples, sample)
	}
	if n := int64(len(video.samples)); ticks.last == 0 && n > 1 {
		ticks.last = (ticks.end - ticks.start) / (n - 1)
	}
	ticks.last = max(ticks.last, 1)
	length, err = newPeriod(ticks.end+ticks.last-ticks.start, t.Timescale)
	return video, ticksToTime(ticks.last, t.Timescale), length, err
}

// audioFromMP4 reads the audio, if there is any.
func audioFromMP4(data []byte, movie *mp4.Movie) (audio track, err error) {
	t := movie.Sound()
	if t == nil {
		return track{}, nil
	}
	entry, offset, err := checkTrack(data, movie, t)
	if err != nil {
		return track{}, err
	}
	switch entry.Type {
	case mp4.CodingMP4A:
		config, err := entry.AudioSpecificConfig()
		if err != nil {
			return track{}, fmt.Errorf("%w: %w", ErrUnsupportedMedia, err)
		}
		if audio.Track, err = newAAC(config, int(entry.Channels)); err != nil {
			return track{}, err
		}
	case mp4.CodingALaw, mp4.CodingULaw:
		audio.Track = Track{Codec: ALaw, SampleRate: int(entry.Rate), Channels: int(entry.Channels)}
		if entry.Type == mp4.CodingULaw {
			audio.Codec = MuLaw
		}
		audio.samples, err = g711FromMP4(data, t, audio.Track, offset)
		return audio, err
	default:
		return track{}, fmt.Errorf("%w: audio %s", ErrUnsupportedMedia, entry.Type)
	}
	for s, err := range t.Samples() {
		if err != nil {
			return track{}, invalidMP4(err)
		}
		sample := Sample{PTS: offset + ticksToTime(s.PTS(), t.Timescale), Duration: ticksToTime(int64(s.Duration), t.Timescale)}
		if sample.Data, err = slice(data, s.Position, int64(s.Size)); err != nil {
			return track{}, err
		}
		audio.samples = append(audio.samples, sample)
	}
	return audio, nil
}

// g711FromMP4 cuts the chunks of a track into blocks.
func g711FromMP4(data []byte, t *mp4.Track, as Track, offset time.Duration) ([]Sample, error) {
	var samples []Sample
	for c, err := range t.Chunks() {
		if err != nil {
			return nil, invalidMP4(err)
		}
		body, err := slice(data, c.Position, c.Size)
		if err != nil {
			return nil, err
		}
		at := offset + ticksToTime(c.DTS, t.Timescale)
		for block := range slices.Chunk(body, g711Block*max(as.Channels, 1)) {
			samples = append(samples, Sample{PTS: at, Duration: as.frameDuration(len(block)), Data: block})
			at += as.frameDuration(len(block))
		}
	}
	return samples, nil
}

// checkTrack gives the sample entry of a track and what its edit list adds to the times of its samples.
func checkTrack(data []byte, movie *mp4.Movie, t *mp4.Track) (mp4.SampleEntry, time.Duration, error) {
	if int64(t.Sizes.Len()) > int64(len(data)) {
		return mp4.SampleEntry{}, 0, fmt.Errorf("%w: %d samples in a file of %d bytes", ErrInvalidMedia, t.Sizes.Len(), len(data))
	}
	if len(t.Entries) != 1 || t.Timescale == 0 || movie.Timescale == 0 {
		return mp4.SampleEntry{}, 0, fmt.Errorf("%w: %d sample descriptions in track %d", ErrUnsupportedMedia, len(t.Entries), t.ID)
	}
	var offset time.Duration
	for i, e := range t.Edits {
		switch {
		case e.MediaTime >= 0 && i == len(t.Edits)-1:
			offset -= ticksToTime(e.MediaTime, t.Timescale)
		case e.MediaTime < 0 && e.Duration < 1<<62:
			offset += ticksToTime(int64(e.Duration), movie.Timescale)
		default:
			return mp4.SampleEntry{}, 0, fmt.Errorf("%w: edit list of track %d", ErrUnsupportedMedia, t.ID)
		}
	}
	return t.Entries[0], offset, nil
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
