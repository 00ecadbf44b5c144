package isom

import "bytes"

// NewAVCEntry builds an avc1 sample entry (ISO/IEC 14496-15 5.4.2) from an AVCDecoderConfigurationRecord, which is what
// Matroska keeps as codec private data, and the size of the picture in pixels.
func NewAVCEntry(avcC []byte, width, height uint16) []byte {
	return visual("avc1", width, height, Make("avcC", avcC))
}

// NewHEVCEntry builds an hvc1 sample entry (ISO/IEC 14496-15 8.4.1) from an HEVCDecoderConfigurationRecord and the size of
// the picture in pixels. The parameter sets in the record are marked as complete, which hvc1 demands (8.3.3.1).
func NewHEVCEntry(hvcC []byte, width, height uint16) []byte {
	return visual("hvc1", width, height, Make("hvcC", completeHEVC(hvcC)))
}

// completeHEVC gives a copy of an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 8.3.3.1.2) whose arrays of VPS, SPS and
// PPS are marked as complete. What does not have that form is copied as it is.
func completeHEVC(hvcC []byte) []byte {
	const fixed, firstSet, lastSet, complete = 22, 32, 34, 0x80
	out := bytes.Clone(hvcC)
	if len(out) <= fixed {
		return out
	}
	at := fixed + 1
	for range out[fixed] {
		if at+3 > len(out) {
			return bytes.Clone(hvcC)
		}
		if kind := out[at] & 0x3f; kind >= firstSet && kind <= lastSet {
			out[at] |= complete
		}
		count := half(out, at+1)
		at += 3
		for range count {
			at += 2 + int(half(out, at))
		}
		if at > len(out) {
			return bytes.Clone(hvcC)
		}
	}
	return out
}

// NewAACEntry builds an mp4a sample entry (ISO/IEC 14496-14 5.6) from an AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1), the
// sampling rate in Hz and the number of channels. The bit rates in it are given as unknown.
func NewAACEntry(config []byte, rate uint32, channels uint16) []byte {
	const es, decoderConfig, decoderInfo, slConfig = 3, 4, 5, 6 // tags of descriptors (ISO/IEC 14496-1 7.2.2.1)
	info := descriptor(decoderInfo, config)
	// MPEG-4 audio, a stream of audio, no buffer size and no bit rates (7.2.6.6).
	decoder := descriptor(decoderConfig, append([]byte{0x40, 0x15, 12: 0}, info...))
	// No ES_ID, dependency, URL or OCR; the SL configuration is the one of MP4.
	all := descriptor(es, append(append([]byte{0, 0, 0}, decoder...), descriptor(slConfig, []byte{2})...))
	return audio("mp4a", rate, channels, Make("esds", Words(0), all))
}

// descriptor makes a descriptor: a tag and a length in four bytes of seven bits (ISO/IEC 14496-1 8.3.3).
func descriptor(tag byte, body []byte) []byte {
	n := len(body)
	return append([]byte{tag, byte(n>>21) | 0x80, byte(n>>14) | 0x80, byte(n>>7) | 0x80, byte(n) & 0x7f}, body...)
}

// NewG711Entry builds a sample entry of alaw or ulaw, as QuickTime names them and ISO players know them. One sample of the
// track is one byte a channel, its timescale is the rate.
func NewG711Entry(coding string, rate uint32, channels uint16) []byte {
	return audio(coding, rate, channels, nil)
}

// described makes a sample entry: six reserved bytes and the data reference (8.5.2), and what is in it.
func described(coding string, parts ...[]byte) []byte {
	return Make(coding, append([][]byte{{0, 0, 0, 0, 0, 0, 0, 1}}, parts...)...)
}

// visual makes a VisualSampleEntry (12.1.3) at 72 dpi, of one frame a sample, with no compressor's name, in colour without
// alpha.
func visual(coding string, width, height uint16, config []byte) []byte {
	return described(coding, make([]byte, 16), Words(uint32(width)<<16|uint32(height), 72<<16, 72<<16, 0), []byte{0, 1},
		make([]byte, 32), []byte{0, 0x18, 0xff, 0xff}, config)
}

// audio makes an AudioSampleEntry (12.2.3) of 16 bits a sample, a constant for coded audio. A rate that 16 bits cannot hold is
// written as 0: decoders take it from the stream then.
func audio(coding string, rate uint32, channels uint16, config []byte) []byte {
	if rate > 0xffff {
		rate = 0
	}
	return described(coding, make([]byte, 8), Words(uint32(channels)<<16|16, 0, rate<<16), config)
}
