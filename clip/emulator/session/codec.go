package session

import (
	"fmt"
	"math/bits"
	"strings"

	"clipfs/clip/emulator/footage"
)

// videoCodec names the codec of pictures as RFC 6381 has it: of H.264 profile, constraints and level (ISO/IEC 14496-15 annex E).
func videoCodec(t footage.Track) string {
	p := t.Private
	if t.Codec == footage.H264 {
		return fmt.Sprintf("avc1.%02x%02x%02x", p[1], p[2], p[3])
	}
	// The record has the profile space, tier and profile, 32 compatibility flags, 6 bytes of constraints, and the level.
	compatible := bits.Reverse32(uint32(p[2])<<24 | uint32(p[3])<<16 | uint32(p[4])<<8 | uint32(p[5]))
	tier := "L"
	if p[1]&0x20 != 0 {
		tier = "H"
	}
	var constraints strings.Builder
	for _, c := range trimZeros(p[6:12]) {
		fmt.Fprintf(&constraints, ".%X", c)
	}
	return fmt.Sprintf("hvc1.%s%d.%X.%s%d%s", []string{"", "A", "B", "C"}[p[1]>>6], p[1]&0x1f, compatible, tier, p[12], constraints.String())
}

// trimZeros cuts zeros off the end.
func trimZeros(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}

// audioCodec names the codec of sound: of AAC with its object type.
func audioCodec(t footage.Track) string {
	switch t.Codec {
	case footage.ALaw:
		return "alaw"
	case footage.MuLaw:
		return "ulaw"
	}
	return fmt.Sprintf("mp4a.40.%d", t.Private[0]>>3)
}
