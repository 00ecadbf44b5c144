package join

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"clipfs/clip/mp4"
)

// piece is a stretch of a head: bytes, or table entries that are made while they are written.
type piece struct {
	bytes []byte
	size  int64
	write func(ctx context.Context, w *bufio.Writer) error
}

// fixedPiece is bytes that were made by put.
func fixedPiece(put func(e *encoder)) piece {
	var e encoder
	put(&e)
	return piece{bytes: e.b, size: int64(len(e.b))}
}

// sizeOf is the length of pieces in bytes.
func sizeOf(pieces []piece) int64 {
	n := int64(0)
	for _, p := range pieces {
		n += p.size
	}
	return n
}

// contain puts pieces in a box. What is beyond MaxMoov was refused before.
func contain(kind mp4.FourCC, inner ...[]piece) []piece {
	all := slices.Concat(inner...)
	header := fixedPiece(func(e *encoder) {
		e.u32(uint32(8 + sizeOf(all)))
		e.code(kind)
	})
	return append([]piece{header}, all...)
}

// writePieces writes pieces front to back.
func writePieces(ctx context.Context, to io.Writer, pieces []piece) error {
	counted := &countingWriter{w: to}
	w := bufio.NewWriterSize(counted, 64<<10)
	due := int64(0)
	for _, p := range pieces {
		due += p.size
		var err error
		if p.write == nil {
			_, err = w.Write(p.bytes)
		} else {
			err = p.write(ctx, w)
		}
		if err != nil {
			return err
		}
		if got := counted.n + int64(w.Buffered()); got != due {
			return fmt.Errorf("a head is another than before: %d bytes where %d are due: %w", got, due, ErrPlan)
		}
	}
	return w.Flush()
}

// countingWriter counts what goes through.
type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// count goes through all tables once without writing them.
func (b *joiner) count(ctx context.Context) error {
	var stts, ctts, stsc [2]tableWriter
	for _, t := range b.tracks {
		t.samples, t.chunks = 0, 0
	}
	err := b.each(ctx, func(p *inputPart, tracks [2]*mp4.Track, _ *mp4.Movie) error {
		for k, own := range tracks {
			if own == nil {
				continue
			}
			t, share := b.tracks[k], &p.track[k]
			share.chunks = own.ChunkOffsets.Len()
			t.samples, t.chunks = t.samples+uint64(share.samples), t.chunks+uint64(share.chunks)
			if err := t.addDurations(&stts[k], share, own); err != nil {
				return err
			}
			if err := t.addOffsets(&ctts[k], share, own); err != nil {
				return err
			}
			if err := stsc[k].addChunkRuns(share, own, 0); err != nil {
				return err
			}
			t.countSyncsAndSizes(p, own)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for k, t := range b.tracks {
		if err := stts[k].flush(); err != nil {
			return err
		}
		if err := ctts[k].flush(); err != nil {
			return err
		}
		t.stts, t.ctts, t.stsc = stts[k].n, ctts[k].n, stsc[k].n
		if !t.listed {
			t.stss = 0
		}
	}
	return nil
}

// countSyncsAndSizes counts a part's entries of stss and finds out whether stsz needs any.
func (t *outputTrack) countSyncsAndSizes(p *inputPart, own *mp4.Track) {
	if own.Syncs.All() {
		t.stss += uint64(own.Sizes.Len())
	} else {
		t.listed = true
		t.stss += uint64(own.Syncs.Len())
	}
	constant := own.Sizes.Constant()
	if t.kind == 0 && len(p.inserts) > 0 || t.sized && constant != t.constant || t.coding.IsG711() {
		constant = 0 // see grouped for G.711
	}
	t.constant, t.sized = constant, true
}

// tableSize is what the track's tables take at most.
func (t *outputTrack) tableSize() uint64 {
	n := 8*(t.stts+t.ctts+t.chunks) + 4*t.stss + 12*t.stsc
	if t.constant == 0 {
		n += 4 * t.samples
	}
	for _, e := range t.entries {
		n += uint64(len(e))
	}
	return n
}

// finish gives the plan with its head.
func (b *joiner) finish() (*File, error) {
	tables := uint64(0)
	for _, t := range b.tracks {
		tables += t.tableSize() + uint64(len(t.name))
	}
	if tables > mp4.MaxMoov-1<<16 {
		return nil, fmt.Errorf("tables of %d bytes: %w", tables, mp4.ErrTooBig)
	}
	j := &File{parts: b.parts, media: b.media, times: b.times, video: b.tracks[0]}
	for _, t := range b.tracks {
		if t.samples > 0 {
			j.tracks = append(j.tracks, t)
		}
	}
	ftyp := fixedPiece(func(e *encoder) { e.ftyp(j.video.coding == mp4.CodingAVC1) })
	mdat := fixedPiece(func(e *encoder) { e.mdatHeader(b.media) })
	// Offsets of 64 bits as soon as the file with them is beyond 4 GiB. Places are asked for when the head is written.
	wide := int64(tables)+1<<16+b.media > math.MaxUint32
	j.head = slices.Concat([]piece{ftyp}, j.moov(b.o.Created, wide), []piece{mdat})
	return j, nil
}

// moov gives the movie box (ISO/IEC 14496-12 8.2.1).
func (j *File) moov(created time.Time, wide bool) []piece {
	var duration uint64
	var traks []piece
	for i, t := range j.tracks {
		duration = max(duration, t.shown())
		traks = append(traks, j.trak(t, uint32(i+1), created, wide)...)
	}
	header := fixedPiece(func(e *encoder) { e.mvhd(created, duration, uint32(len(j.tracks)+1)) })
	return contain(mp4.TypeMoov, []piece{header}, traks)
}

// trak gives a track (ISO/IEC 14496-12 8.3.1).
func (j *File) trak(t *outputTrack, id uint32, created time.Time, wide bool) []piece {
	headers := fixedPiece(func(e *encoder) {
		e.tkhd(t, id, created)
		if t.edit != nil {
			e.edts(t.shown(), t.edit.MediaTime)
		}
	})
	media := fixedPiece(func(e *encoder) {
		e.mdhd(t, created)
		e.hdlr(t.handler, t.name)
	})
	info := fixedPiece(func(e *encoder) { e.mediaHeader(t.handler) })
	minf := contain(mp4.TypeMinf, []piece{info}, contain(mp4.TypeStbl, j.stbl(t, wide)))
	return contain(mp4.TypeTrak, []piece{headers}, contain(mp4.TypeMdia, []piece{media}, minf))
}
