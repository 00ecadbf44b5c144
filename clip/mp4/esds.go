package mp4

import "fmt"

// Tags of descriptors (ISO/IEC 14496-1 7.2.2.1).
const (
	tagES            = 3
	tagDecoderConfig = 4
	tagDecoderInfo   = 5
	tagSLConfig      = 6
)

// Fixed fields of the DecoderConfigDescriptor for AAC (ISO/IEC 14496-1 7.2.6.6).
const (
	objectAAC       = 0x40 // Audio ISO/IEC 14496-3
	streamAudio     = 0x15 // streamType 5, upStream 0, reserved 1
	decoderFixedLen = 13
	descriptorHead  = 5
)

// takeDescriptor takes a descriptor and gives its tag and body.
func (d *decoder) takeDescriptor() (tag uint8, body []byte) {
	tag = d.u8()
	length := 0
	for range 4 {
		c := d.u8()
		length = length<<7 | int(c&0x7f)
		if c&0x80 == 0 {
			return tag, d.take(length)
		}
	}
	d.short = true
	return tag, nil
}

// ParseEsds finds the DecoderSpecificInfo in the body of esds: for AAC the AudioSpecificConfig.
func ParseEsds(body []byte) ([]byte, error) {
	d := decoder{b: body}
	d.fullBox()
	for !d.short && len(d.b) > 0 {
		tag, b := d.takeDescriptor()
		switch tag {
		case tagES:
			d = decoder{b: b}
			d.skip(2)
			flags := d.u8()
			if flags&0x80 != 0 {
				d.skip(2) // dependsOn_ES_ID
			}
			if flags&0x40 != 0 {
				d.skip(int(d.u8())) // URL
			}
			if flags&0x20 != 0 {
				d.skip(2) // OCR_ES_Id
			}
		case tagDecoderConfig:
			d = decoder{b: b}
			d.skip(decoderFixedLen)
		case tagDecoderInfo:
			if !d.short {
				return b, nil
			}
		}
	}
	return nil, fmt.Errorf("box %s: no decoder configuration: %w", TypeEsds, ErrMalformed)
}
