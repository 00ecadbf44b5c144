package mp4

// moov builds the movie box (ISO/IEC 14496-12 8.2.1) of a file whose media begins at base.
func (p *plan) moov(base int64) []byte {
	e := encoder{b: make([]byte, 0, p.moovBound())}
	e.box(TypeMoov, func() {
		e.mvhd(movieHeader{
			created:   p.out.Created,
			modified:  p.out.Created,
			timescale: p.out.Timescale,
			duration:  p.duration,
			nextTrack: uint32(len(p.tracks) + 1),
		})
		for i, t := range p.tracks {
			p.trak(&e, uint32(i+1), t, base)
		}
	})
	return e.b
}

// moovBound is at least what moov takes, so that its growing does not copy tables.
func (p *plan) moovBound() int {
	const fixed = 4096 // all headers of a track, with much to spare for its name
	n := fixed
	for _, t := range p.tracks {
		n += fixed + len(t.Name) + len(t.Edits)*20 + len(t.chunks)*8 +
			len(t.durations.raw) + len(t.offsets.raw) + len(t.syncs.raw) + len(t.sizes.raw) + len(t.chunkRuns.raw)
		for _, e := range t.Entries {
			n += len(e)
		}
	}
	return n
}

// trak appends a track (ISO/IEC 14496-12 8.3.1).
func (p *plan) trak(e *encoder, id uint32, t *trackPlan, base int64) {
	e.box(TypeTrak, func() {
		e.tkhd(trackHeader{
			flags:    TrackEnabled | TrackInMovie,
			created:  p.out.Created,
			modified: p.out.Created,
			id:       id,
			duration: t.duration,
			sound:    t.Handler == HandlerSound,
			width:    uint32(t.Width) << 16,
			height:   uint32(t.Height) << 16,
		})
		e.edts(t.Edits)
		e.box(TypeMdia, func() {
			e.mdhd(mediaHeader{
				created:   p.out.Created,
				modified:  p.out.Created,
				timescale: t.Timescale,
				duration:  t.ticks,
				language:  t.Language,
			})
			e.hdlr(handler{kind: t.Handler, name: t.Name})
			e.box(TypeMinf, func() {
				if t.Handler == HandlerVideo {
					e.vmhd()
				} else {
					e.smhd()
				}
				e.dinf()
				e.box(TypeStbl, func() { t.stbl(e, base) })
			})
		})
	})
}

// stbl appends the sample tables (ISO/IEC 14496-12 8.5.1), in the order the standard recommends (6.2.3).
func (t *trackPlan) stbl(e *encoder, base int64) {
	e.stsd(t.Entries)
	e.stts(t.durations)
	e.ctts(t.offsets)
	e.stss(t.syncs)
	e.stsc(t.chunkRuns)
	e.stsz(t.sizes)
	e.stco(chunkOffsetsOf(t.chunks, base))
}
