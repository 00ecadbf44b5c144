package mp4

import "encoding/binary"

// encoder appends fields and boxes, big-endian.
type encoder struct{ b []byte }

func (e *encoder) u8(v uint8)    { e.b = append(e.b, v) }
func (e *encoder) u16(v uint16)  { e.b = binary.BigEndian.AppendUint16(e.b, v) }
func (e *encoder) u32(v uint32)  { e.b = binary.BigEndian.AppendUint32(e.b, v) }
func (e *encoder) u64(v uint64)  { e.b = binary.BigEndian.AppendUint64(e.b, v) }
func (e *encoder) raw(p []byte)  { e.b = append(e.b, p...) }
func (e *encoder) zeros(n int)   { e.b = append(e.b, make([]byte, n)...) }
func (e *encoder) code(f FourCC) { e.u32(uint32(f)) }
func (e *encoder) text(s string) { e.b = append(e.b, s...) }
func (e *encoder) uint(v uint64, wide bool) {
	if wide {
		e.u64(v)
		return
	}
	e.u32(uint32(v))
}

// box appends a box with what body appends in it. Boxes written with it stay below 4 GiB: a Writer bounds its moov.
func (e *encoder) box(t FourCC, body func()) {
	start := len(e.b)
	e.u32(0)
	e.code(t)
	body()
	binary.BigEndian.PutUint32(e.b[start:], uint32(len(e.b)-start))
}

// fullBox appends a box that begins with a version and flags (ISO/IEC 14496-12 4.2).
func (e *encoder) fullBox(t FourCC, version uint8, flags uint32, body func()) {
	e.box(t, func() {
		e.u32(uint32(version)<<24 | flags)
		body()
	})
}
