package join

import (
	"encoding/binary"
	"math"
	"time"

	"clipfs/clip/mp4"
)

// encoder appends fields and boxes, big-endian.
type encoder struct{ b []byte }

func (e *encoder) u8(v uint8)        { e.b = append(e.b, v) }
func (e *encoder) u16(v uint16)      { e.b = binary.BigEndian.AppendUint16(e.b, v) }
func (e *encoder) u64(v uint64)      { e.b = binary.BigEndian.AppendUint64(e.b, v) }
func (e *encoder) raw(p []byte)      { e.b = append(e.b, p...) }
func (e *encoder) zeros(n int)       { e.b = append(e.b, make([]byte, n)...) }
func (e *encoder) code(f mp4.FourCC) { e.u32(uint32(f)) }
func (e *encoder) u32(list ...uint32) {
	for _, v := range list {
		e.b = binary.BigEndian.AppendUint32(e.b, v)
	}
}

// uint appends 64 or 32 bits.
func (e *encoder) uint(v uint64, wide bool) {
	if wide {
		e.u64(v)
		return
	}
	e.u32(uint32(v))
}

// box appends a box with what body appends in it. It stays below 4 GiB: tables are no part of it.
func (e *encoder) box(t mp4.FourCC, body func()) {
	start := len(e.b)
	e.u32(0)
	e.code(t)
	body()
	binary.BigEndian.PutUint32(e.b[start:], uint32(len(e.b)-start))
}

// fullBox appends a box that begins with a version and flags (ISO/IEC 14496-12 4.2).
func (e *encoder) fullBox(t mp4.FourCC, version uint8, flags uint32, body func()) {
	e.box(t, func() {
		e.u32(uint32(version)<<24 | flags)
		body()
	})
}

// timed appends a full box that begins with its creation and modification time, version 1 where a value needs 64 bits.
// All ones in 32 bits mean that a duration is unknown, so a known one of that value needs 64.
func (e *encoder) timed(t mp4.FourCC, flags uint32, created time.Time, duration uint64, body func(wide bool)) {
	seconds := mp4.Seconds(created)
	wide, version := seconds >= math.MaxUint32 || duration >= math.MaxUint32, uint8(0)
	if wide {
		version = 1
	}
	e.fullBox(t, version, flags, func() {
		e.uint(seconds, wide)
		e.uint(seconds, wide)
		body(wide)
	})
}

// mvhd appends the movie's header (ISO/IEC 14496-12 8.2.2).
func (e *encoder) mvhd(created time.Time, duration uint64, nextTrack uint32) {
	e.timed(mp4.TypeMvhd, 0, created, duration, func(wide bool) {
		e.u32(movieTimescale)
		e.uint(duration, wide)
		e.u32(0x10000) // rate 1.0
		e.u16(0x100)   // volume 1.0
		e.zeros(10)
		e.matrix()
		e.zeros(24)
		e.u32(nextTrack)
	})
}

// matrix appends the unity matrix: 16.16 in the first two columns, 2.30 in the last (ISO/IEC 14496-12 6.2.2).
func (e *encoder) matrix() { e.u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000) }

// tkhd appends a track's header (ISO/IEC 14496-12 8.3.2).
func (e *encoder) tkhd(t *outputTrack, id uint32, created time.Time) {
	e.timed(mp4.TypeTkhd, mp4.TrackEnabled|mp4.TrackInMovie, created, t.shown(), func(wide bool) {
		e.u32(id, 0)
		e.uint(t.shown(), wide)
		e.zeros(8 + 2 + 2) // reserved, layer, alternate_group
		if t.handler == mp4.HandlerSound {
			e.u16(0x100) // volume 1.0
		} else {
			e.u16(0)
		}
		e.u16(0)
		e.matrix()
		e.u32(t.width<<16, t.height<<16)
	})
}

// edts appends an edit list of one edit, which lasts for the track (ISO/IEC 14496-12 8.6.6).
func (e *encoder) edts(duration uint64, mediaTime int64) {
	wide, version := duration > math.MaxUint32 || mediaTime > math.MaxInt32, uint8(0)
	if wide {
		version = 1
	}
	e.box(mp4.TypeEdts, func() {
		e.fullBox(mp4.TypeElst, version, 0, func() {
			e.u32(1)
			e.uint(duration, wide)
			e.uint(uint64(mediaTime), wide)
			e.u32(uint32(mp4.EditRate))
		})
	})
}

// mdhd appends the header of a track's media (ISO/IEC 14496-12 8.4.2).
func (e *encoder) mdhd(t *outputTrack, created time.Time) {
	e.timed(mp4.TypeMdhd, 0, created, t.ticks, func(wide bool) {
		e.u32(t.timescale)
		e.uint(t.ticks, wide)
		e.u16(packLanguage(t.language))
		e.u16(0)
	})
}

// packLanguage gives three letters as five bits each; what is not three lower-case letters is undetermined, "und".
func packLanguage(s string) uint16 {
	var v uint16
	for _, c := range []byte(s) {
		if len(s) != 3 || c < 'a' || c > 'z' {
			return packLanguage("und")
		}
		v = v<<5 | uint16(c-0x60)
	}
	if s == "" {
		return packLanguage("und")
	}
	return v
}

// hdlr appends what the samples are (ISO/IEC 14496-12 8.4.3), and a name for people.
func (e *encoder) hdlr(kind mp4.FourCC, name string) {
	e.fullBox(mp4.TypeHdlr, 0, 0, func() {
		e.u32(0)
		e.code(kind)
		e.zeros(12)
		e.raw([]byte(name))
		e.u8(0)
	})
}

// mediaHeader appends vmhd (ISO/IEC 14496-12 12.1.2), whose flags are 1 by rule, or smhd (12.2.2), balanced in the middle,
// and dinf (8.7.1, 8.7.2), whose one entry says that the media lies in this file: flag 1 of url.
func (e *encoder) mediaHeader(kind mp4.FourCC) {
	if kind == mp4.HandlerVideo {
		e.fullBox(mp4.TypeVmhd, 0, 1, func() { e.zeros(8) })
	} else {
		e.fullBox(mp4.TypeSmhd, 0, 0, func() { e.zeros(4) })
	}
	e.box(mp4.TypeDinf, func() {
		e.fullBox(mp4.TypeDref, 0, 0, func() {
			e.u32(1)
			e.fullBox(mp4.TypeURL, 0, 1, func() {})
		})
	})
}

// stsd appends a sample description box (ISO/IEC 14496-12 8.5.2) of whole sample entries.
func (e *encoder) stsd(entries [][]byte) {
	e.fullBox(mp4.TypeStsd, 0, 0, func() {
		e.u32(uint32(len(entries)))
		for _, raw := range entries {
			e.raw(raw)
		}
	})
}

// ftyp appends a file type box (ISO/IEC 14496-12 4.3): the brands isom and iso2 (annex E) and mp41 (ISO/IEC 14496-14
// 4), and avc1 (annex E.4) where the video is coded so.
func (e *encoder) ftyp(avc bool) {
	e.box(mp4.TypeFtyp, func() {
		e.raw([]byte("isom\x00\x00\x02\x00isomiso2"))
		if avc {
			e.code(mp4.CodingAVC1)
		}
		e.raw([]byte("mp41"))
	})
}

// mdatHeader appends the header of a media data box (ISO/IEC 14496-12 8.1.1), with a 64-bit size where needed.
func (e *encoder) mdatHeader(media int64) {
	const header, large = 8, 16
	if media+header <= math.MaxUint32 {
		e.u32(uint32(media + header))
		e.code(mp4.TypeMdat)
		return
	}
	e.u32(1)
	e.code(mp4.TypeMdat)
	e.u64(uint64(media + large))
}
