package ts

// Lengths of a PES header with one and with two times (ISO/IEC 13818-1 2.4.3.6).
const (
	pesFixed  = 9
	pesTime   = 5
	timesMask = 1<<33 - 1
)

// pesHeaderSize is the length of a unit's PES header.
func pesHeaderSize(u *placed) int {
	if u.PTS == u.DTS {
		return pesFixed + pesTime
	}
	return pesFixed + 2*pesTime
}

// pesHeader appends the PES header of a unit whose packet has so many bytes, header included. The length of a picture is left
// open, as it may be longer than the field can tell.
func pesHeader(b []byte, u *placed, size int) []byte {
	const (
		aligned           = 0x84 // the payload begins with an access unit
		pts, dts          = 0x80, 0x40
		video, sound byte = 0xe0, 0xc0
	)
	id, length, flags := video, 0, byte(pts)
	if u.Sound {
		id, length = sound, size-6
	}
	if u.PTS != u.DTS {
		flags |= dts
	}
	b = append(b, 0, 0, 1, id, byte(length>>8), byte(length), aligned, flags, byte(pesHeaderSize(u)-pesFixed))
	if u.PTS == u.DTS {
		return timestamp(b, 2, u.PTS)
	}
	return timestamp(timestamp(b, 3, u.PTS), 1, u.DTS)
}

// timestamp appends a time behind its prefix of four bits.
func timestamp(b []byte, prefix byte, t int64) []byte {
	t &= timesMask
	return append(b, prefix<<4|byte(t>>29)&0x0e|1, byte(t>>22), byte(t>>14)|1, byte(t>>7), byte(t<<1)|1)
}

// packet writes packet k of a unit, whose PES packet is pes, to p.
func (s Streams) packet(p []byte, u *placed, k int, pes []byte) {
	pid, start := uint16(videoPID), byte(0)
	if u.Sound {
		pid = soundPID
	}
	from, field := k*payloadSize, 0
	if k == 0 {
		start, field = 0x40, s.adaptation(u)
	} else {
		from -= s.adaptation(u)
	}
	n := min(len(pes)-from, payloadSize-field)
	stuffed := payloadSize - n // the adaptation field with its stuffing
	control := byte(0x10)
	if stuffed > 0 {
		control = 0x30
	}
	p[0], p[1], p[2], p[3] = syncByte, start|byte(pid>>8), byte(pid), control|byte(u.counter+k)&0x0f
	if stuffed > 0 {
		s.adapt(p[headerSize:headerSize+stuffed], u, k == 0)
	}
	copy(p[headerSize+stuffed:PacketSize], pes[from:from+n])
}

// adapt writes an adaptation field that fills b (ISO/IEC 13818-1 2.4.3.4); first says that it is that of a unit's first packet.
func (s Streams) adapt(b []byte, u *placed, first bool) {
	const discontinuity, randomAccess, clock = 0x80, 0x40, 0x10
	b[0] = byte(len(b) - 1)
	if len(b) == 1 {
		return
	}
	for i := 2; i < len(b); i++ {
		b[i] = 0xff
	}
	b[1] = 0
	if !first {
		return
	}
	if u.begins {
		b[1] |= discontinuity
	}
	if u.begins || u.Key {
		b[1] |= randomAccess
	}
	if s.hasClock(u) {
		b[1] |= clock
		t := u.DTS & timesMask
		copy(b[2:], []byte{byte(t >> 25), byte(t >> 17), byte(t >> 9), byte(t >> 1), byte(t<<7) | 0x7e, 0})
	}
}
