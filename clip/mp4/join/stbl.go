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
	all = append(all, tablePieces(mp4.TypeStts, 0, t.stts, 8, func(ctx context.Context, w *bufio.Writer) error {
		r := runWriter{w: w}
		return j.table(ctx, t, &r, func(p *inputPart, own *mp4.Track, _ partBase) error {
			return t.addDurations(&r, &p.track[t.kind], own)
		})
	})...)
	if t.reordered {
		version := uint8(0)
		if t.signed {
			version = 1
		}
		all = append(all, tablePieces(mp4.TypeCtts, version, t.ctts, 8, func(ctx context.Context, w *bufio.Writer) error {
			r := runWriter{w: w}
			return j.table(ctx, t, &r, func(p *inputPart, own *mp4.Track, _ partBase) error {
				return t.addOffsets(&r, &p.track[t.kind], own)
			})
		})...)
	}
	if t.listed {
		all = append(all, tablePieces(mp4.TypeStss, 0, t.stss, 4, func(ctx context.Context, w *bufio.Writer) error {
			return j.table(ctx, t, nil, func(_ *inputPart, own *mp4.Track, base partBase) error {
				return addSyncs(w, own, base.samples)
			})
		})...)
	}
	all = append(all, tablePieces(mp4.TypeStsc, 0, t.stsc, 12, func(ctx context.Context, w *bufio.Writer) error {
		r := chunkRunWriter{w: w}
		return j.table(ctx, t, nil, func(p *inputPart, own *mp4.Track, base partBase) error {
			return r.addChunkRuns(&p.track[t.kind], own, base.chunks)
		})
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
	return []piece{header, {size: int64(4 * t.samples), write: func(ctx context.Context, w *bufio.Writer) error {
		return j.table(ctx, t, nil, func(p *inputPart, own *mp4.Track, _ partBase) error { return t.addSizes(w, p, own) })
	}}}
}

// stco gives the chunk offset box, a co64 if wide.
func (j *File) stco(t *outputTrack, wide bool) []piece {
	kind, size := mp4.TypeStco, 4
	if wide {
		kind, size = mp4.TypeCo64, 8
	}
	return tablePieces(kind, 0, t.chunks, size, func(ctx context.Context, w *bufio.Writer) error {
		head := j.HeadSize()
		return j.table(ctx, t, nil, func(p *inputPart, own *mp4.Track, base partBase) error {
			return t.addChunkOffsets(w, p, own, head+base.media, wide)
		})
	})
}

// fullTable is the length of a full box's header and an entry count.
const fullTable = 16

// tablePieces gives a full box of count entries of size bytes each, which write makes.
func tablePieces(kind mp4.FourCC, version uint8, count uint64, size int, write func(context.Context, *bufio.Writer) error) []piece {
	length := int64(count) * int64(size)
	header := fixedPiece(func(e *encoder) {
		e.u32(uint32(fullTable + length))
		e.code(kind)
		e.u32(uint32(version) << 24)
		e.u32(uint32(count))
	})
	return []piece{header, {size: length, write: write}}
}

// partBase is what of a track and of the media precedes a part.
type partBase struct {
	samples, chunks uint32
	media           int64
}

// table has every part that has the track add its entries, and flushes r if there is one.
func (j *File) table(ctx context.Context, t *outputTrack, r *runWriter, add func(*inputPart, *mp4.Track, partBase) error) error {
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
				return add(p, own, base)
			})
			if err != nil {
				return &PartError{Part: i, Err: err}
			}
		}
		base.samples += share.samples
		base.chunks += uint32(share.chunks)
		base.media += p.size()
	}
	if r == nil {
		return nil
	}
	return r.flush()
}

// same refuses a track that is not the one planned with; a difference that shows in no length is not found.
func (p *trackPart) same(own *mp4.Track) error {
	if own == nil || own.Sizes.Len() != p.samples || own.ChunkOffsets.Len() != p.chunks || own.Timescale != p.timescale ||
		len(own.Entries) != len(p.entries) {
		return fmt.Errorf("a head is another than before: %w", ErrPlan)
	}
	return own.Check()
}
