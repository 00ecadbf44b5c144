package footage

import (
	"encoding/binary"
	"fmt"
	"time"
)

// FrameDuration gives how long a coded frame or block of so many bytes plays: 1,024 samples or fewer of AAC (ISO/IEC
// 14496-3 4.5.1.1, frameLengthFlag), one sample a byte and channel of G.711.
func (t Track) FrameDuration(size int) time.Duration {
	return time.Duration(t.FrameSamples(size)) * time.Second / time.Duration(max(t.SampleRate, 1))
}

// FrameSamples gives how many samples a coded frame or block of so many bytes holds.
func (t Track) FrameSamples(size int) int {
	if t.Codec.IsG711() {
		return size / max(t.Channels, 1)
	}
	if config, err := parseAudioConfig(t.Private); err == nil {
		return config.frame
	}
	return 1024
}

// audioConfig is what we need of an AudioSpecificConfig.
type audioConfig struct{ rate, channels, frame int }

// parseAudioConfig reads an AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1) up to the frame length. Where it signals SBR
// the rate is that of the core, which a frame's length is counted in.
func parseAudioConfig(data []byte) (audioConfig, error) {
	var padded [16]byte
	if n := copy(padded[:], data); n < 2 {
		return audioConfig{}, fmt.Errorf("audio config: %w", ErrNoCodecPrivateData)
	}
	bits := bitReader{data: padded[:]}
	object := bits.read(5)
	if object == 31 {
		object = 32 + bits.read(6)
	}
	rate := bits.rate()
	channels := bits.read(4)
	if object == 5 || object == 29 {
		bits.rate()
		if bits.read(5) == 31 {
			bits.read(6)
		}
	}
	frame := 1024
	if bits.read(1) == 1 {
		frame = 960
	}
	if channels == 7 {
		channels = 8
	}
	if rate <= 0 || channels > 8 {
		return audioConfig{}, fmt.Errorf("%w: audio config %x", ErrUnsupportedMedia, data)
	}
	return audioConfig{rate: rate, channels: channels, frame: frame}, nil
}

// bitReader reads bits, most significant first; past the end they are 0.
type bitReader struct {
	data []byte
	pos  int
}

func (b *bitReader) read(n int) int {
	v := 0
	for range n {
		v <<= 1
		if b.pos/8 < len(b.data) {
			v |= int(b.data[b.pos/8]>>(7-b.pos%8)) & 1
		}
		b.pos++
	}
	return v
}

// rate reads a sampling frequency: an index, or 15 and the frequency (ISO/IEC 14496-3 table 1.18).
func (b *bitReader) rate() int {
	rates := [...]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}
	index := b.read(4)
	switch {
	case index == 15:
		return b.read(24)
	case index >= len(rates):
		return 0
	}
	return rates[index]
}

// newAAC makes the track that an AudioSpecificConfig describes; channels from the container where it does not say.
func newAAC(config []byte, channels int) (Track, error) {
	c, err := parseAudioConfig(config)
	if err != nil {
		return Track{}, err
	}
	if c.channels == 0 {
		c.channels = channels
	}
	return Track{Codec: AAC, Private: config, SampleRate: c.rate, Channels: c.channels}, nil
}

// Format tags of WAVEFORMATEX (registered WAVE formats).
const (
	waveALaw  = 6
	waveMuLaw = 7
)

// parseWaveFormat reads a WAVEFORMATEX: what Matroska has of A_MS/ACM.
func parseWaveFormat(data []byte) (Track, error) {
	if len(data) < 8 {
		return Track{}, fmt.Errorf("wave format: %w", ErrNoCodecPrivateData)
	}
	t := Track{Channels: int(binary.LittleEndian.Uint16(data[2:])), SampleRate: int(binary.LittleEndian.Uint32(data[4:]))}
	switch tag := binary.LittleEndian.Uint16(data); tag {
	case waveALaw:
		t.Codec = ALaw
	case waveMuLaw:
		t.Codec = MuLaw
	default:
		return Track{}, fmt.Errorf("%w: wave format %#x", ErrUnsupportedMedia, tag)
	}
	return t, nil
}

// waveFormat makes the WAVEFORMATEX of G.711.
func waveFormat(t Track) []byte {
	tag := uint16(waveALaw)
	if t.Codec == MuLaw {
		tag = waveMuLaw
	}
	b := binary.LittleEndian.AppendUint16(nil, tag)
	b = binary.LittleEndian.AppendUint16(b, uint16(t.Channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(t.SampleRate))
	b = binary.LittleEndian.AppendUint32(b, uint32(t.SampleRate*t.Channels))
	b = binary.LittleEndian.AppendUint16(b, uint16(t.Channels))
	b = binary.LittleEndian.AppendUint16(b, 8) // bits a sample
	return binary.LittleEndian.AppendUint16(b, 0)
}
