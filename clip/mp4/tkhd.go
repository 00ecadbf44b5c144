package mp4

import "time"

// Flags of tkhd (ISO/IEC 14496-12 8.3.2).
const (
	// TrackEnabled: the track is part of the presentation.
	TrackEnabled uint32 = 1
	// TrackInMovie: the track is used in the presentation.
	TrackInMovie uint32 = 2
	// TrackInPreview: the track is used when previewing.
	TrackInPreview uint32 = 4
)

// trackHeader is tkhd (ISO/IEC 14496-12 8.3.2).
type trackHeader struct {
	flags             uint32
	created, modified time.Time
	id                uint32
	// duration in the movie's timescale.
	duration uint64
	// sound says that the track is heard: volume 1.0.
	sound bool
	// width and height as shown, in pixels, 16.16 fixed point.
	width, height uint32
}

// parseTkhd reads the body of tkhd.
func parseTkhd(body []byte) (trackHeader, error) {
	d := decoder{b: body}
	version, flags := d.fullBox()
	wide := version == 1
	h := trackHeader{
		flags:    flags,
		created:  fromSeconds(d.uint(wide)),
		modified: fromSeconds(d.uint(wide)),
		id:       d.u32(),
	}
	d.skip(4)
	h.duration = d.uint(wide)
	d.skip(8 + 2 + 2) // reserved, layer, alternate_group
	h.sound = d.u16() != 0
	d.skip(2 + 36) // reserved, matrix
	h.width, h.height = d.u32(), d.u32()
	return h, d.err(TypeTkhd)
}

// tkhd appends the box, version 1 where a value needs 64 bits.
func (e *encoder) tkhd(h trackHeader) {
	created, modified := Seconds(h.created), Seconds(h.modified)
	wide := needsWide(created, modified, h.duration)
	e.fullBox(TypeTkhd, versionFor(wide), h.flags, func() {
		e.uint(created, wide)
		e.uint(modified, wide)
		e.u32(h.id)
		e.u32(0)
		e.uint(h.duration, wide)
		e.zeros(8)
		e.u16(0) // layer
		e.u16(0) // alternate_group
		if h.sound {
			e.u16(0x100)
		} else {
			e.u16(0)
		}
		e.u16(0)
		e.matrix()
		e.u32(h.width)
		e.u32(h.height)
	})
}
