package footage

// NAL unit types (ITU-T H.264 table 7-1, H.265 table 7-1).
const (
	h264SEI       = 6
	h264Prefix    = 14
	h265PrefixSEI = 39
	h265FirstNon  = 32
)

// nalLengthSize gives the size of the length before each NAL unit, from the codec private data (ISO/IEC 14496-15
// 5.3.3.1.2 and 8.3.3.1.2, lengthSizeMinusOne); 0 if that is too short.
func nalLengthSize(t Track) int {
	switch {
	case t.Codec == H264 && len(t.Private) >= 7:
		return int(t.Private[4]&3) + 1
	case t.Codec == H265 && len(t.Private) >= 23:
		return int(t.Private[21]&3) + 1
	}
	return 0
}

// nalUnits yields the NAL units of a sample, none of them empty, up to one that does not fit.
func nalUnits(sample []byte, size int) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for size > 0 && size < len(sample) {
			length := 0
			for _, b := range sample[:size] {
				length = length<<8 | int(b)
			}
			if length <= 0 || length > len(sample)-size || !yield(sample[size:size+length]) {
				return
			}
			sample = sample[size+length:]
		}
	}
}

// isPicture reports whether a NAL unit is part of a coded picture, or has to stand right before such a one.
func isPicture(nal []byte, codec Codec) bool {
	if codec == H264 {
		kind := nal[0] & 0x1f
		return kind >= 1 && kind <= 5 || kind == h264Prefix || kind >= 19
	}
	return nal[0]>>1&0x3f < h265FirstNon
}

// stampOffset gives where in a sample a stamp goes: right before the coded picture, so after an access unit delimiter,
// parameter sets, and other SEI (a buffering period has to be the first: H.264 7.4.1.2.3, H.265 7.4.2.4.4). It gives -1 if
// the sample is no sequence of NAL units with a picture in it.
func stampOffset(sample []byte, t Track) int {
	size, off := nalLengthSize(t), 0
	for nal := range nalUnits(sample, size) {
		if isPicture(nal, t.Codec) {
			return off
		}
		off += size + len(nal)
	}
	return -1
}
