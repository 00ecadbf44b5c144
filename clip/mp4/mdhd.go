package mp4

import "time"

// undetermined is the language of a track that names none (ISO 639-2/T).
const undetermined = "und"

// mediaHeader is mdhd (ISO/IEC 14496-12 8.4.2).
type mediaHeader struct {
	created, modified time.Time
	timescale         uint32
	// duration in timescale.
	duration uint64
	// language is three lower-case letters of ISO 639-2/T.
	language string
}

// parseMdhd reads the body of mdhd.
func parseMdhd(body []byte) (mediaHeader, error) {
	d := decoder{b: body}
	version, _ := d.fullBox()
	wide := version == 1
	h := mediaHeader{
		created:   fromSeconds(d.uint(wide)),
		modified:  fromSeconds(d.uint(wide)),
		timescale: d.u32(),
		duration:  d.uint(wide),
		language:  unpackLanguage(d.u16()),
	}
	d.skip(2)
	return h, d.err(TypeMdhd)
}

// mdhd appends the box, version 1 where a value needs 64 bits.
func (e *encoder) mdhd(h mediaHeader) {
	created, modified := Seconds(h.created), Seconds(h.modified)
	wide := needsWide(created, modified, h.duration)
	e.fullBox(TypeMdhd, versionFor(wide), 0, func() {
		e.uint(created, wide)
		e.uint(modified, wide)
		e.u32(h.timescale)
		e.uint(h.duration, wide)
		e.u16(packLanguage(h.language))
		e.u16(0)
	})
}

// packLanguage gives three letters as five bits each; what is not three lower-case letters is undetermined.
func packLanguage(s string) uint16 {
	if len(s) != 3 {
		s = undetermined
	}
	var v uint16
	for _, c := range []byte(s) {
		if c < 'a' || c > 'z' {
			return packLanguage(undetermined)
		}
		v = v<<5 | uint16(c-0x60)
	}
	return v
}

// unpackLanguage turns packed bits into three letters; QuickTime's language numbers, which are no letters, are
// undetermined.
func unpackLanguage(v uint16) string {
	var s [3]byte
	for i := range s {
		c := byte(v>>(10-5*i))&31 + 0x60
		if c < 'a' || c > 'z' {
			return undetermined
		}
		s[i] = c
	}
	return string(s[:])
}
