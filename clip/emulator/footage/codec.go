package footage

import "errors"

// Codec is a coding of video or audio that Kinesis Video Streams can make an MP4 of (API reference, GetClip).
type Codec int

const (
	// H264 is ITU-T H.264, NAL units prefixed by their length, parameter sets in the codec private data (avcC).
	H264 Codec = iota + 1
	// H265 is ITU-T H.265, as H264 (hvcC).
	H265
	// AAC is MPEG-4 AAC, raw frames; the codec private data is an AudioSpecificConfig.
	AAC
	// ALaw is ITU-T G.711 A-law, one byte a sample and channel.
	ALaw
	// MuLaw is ITU-T G.711 mu-law, one byte a sample and channel.
	MuLaw
)

// String gives the usual name.
func (c Codec) String() string {
	switch c {
	case H264:
		return "H.264"
	case H265:
		return "H.265"
	case AAC:
		return "AAC"
	case ALaw:
		return "G.711 A-law"
	case MuLaw:
		return "G.711 mu-law"
	}
	return "unknown codec"
}

// IsVideo reports whether it is a coding of video.
func (c Codec) IsVideo() bool { return c == H264 || c == H265 }

// IsG711 reports whether it is one of the two laws of G.711.
func (c Codec) IsG711() bool { return c == ALaw || c == MuLaw }

// What can be wrong with media.
var (
	// ErrUnsupportedMedia: not H.264 or H.265 video with at most one track of AAC or G.711, or no key frame.
	ErrUnsupportedMedia = errors.New("unsupported media")
	// ErrNoCodecPrivateData: a track that needs codec private data has none.
	ErrNoCodecPrivateData = errors.New("no codec private data")
	// ErrCodecChange: the codec or its private data is not the same in all fragments.
	ErrCodecChange = errors.New("codec private data is not consistent between all fragments")
	// ErrInvalidMedia: the file is broken.
	ErrInvalidMedia = errors.New("invalid media")
	// ErrNoFragments: there is nothing to make a payload of.
	ErrNoFragments = errors.New("no fragments")
)
