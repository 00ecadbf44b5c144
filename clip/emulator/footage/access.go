package footage

// access says whether decoding can begin at a picture.
type access int

const (
	// accessNone: it needs others.
	accessNone access = iota
	// accessOpen: it needs none, but pictures that follow it in order of decoding and are shown before it do: a recovery
	// point of H.264, a CRA or BLA picture of H.265.
	accessOpen
	// accessIDR: nothing that follows needs what is before it.
	accessIDR
)

// NAL unit types of pictures at which decoding can begin, and of SEI (ITU-T H.264 table 7-1, H.265 table 7-1).
const (
	h264Slice    = 1
	h264IDR      = 5
	h265FirstBLA = 16
	h265FirstIDR = 19
	h265LastIDR  = 20
	h265CRA      = 21
	// recoveryPoint is a payload type of SEI (H.264 D.1.8).
	recoveryPoint = 6
)

// accessOf reads what kind of picture a sample has from its NAL units.
func accessOf(sample []byte, t Track) access {
	recovers := false
	for nal := range nalUnits(sample, nalLengthSize(t)) {
		if t.Codec == H265 {
			switch kind := nal[0] >> 1 & 0x3f; {
			case kind == h265FirstIDR || kind == h265LastIDR:
				return accessIDR
			case kind >= h265FirstBLA && kind <= h265CRA:
				return accessOpen
			case kind < h265FirstNon:
				return accessNone
			}
			continue
		}
		switch kind := nal[0] & 0x1f; {
		case kind == h264IDR:
			return accessIDR
		case kind == h264SEI:
			recovers = recovers || recoversAtOnce(nal[1:])
		case kind >= h264Slice && kind < h264IDR:
			if recovers {
				return accessOpen
			}
			return accessNone
		}
	}
	return accessNone
}

// IsIDR reports whether a sample is an IDR picture: nothing that follows needs what is before it.
func IsIDR(sample []byte, t Track) bool { return accessOf(sample, t) == accessIDR }

// recoversAtOnce reports whether an SEI (H.264 7.3.2.3) has a recovery point whose recovery_frame_cnt is 0: with more,
// as periodic intra refresh has it, decoding is right only some frames later.
func recoversAtOnce(payload []byte) bool {
	rbsp := unescape(payload)
	for len(rbsp) > 2 {
		kind, length, rest := 0, 0, rbsp
		for _, v := range []*int{&kind, &length} {
			for len(rest) > 0 && rest[0] == 0xff {
				*v, rest = *v+0xff, rest[1:]
			}
			if len(rest) == 0 {
				return false
			}
			*v, rest = *v+int(rest[0]), rest[1:]
		}
		if length > len(rest) {
			return false
		}
		if kind == recoveryPoint {
			return length > 0 && rest[0]&0x80 != 0 // ue(v) of 0 is a single 1
		}
		rbsp = rest[length:]
	}
	return false
}

// unescape takes emulation prevention out of the bytes of a NAL unit (H.264 7.4.1).
func unescape(payload []byte) []byte {
	out := make([]byte, 0, len(payload))
	zeros := 0
	for _, b := range payload {
		if zeros == 2 && b == 3 {
			zeros = 0
			continue
		}
		if zeros = min(zeros+1, 2); b != 0 {
			zeros = 0
		}
		out = append(out, b)
	}
	return out
}

// markAccess marks the pictures at which decoding can begin as key frames, whatever their container says: writers differ
// in whether recovery points and CRA pictures are sync samples.
func markAccess(samples []Sample, t Track) {
	for i := range samples {
		samples[i].Sync = samples[i].Sync || accessOf(samples[i].Data, t) != accessNone
	}
}
