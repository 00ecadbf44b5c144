package ts

import (
	"errors"
	"fmt"
)

// ErrUnsupported says that a stream cannot be carried as players of transport streams know it.
var ErrUnsupported = errors.New("cannot be carried in a transport stream")

// ErrMalformed says that a frame or a codec configuration does not have its form.
var ErrMalformed = errors.New("malformed")

// Codec is how a stream is coded: the stream_type of ISO/IEC 13818-1 table 2-34.
type Codec uint8

// The codecs that are carried.
const (
	AAC  Codec = 0x0f
	H264 Codec = 0x1b
	H265 Codec = 0x24
)

// Video is what a picture track's sample entry tells.
type Video struct {
	codec Codec
	// lengthSize is how many bytes the length before each NAL unit has: 3 or 4, as a start code.
	lengthSize int
	// sets are the parameter sets with their start codes.
	sets []byte
}

// startCode begins a NAL unit (ISO/IEC 14496-10 annex B).
func startCode(size int) []byte {
	code := make([]byte, size)
	code[size-1] = 1
	return code
}

// AVC reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1), the body of avcC. ErrUnsupported where lengths are shorter
// than a start code.
func AVC(record []byte) (*Video, error) {
	const fixed = 5
	b := scanner{b: record}
	head := b.take(fixed)
	if b.short || head[0] != 1 {
		return nil, fmt.Errorf("avcC of %d bytes: %w", len(record), ErrMalformed)
	}
	v := &Video{codec: H264, lengthSize: int(head[4]&3) + 1}
	for _, mask := range []byte{0x1f, 0xff} { // sequence, then picture parameter sets
		for range b.u8() & mask {
			v.add(b.take(b.u16()))
		}
	}
	return v.checked(b, "avcC")
}

// HEVC reads an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 8.3.3.1), the body of hvcC. ErrUnsupported where lengths are shorter
// than a start code.
func HEVC(record []byte) (*Video, error) {
	const fixed = 22
	b := scanner{b: record}
	head := b.take(fixed)
	if b.short || head[0] != 1 {
		return nil, fmt.Errorf("hvcC of %d bytes: %w", len(record), ErrMalformed)
	}
	v := &Video{codec: H265, lengthSize: int(head[21]&3) + 1}
	for range b.u8() {
		b.u8()
		for range b.u16() {
			v.add(b.take(b.u16()))
		}
	}
	return v.checked(b, "hvcC")
}

// add appends a parameter set.
func (v *Video) add(set []byte) {
	v.sets = append(append(v.sets, startCode(4)...), set...)
}

// checked gives the video if its record was whole and can be carried.
func (v *Video) checked(b scanner, name string) (*Video, error) {
	switch {
	case b.short:
		return nil, fmt.Errorf("%s ends early: %w", name, ErrMalformed)
	case v.lengthSize < 3:
		return nil, fmt.Errorf("%s with lengths of %d bytes: %w", name, v.lengthSize, ErrUnsupported)
	}
	return v, nil
}

// delimiter is the access unit delimiter of the codec with its start code, for a picture of any type (ISO/IEC 14496-10 7.3.2.4,
// ISO/IEC 23008-2 7.3.2.5).
func (v *Video) delimiter() []byte {
	if v.codec == H265 {
		return []byte{0, 0, 0, 1, 35 << 1, 1, 0x50}
	}
	return []byte{0, 0, 0, 1, 9, 0xf0}
}

// isDelimiter reports whether a NAL unit is an access unit delimiter.
func (v *Video) isDelimiter(first byte) bool {
	if v.codec == H265 {
		return first>>1&0x3f == 35
	}
	return first&0x1f == 9
}

// annexB turns the lengths before the NAL units of a sample into start codes, in place. A delimiter of its own becomes zeros,
// which may stand between NAL units: the picture has one already.
func (v *Video) annexB(sample []byte) error {
	code := startCode(v.lengthSize)
	for at := 0; at < len(sample); {
		if len(sample)-at <= v.lengthSize {
			return fmt.Errorf("%d bytes behind the last NAL unit: %w", len(sample)-at, ErrMalformed)
		}
		size := 0
		for _, c := range sample[at : at+v.lengthSize] {
			size = size<<8 | int(c)
		}
		from := at + v.lengthSize
		if size <= 0 || size > len(sample)-from {
			return fmt.Errorf("a NAL unit of %d bytes where %d are left: %w", size, len(sample)-from, ErrMalformed)
		}
		if v.isDelimiter(sample[from]) {
			clear(sample[at : from+size])
		} else {
			copy(sample[at:], code)
		}
		at = from + size
	}
	return nil
}

// scanner takes bytes from the front and notes where there were too few.
type scanner struct {
	b     []byte
	short bool
}

// take takes n bytes; where there are fewer it gives zeros.
func (s *scanner) take(n int) []byte {
	if n > len(s.b) {
		s.short, s.b = true, nil
		return make([]byte, n)
	}
	taken := s.b[:n]
	s.b = s.b[n:]
	return taken
}

func (s *scanner) u8() byte { return s.take(1)[0] }

func (s *scanner) u16() int {
	b := s.take(2)
	return int(b[0])<<8 | int(b[1])
}
