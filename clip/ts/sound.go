package ts

import (
	"fmt"
	"slices"
)

// adtsSize is the length of an ADTS header without a checksum, in bytes (ISO/IEC 14496-3 1.A.2.2).
const adtsSize = 7

// SamplesPerFrame is how many samples a frame of AAC has, at the rate of its AudioSpecificConfig.
const SamplesPerFrame = 1024

// Sound is what a sound track's sample entry tells.
type Sound struct {
	// profile is the audio object type minus 1; rate the sampling_frequency_index; channels the channel_configuration.
	profile, rate, channels byte
}

// rates are the sampling rates in Hz by their index (ISO/IEC 14496-3 table 1.18).
func rates() []int {
	return []int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}
}

// NewSound reads an AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1). What it says of spectral band replication is left out, as ADTS
// cannot tell it: decoders find it in the frames. ErrUnsupported for what ADTS has no header for.
func NewSound(config []byte) (*Sound, error) {
	const escape, sbr, ps = 31, 5, 29
	b := bits{b: config}
	kind := b.take(5)
	rate, err := b.rateIndex()
	if err != nil {
		return nil, err
	}
	channels := b.take(4)
	if kind == sbr || kind == ps { // the rate that follows is the one after replication; the object type is that of the core
		if _, err := b.rateIndex(); err != nil {
			return nil, err
		}
		kind = b.take(5)
	}
	switch {
	case b.short:
		return nil, fmt.Errorf("AudioSpecificConfig of %d bytes: %w", len(config), ErrMalformed)
	case kind < 1 || kind > 4 || kind == escape:
		return nil, fmt.Errorf("audio object type %d: %w", kind, ErrUnsupported)
	case channels < 1 || channels > 7:
		return nil, fmt.Errorf("channel configuration %d: %w", channels, ErrUnsupported)
	}
	return &Sound{profile: byte(kind - 1), rate: byte(rate), channels: byte(channels)}, nil
}

// Rate is the sampling rate of the frames in Hz.
func (s *Sound) Rate() int { return rates()[s.rate] }

// header gives the ADTS header of a frame of so many bytes.
func (s *Sound) header(frame int) []byte {
	n := frame + adtsSize
	return []byte{
		0xff, 0xf1, // syncword, MPEG-4, layer 0, no checksum
		s.profile<<6 | s.rate<<2 | s.channels>>2,
		s.channels<<6 | byte(n>>11),
		byte(n >> 3),
		byte(n<<5) | 0x1f, // buffer fullness: variable rate
		0xfc,
	}
}

// maxFrame is the longest frame that an ADTS header can speak of, in bytes.
const maxFrame = 1<<13 - 1 - adtsSize

// Silence gives a frame of AAC in which nothing is heard: elements without a scale factor band (ISO/IEC 14496-3 4.4.2.1).
func (s *Sound) Silence() []byte {
	const (
		single, pair, lfe, end = 0, 1, 3, 7
		// info is ics_info of a long window without bands, and what follows it where there are none: reserved 1, sequence 2, shape 1,
		// max_sfb 6, prediction 1 bits; channel adds the gain before it, 8 bits, and no pulses, noise shaping and gain control after it.
		info, gain, tools = 11, 8, 3
	)
	elements := [...][]uint{1: {single}, 2: {pair}, 3: {single, pair}, 4: {single, pair, single}, 5: {single, pair, pair},
		6: {single, pair, pair, lfe}, 7: {single, pair, pair, pair, lfe}}[s.channels]
	var w bitWriter
	tags := make(map[uint]uint)
	for _, e := range elements {
		w.put(e, 3)
		w.put(tags[e], 4)
		tags[e]++
		if e == pair {
			w.put(1, 1) // common window
			w.put(0, info)
			w.put(0, 2) // no middle/side stereo
			w.put(0, gain+tools)
			w.put(0, gain+tools)
		} else {
			w.put(0, gain+info+tools)
		}
	}
	w.put(end, 3)
	return slices.Clone(w.b)
}

// bits takes bits from the front of bytes.
type bits struct {
	b     []byte
	at    int
	short bool
}

// take takes n bits; where there are fewer it gives zeros.
func (b *bits) take(n int) uint {
	var v uint
	for range n {
		v <<= 1
		if b.at>>3 >= len(b.b) {
			b.short = true
			continue
		}
		v |= uint(b.b[b.at>>3]>>(7-b.at&7)) & 1
		b.at++
	}
	return v
}

// rateIndex takes a sampling rate as its index. A rate that is written out has one where ADTS can tell it.
func (b *bits) rateIndex() (int, error) {
	const written = 15
	i := int(b.take(4))
	if i == written {
		i = slices.Index(rates(), int(b.take(24)))
	}
	if i < 0 || i >= len(rates()) {
		return 0, fmt.Errorf("sampling rate: %w", ErrUnsupported)
	}
	return i, nil
}

// bitWriter appends bits.
type bitWriter struct {
	b []byte
	n int
}

// put appends the low n bits of v.
func (w *bitWriter) put(v uint, n int) {
	for i := n - 1; i >= 0; i-- {
		if w.n&7 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n>>3] |= byte(v>>i&1) << (7 - w.n&7)
		w.n++
	}
}
