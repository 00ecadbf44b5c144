package mp4

import "bytes"

// Fields that every sample entry begins with (ISO/IEC 14496-12 8.5.2): six reserved bytes and the data reference.
func (e *encoder) entry(coding FourCC, body func()) []byte {
	e.box(coding, func() {
		e.zeros(6)
		e.u16(1)
		body()
	})
	return e.b
}

// NewAVCEntry builds an avc1 sample entry (ISO/IEC 14496-15 5.4.2) from an AVCDecoderConfigurationRecord, which is what
// Matroska keeps as codec private data, and the size of the picture in pixels.
func NewAVCEntry(avcC []byte, width, height uint16) []byte {
	var e encoder
	return e.entry(CodingAVC1, func() { e.visual(width, height, TypeAvcC, avcC) })
}

// NewHEVCEntry builds an hvc1 sample entry (ISO/IEC 14496-15 8.4.1) from an HEVCDecoderConfigurationRecord and the
// size of the picture in pixels. The parameter sets in the record are marked as complete, which hvc1 demands (8.3.3.1).
func NewHEVCEntry(hvcC []byte, width, height uint16) []byte {
	var e encoder
	return e.entry(CodingHVC1, func() { e.visual(width, height, TypeHvcC, completeHEVC(hvcC)) })
}

// completeHEVC gives a copy of an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 8.3.3.1.2) whose arrays of VPS, SPS
// and PPS are marked as complete. What does not have that form is copied as it is.
func completeHEVC(hvcC []byte) []byte {
	const fixed, firstSet, lastSet, complete = 22, 32, 34, 0x80
	out := bytes.Clone(hvcC)
	d := decoder{b: out}
	d.skip(fixed)
	for range d.u8() {
		head := d.take(1)
		for range d.u16() {
			d.skip(int(d.u16()))
		}
		if d.short {
			return bytes.Clone(hvcC)
		}
		if kind := head[0] & 0x3f; kind >= firstSet && kind <= lastSet {
			head[0] |= complete
		}
	}
	return out
}

// NewAACEntry builds an mp4a sample entry (ISO/IEC 14496-14 5.6) from an AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1),
// the sampling rate in Hz and the number of channels. The bit rates in it are given as unknown.
func NewAACEntry(config []byte, rate uint32, channels uint16) []byte {
	var e encoder
	return e.entry(CodingMP4A, func() {
		e.audio(rate, channels)
		e.esds(config)
	})
}

// NewG711Entry builds an alaw or ulaw sample entry, as QuickTime names them and ISO players know them. One sample of
// the track is one byte a channel, its timescale is the rate.
func NewG711Entry(coding FourCC, rate uint32, channels uint16) []byte {
	var e encoder
	return e.entry(coding, func() { e.audio(rate, channels) })
}

// visual appends the fields of a VisualSampleEntry (ISO/IEC 14496-12 12.1.3) and its configuration box.
func (e *encoder) visual(width, height uint16, kind FourCC, config []byte) {
	const dpi72 = 72 << 16
	e.zeros(16)
	e.u16(width)
	e.u16(height)
	e.u32(dpi72)
	e.u32(dpi72)
	e.u32(0)
	e.u16(1)      // frame_count
	e.zeros(32)   // compressorname
	e.u16(0x18)   // depth: colour without alpha
	e.u16(0xffff) // pre_defined = -1
	e.box(kind, func() { e.raw(config) })
}

// audio appends the fields of an AudioSampleEntry (ISO/IEC 14496-12 12.2.3). A rate that 16 bits cannot hold is
// written as 0: decoders take it from the stream then.
func (e *encoder) audio(rate uint32, channels uint16) {
	if rate > 0xffff {
		rate = 0
	}
	e.zeros(8)
	e.u16(channels)
	e.u16(16) // samplesize, a constant for coded audio
	e.zeros(4)
	e.u32(rate << 16)
}
