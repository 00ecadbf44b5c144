package mp4

// vmhd appends a video media header (ISO/IEC 14496-12 12.1.2); its flags are 1 by rule.
func (e *encoder) vmhd() {
	e.fullBox(TypeVmhd, 0, 1, func() { e.zeros(8) })
}

// smhd appends a sound media header (ISO/IEC 14496-12 12.2.2), balanced in the middle.
func (e *encoder) smhd() {
	e.fullBox(TypeSmhd, 0, 0, func() { e.zeros(4) })
}

// dinf appends a data information box (ISO/IEC 14496-12 8.7.1, 8.7.2) whose one entry says that the media lies in
// this file, which flag 1 of url means.
func (e *encoder) dinf() {
	e.box(TypeDinf, func() {
		e.fullBox(TypeDref, 0, 0, func() {
			e.u32(1)
			e.fullBox(TypeURL, 0, 1, func() {})
		})
	})
}

// ftyp appends a file type box (ISO/IEC 14496-12 4.3): the brands isom and iso2 (annex E) and mp41 (ISO/IEC 14496-14
// 4), and avc1 (annex E.4) where a track is coded so.
func (e *encoder) ftyp(avc bool) {
	e.box(TypeFtyp, func() {
		e.code(brandIsom)
		e.u32(0x200)
		e.code(brandIsom)
		e.code(brandIso2)
		if avc {
			e.code(CodingAVC1)
		}
		e.code(brandMp41)
	})
}
