package join

import (
	"bufio"
	"context"
	"fmt"

	"clipfs/clip/mp4"
)

// stbl gives the sample tables of a track (ISO/IEC 14496-12 8.5.1), in the order the standard recommends (6.2.3).
func (j *File) stbl(t *outputTrack, wide bool) []piece {
	all := []piece{fixedPiece(func(e *encoder) { e.stsd(t.entries) })}
	all = append(all, j.rows(t, mp4.TypeStts, 0, t.stts, 8, func(w *tableWriter, p *inputPart, own *mp4.Track, _ partBase) error {
		return t.addDurations(w, &p.track[t.kind], own)
	})...)
	if t.reordered {
		version := uint8(0)
		if t.signed {
			version = 1
		}
		all = append(all, j.rows(t, mp4.TypeCtts, version, t.ctts, 8, func(w *tableWriter, p *inputPart, own *mp4.Track, _ partBase) error {
			return t.addOffsets(w, &p.track[t.kind], own)
		})...)
	}
	if t.listed {
		all = append(all, j.rows(t, mp4.TypeStss, 0, t.stss, 4, func(w *tableWriter, _ *inputPart, own *mp4.Track, base partBase) error {
			return w.addSyncs(own, base.samples)
		})...)
	}
	all = append(all, j.rows(t, mp4.TypeStsc, 0, t.stsc, 12, func(w *tableWriter, p *inputPart, own *mp4.Track, base partBase) error {
		return w.addChunkRuns(&p.track[t.kind], own, base.chunks)
	})...)
	return append(append(all, j.stsz(t)...), j.stco(t, wide)...)
}

// stsz gives the sample size box.
func (j *File) stsz(t *outputTrack) []piece {
	header := fixedPiece(func(e *encoder) {
		size := uint32(fullTable + 4)
		if t.constant == 0 {
			size += uint32(4 * t.samples)
		}
		e.u32(size)
		e.code(mp4.TypeStsz)
		e.u32(0)
		e.u32(t.constant)
		e.u32(uint32(t.samples))
	})
	if t.constant != 0 {
		return []piece{header}
	}
	return []piece{header, j.table(t, int64(4*t.samples), func(w *tableWriter, p *inputPart, own *mp4.Track, _ partBase) error {
		return t.addSizes(w, p, own)
	})}
}

// stco gives the chunk offset box, a co64 if wide.
func (j *File) stco(t *outputTrack, wide bool) []piece {
	kind, size := mp4.TypeStco, 4
	if wide {
		kind, size = mp4.TypeCo64, 8
	}
	return j.rows(t, kind, 0, t.chunks, size, func(w *tableWriter, p *inputPart, own *mp4.Track, base partBase) error {
		return t.addChunkOffsets(w, p, own, j.HeadSize()+base.media, wide)
	})
}

// fullTable is the length of a full box's header and an entry count.
const fullTable = 16

// addRows adds what a part has in a table; base is what precedes the part.
type addRows func(w *tableWriter, p *inputPart, own *mp4.Track, base partBase) error

// rows gives a full box of count entries of size bytes each.
func (j *File) rows(t *outputTrack, kind mp4.FourCC, version uint8, count uint64, size int, add addRows) []piece {
	length := int64(count) * int64(size)
	header := fixedPiece(func(e *encoder) {
		e.u32(uint32(fullTable + length))
		e.code(kind)
		e.u32(uint32(version) << 24)
		e.u32(uint32(count))
	})
	return []piece{header, j.table(t, length, add)}
}

// partBase is what of a track and of the media precedes a part.
type partBase struct {
	samples, chunks uint32
	media           int64
}

// table gives the entries of a table, to which every part that has the track adds its own.
func (j *File) table(t *outputTrack, length int64, add addRows) piece {
	return piece{size: length, write: func(ctx context.Context, to *bufio.Writer) error {
		w := &tableWriter{w: to}
		var base partBase
		for i := range j.parts {
			p := &j.parts[i]
			share := &p.track[t.kind]
			if share.samples > 0 {
				err := p.open(ctx, func(_ *inputPart, tracks [2]*mp4.Track, _ *mp4.Movie) error {
					own, err := p.view(t.kind, tracks[t.kind])
					if err != nil {
						return err
					}
					if err := share.same(own); err != nil {
						return err
					}
					return add(w, p, own, base)
				})
				if err != nil {
					return &PartError{Part: i, Err: err}
				}
			}
			base.samples += share.samples
			base.chunks += uint32(share.chunks)
			base.media += p.size()
		}
		return w.flush()
	}}
}

// same refuses a track that is not the one planned with; a difference that shows in no length is not found.
func (p *trackPart) same(own *mp4.Track) error {
	if own == nil || own.Sizes.Len() != p.samples || own.ChunkOffsets.Len() != p.chunks || own.Timescale != p.timescale ||
		len(own.Entries) != len(p.entries) {
		return fmt.Errorf("a head is another than before: %w", ErrPlan)
	}
	return own.Check()
}
