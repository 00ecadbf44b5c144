package ts

import "encoding/binary"

const (
	// PacketSize is the length of a transport packet in bytes (ISO/IEC 13818-1 2.4.3.2).
	PacketSize = 188
	headerSize = 4
	// payloadSize is what a packet carries besides its header.
	payloadSize = PacketSize - headerSize

	syncByte   = 0x47
	programPID = 0x1000
	videoPID   = 0x100
	soundPID   = 0x101
	program    = 1
)

// Streams are what a segment carries: one of pictures, one of sound or both. Each has one entry, or more where its parameters change;
// all entries of pictures have one codec.
type Streams struct {
	Video []*Video
	Sound []*Sound
}

// tables are the packets of PAT and PMT (ISO/IEC 13818-1 2.4.4).
func (s Streams) tables() []byte {
	const patID, pmtID = 0, 2
	pat := section(patID, 1, []byte{program >> 8, program, 0xe0 | programPID>>8, programPID & 0xff})
	clock := s.clockPID()
	pmt := []byte{0xe0 | byte(clock>>8), byte(clock), 0xf0, 0}
	if len(s.Video) > 0 {
		pmt = append(pmt, byte(s.Video[0].codec), 0xe0|videoPID>>8, videoPID&0xff, 0xf0, 0)
	}
	if len(s.Sound) > 0 {
		pmt = append(pmt, byte(AAC), 0xe0|soundPID>>8, soundPID&0xff, 0xf0, 0)
	}
	return append(tablePacket(0, pat), tablePacket(programPID, section(pmtID, program, pmt))...)
}

// clockPID is that of the stream that carries the clock.
func (s Streams) clockPID() uint16 {
	if len(s.Video) == 0 {
		return soundPID
	}
	return videoPID
}

// section gives a section of a table with its checksum.
func section(table byte, id uint16, body []byte) []byte {
	const behindLength, checksum = 5, 4
	n := behindLength + len(body) + checksum
	out := []byte{table, 0xb0 | byte(n>>8), byte(n), byte(id >> 8), byte(id), 0xc1, 0, 0}
	out = append(out, body...)
	return binary.BigEndian.AppendUint32(out, crc(out))
}

// tablePacket gives the packet of a section.
func tablePacket(pid uint16, section []byte) []byte {
	p := make([]byte, PacketSize)
	p[0], p[1], p[2], p[3] = syncByte, 0x40|byte(pid>>8), byte(pid), 0x10
	n := headerSize + 1 + copy(p[headerSize+1:], section) // behind the pointer field
	for i := n; i < PacketSize; i++ {
		p[i] = 0xff
	}
	return p
}

// crc is the checksum of sections (ISO/IEC 13818-1 annex A): CRC-32 with the highest bit first, which package hash/crc32 does not have.
func crc(b []byte) uint32 {
	const polynomial = 0x04c11db7
	sum := ^uint32(0)
	for _, c := range b {
		sum ^= uint32(c) << 24
		for range 8 {
			carry := sum>>31 != 0
			sum <<= 1
			if carry {
				sum ^= polynomial
			}
		}
	}
	return sum
}
