package footage

import (
	"bytes"
	"time"

	"clipfs/clip/emulator/isom"
)

// Track says how the samples of a track are coded.
type Track struct {
	Codec Codec
	// Private is the codec private data: the content of avcC (ISO/IEC 14496-15 5.3.3.1) or hvcC (8.3.3.1), an
	// AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1), or nothing for G.711.
	Private []byte
	// Width and Height of video, in pixels.
	Width, Height int
	// SampleRate, in Hz, and Channels of audio.
	SampleRate, Channels int
}

// same reports whether two fragments with these tracks can go into one MP4.
func (t Track) same(o Track) bool {
	return t.Codec == o.Codec && bytes.Equal(t.Private, o.Private) && t.SampleRate == o.SampleRate && t.Channels == o.Channels
}

// SampleEntry makes the sample entry of the track in an MP4.
func (t Track) SampleEntry() []byte {
	switch rate, channels := uint32(t.SampleRate), uint16(t.Channels); t.Codec {
	case H264:
		return isom.NewAVCEntry(t.Private, uint16(t.Width), uint16(t.Height))
	case H265:
		return isom.NewHEVCEntry(t.Private, uint16(t.Width), uint16(t.Height))
	case AAC:
		return isom.NewAACEntry(t.Private, rate, channels)
	case ALaw:
		return isom.NewG711Entry(isom.ALaw, rate, channels)
	default:
		return isom.NewG711Entry(isom.MuLaw, rate, channels)
	}
}

// Sample is one coded frame of video, or one frame (AAC) or block (G.711) of audio.
type Sample struct {
	// PTS is when it is shown and DTS when it is decoded: from the start of the media, or in a fragment from the
	// fragment's producer time, there in whole milliseconds.
	PTS, DTS time.Duration
	// Duration is the time to the next one shown.
	Duration time.Duration
	// Sync marks a key frame. Every sample of audio is one.
	Sync bool
	// Data is shared and must not be changed.
	Data []byte
}
