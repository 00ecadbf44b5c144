package mp4

import "bytes"

// Flags of tkhd (ISO/IEC 14496-12 8.3.2).
const (
	// TrackEnabled: the track is part of the presentation.
	TrackEnabled uint32 = 1
	// TrackInMovie: the track is used in the presentation.
	TrackInMovie uint32 = 2
)

// parseMvhd reads the body of mvhd (ISO/IEC 14496-12 8.2.2). A duration of all ones means unknown and is kept so.
func (m *Movie) parseMvhd(body []byte) error {
	d := decoder{b: body}
	version, _ := d.fullBox()
	wide := version == 1
	m.Created, m.Modified = fromSeconds(d.uint(wide)), fromSeconds(d.uint(wide))
	m.Timescale, m.Duration = d.u32(), d.uint(wide)
	d.skip(4 + 2 + 10 + 36 + 24 + 4) // rate, volume, reserved, matrix, pre_defined, next_track_ID
	return d.err(TypeMvhd)
}

// parseTkhd reads the body of tkhd (ISO/IEC 14496-12 8.3.2).
func (t *Track) parseTkhd(body []byte) error {
	d := decoder{b: body}
	version, flags := d.fullBox()
	wide := version == 1
	t.Flags = flags
	t.Created, t.Modified = fromSeconds(d.uint(wide)), fromSeconds(d.uint(wide))
	t.ID = d.u32()
	d.skip(4)
	t.Duration = d.uint(wide)
	d.skip(8 + 2 + 2 + 2 + 2 + 36) // reserved, layer, alternate_group, volume, reserved, matrix
	t.Width, t.Height = d.u32()>>16, d.u32()>>16
	return d.err(TypeTkhd)
}

// parseMdhd reads the body of mdhd (ISO/IEC 14496-12 8.4.2).
func (t *Track) parseMdhd(body []byte) error {
	d := decoder{b: body}
	version, _ := d.fullBox()
	wide := version == 1
	d.uint(wide)
	d.uint(wide) // created and modified: tkhd says so too
	t.Timescale, t.MediaDuration, t.Language = d.u32(), d.uint(wide), unpackLanguage(d.u16())
	d.skip(2)
	return d.err(TypeMdhd)
}

// unpackLanguage turns five bits each into three letters of ISO 639-2/T. QuickTime's language numbers, which are no
// letters, are undetermined.
func unpackLanguage(v uint16) string {
	var s [3]byte
	for i := range s {
		c := byte(v>>(10-5*i))&31 + 0x60
		if c < 'a' || c > 'z' {
			return "und"
		}
		s[i] = c
	}
	return string(s[:])
}

// parseHdlr reads the body of hdlr (ISO/IEC 14496-12 8.4.3). A name as QuickTime writes it, with its length before it,
// is understood.
func (t *Track) parseHdlr(body []byte) error {
	d := decoder{b: body}
	d.fullBox()
	quickTime := d.u32() != 0 // component type "mhlr", where ISO has pre_defined = 0
	t.Handler = FourCC(d.u32())
	d.skip(12)
	name := d.b
	if quickTime && len(name) > 0 && int(name[0]) <= len(name)-1 {
		name = name[1 : 1+int(name[0])]
	}
	name, _, _ = bytes.Cut(name, []byte{0})
	t.HandlerName = string(name)
	return d.err(TypeHdlr)
}
