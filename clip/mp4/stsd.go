package mp4

// stsd appends a sample description box (ISO/IEC 14496-12 8.5.2) of whole sample entries.
func (e *encoder) stsd(entries [][]byte) {
	e.fullBox(TypeStsd, 0, 0, func() {
		e.u32(uint32(len(entries)))
		for _, raw := range entries {
			e.raw(raw)
		}
	})
}
