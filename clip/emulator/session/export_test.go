package session

import (
	"time"

	"clipfs/clip/emulator/footage"
)

// Codec names a codec of pictures or sound.
func Codec(t footage.Track) string {
	if t.Codec == footage.H264 || t.Codec == footage.H265 {
		return videoCodec(t)
	}
	return audioCodec(t)
}

// Sound places frames of sound, and gives where each begins and for how long it lasts, in samples.
func Sound(media []footage.Sample, t footage.Track, at time.Duration) (begin, length []int64) {
	for _, s := range soundSamples(media, t, at) {
		begin, length = append(begin, s.DTS), append(length, int64(s.Duration))
	}
	return begin, length
}
