package mp4

import (
	"math"
	"time"
)

// movieHeader is mvhd (ISO/IEC 14496-12 8.2.2).
type movieHeader struct {
	created, modified time.Time
	timescale         uint32
	// duration in timescale; all ones means unknown and is kept so.
	duration  uint64
	nextTrack uint32
}

// parseMvhd reads the body of mvhd.
func parseMvhd(body []byte) (movieHeader, error) {
	d := decoder{b: body}
	version, _ := d.fullBox()
	wide := version == 1
	h := movieHeader{
		created:   fromSeconds(d.uint(wide)),
		modified:  fromSeconds(d.uint(wide)),
		timescale: d.u32(),
		duration:  d.uint(wide),
	}
	d.skip(4 + 2 + 10 + 36 + 24) // rate, volume, reserved, matrix, pre_defined
	h.nextTrack = d.u32()
	return h, d.err(TypeMvhd)
}

// mvhd appends the box, version 1 where a value needs 64 bits.
func (e *encoder) mvhd(h movieHeader) {
	created, modified := Seconds(h.created), Seconds(h.modified)
	wide := needsWide(created, modified, h.duration)
	e.fullBox(TypeMvhd, versionFor(wide), 0, func() {
		e.uint(created, wide)
		e.uint(modified, wide)
		e.u32(h.timescale)
		e.uint(h.duration, wide)
		e.u32(0x10000) // rate 1.0
		e.u16(0x100)   // volume 1.0
		e.zeros(10)
		e.matrix()
		e.zeros(24)
		e.u32(h.nextTrack)
	})
}

// matrix appends the unity matrix: 16.16 in the first two columns, 2.30 in the last (ISO/IEC 14496-12 6.2.2).
func (e *encoder) matrix() {
	for _, v := range [...]uint32{0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000} {
		e.u32(v)
	}
}

// needsWide reports whether a value does not fit 32 bits. All ones in 32 bits means unknown, so
// a known value of that kind needs 64.
func needsWide(values ...uint64) bool {
	for _, v := range values {
		if v >= math.MaxUint32 {
			return true
		}
	}
	return false
}

// versionFor is the version of mvhd, tkhd, mdhd and elst: 1 has 64-bit times.
func versionFor(wide bool) uint8 {
	if wide {
		return 1
	}
	return 0
}
