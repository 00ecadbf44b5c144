package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/ts"
)

// transport makes the transport stream of a fragment: pictures, and sound if that is AAC.
func (s *Session) transport(ctx context.Context, e entry) ([]byte, error) {
	f := e.fragment
	video, audio := f.VideoTrack(), s.audioTrack(f)
	read := ts.AVC
	if video.Codec == footage.H265 {
		read = ts.HEVC
	}
	pictures, err := read(video.Private)
	if err != nil {
		return nil, unsupported(err)
	}
	carried := ts.Streams{Video: []*ts.Video{pictures}}
	media := f.Video()
	if audio.Codec != 0 {
		if sound, err := ts.NewSound(audio.Private); err == nil {
			carried.Sound = []*ts.Sound{sound}
			media = append(media, f.Audio()...)
		}
	}
	units := make([]ts.Unit, len(media))
	for i, m := range media {
		sound := i >= len(f.Video())
		units[i] = ts.Unit{Sound: sound, Key: m.Sync && !sound, PTS: ticks(e.at - lead + m.PTS), DTS: ticks(e.at - lead + m.DTS), Size: len(m.Data)}
	}
	plan, err := ts.Plan(carried, units)
	if err != nil {
		return nil, unsupported(err)
	}
	out := make([]byte, plan.Size())
	_, err = plan.Reader(func(_ context.Context, unit int, p []byte) error {
		copy(p, media[unit].Data)
		return nil
	}).ReadAt(ctx, out, 0)
	if errors.Is(err, ts.ErrMalformed) {
		return nil, fmt.Errorf("%w: %w", footage.ErrInvalidMedia, err)
	}
	return out, err
}

// unsupported says that media cannot be carried.
func unsupported(err error) error { return fmt.Errorf("%w: %w", footage.ErrUnsupportedMedia, err) }

// ticks gives whole milliseconds in ticks of 90 kHz.
func ticks(d time.Duration) int64 { return d.Milliseconds() * (ts.ClockRate / 1000) }
