package footage

import (
	"bytes"
	"strconv"
	"time"
)

// stampID marks our user data among others. Neither it nor anything else in a stamp has a zero byte, so emulation
// prevention (H.264 7.4.1, H.265 7.4.2) has nothing to do.
const stampID = "clipfs\xb1\x4d\x9e\x37\xa6\x52\xd8\x6f\x21\xec"

// userDataUnregistered is the payload type of the SEI message (H.264 D.1.1, H.265 D.2.1).
const userDataUnregistered = 5

// newStamp makes the NAL unit, with its length before it, of an SEI message (user data unregistered) with a time in
// milliseconds since 1970 as decimal ASCII.
func newStamp(at time.Time, t Track) []byte {
	text := strconv.AppendInt(nil, at.UnixMilli(), 10)
	message := append([]byte{userDataUnregistered, byte(len(stampID) + len(text))}, stampID...)
	message = append(message, text...)
	message = append(message, 0x80) // rbsp_trailing_bits
	nal := []byte{h264SEI}
	if t.Codec == H265 {
		nal = []byte{h265PrefixSEI << 1, 1}
	}
	nal = append(nal, message...)
	size := nalLengthSize(t)
	out := make([]byte, size, size+len(nal))
	for i := range out {
		out[i] = byte(len(nal) >> (8 * (size - 1 - i)))
	}
	return append(out, nal...)
}

// stampSize is the length of what newStamp makes.
func stampSize(at time.Time, t Track) int {
	return len(newStamp(at, t))
}

// Stamp reads the stamp in a coded picture, however its NAL units are framed: the producer time of the fragment that
// the picture begins. It gives false if there is none.
func Stamp(sample []byte, codec Codec) (time.Time, bool) {
	at := bytes.Index(sample, []byte(stampID))
	head := []byte{h264SEI, userDataUnregistered}
	if codec == H265 {
		head = []byte{h265PrefixSEI << 1, 1, userDataUnregistered}
	}
	if at < len(head)+1 || !bytes.Equal(sample[at-len(head)-1:at-1], head) {
		return time.Time{}, false
	}
	size := int(sample[at-1]) - len(stampID)
	text := sample[at+len(stampID):]
	if size <= 0 || size > len(text) {
		return time.Time{}, false
	}
	ms, err := strconv.ParseInt(string(text[:size]), 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	return time.UnixMilli(ms).UTC(), true
}
