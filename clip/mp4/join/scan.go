package join

import (
	"context"
	"fmt"
	"math"

	"clipfs/clip/mp4"
)

// scan reads every part once: its place in the payload, what of it is left out, sample entries, timescales and where
// parameter sets go in.
func (b *joiner) scan(ctx context.Context) error {
	return b.each(ctx, func(p *inputPart, tracks [2]*mp4.Track, m *mp4.Movie) error {
		if p.Start > maxTime || p.Start < -maxTime {
			return fmt.Errorf("start %v: %w", p.Start, ErrPlan)
		}
		_, p.tracks, _ = firstTracks(m)
		if err := b.read(p, &tracks, m.Timescale); err != nil {
			return err
		}
		p.mediaStart = math.MaxInt64
		for k, t := range tracks {
			if t == nil {
				continue
			}
			if err := b.scanTrack(p, b.tracks[k], t); err != nil {
				return fmt.Errorf("track %s: %w", t.Handler, err)
			}
		}
		if b.media += p.size(); p.size() > maxMedia || b.media > maxMedia {
			return fmt.Errorf("media of %d bytes: %w", b.media, mp4.ErrMalformed)
		}
		return b.checkInserts(p, tracks)
	})
}

// scanTrack reads a track of a part.
func (b *joiner) scanTrack(p *inputPart, j *outputTrack, t *mp4.Track) error {
	for c, err := range t.Chunks() {
		switch {
		case err != nil:
			return err
		case p.MediaEnd > 0 && (c.Position < p.MediaStart || c.Position+c.Size > p.MediaEnd):
			return fmt.Errorf("chunk at %d of %d bytes outside of the media from %d to %d: %w", c.Position, c.Size,
				p.MediaStart, p.MediaEnd, mp4.ErrMalformed)
		}
		p.mediaStart, p.mediaEnd = min(p.mediaStart, c.Position), max(p.mediaEnd, c.Position+c.Size)
	}
	numbers, err := j.addEntries(t.Entries)
	if err != nil {
		return err
	}
	own := &p.track[j.kind]
	own.samples, own.chunks, own.timescale, own.entries = t.Sizes.Len(), t.ChunkOffsets.Len(), t.Timescale, numbers
	own.offset = t.Offsets.First()
	if j.samples == 0 {
		j.name, j.language, j.width, j.height = t.HandlerName, t.Language, t.Width, t.Height
		j.lastEntry = numbers[t.ChunkRuns.Run(0).Entry-1]
		if j.kind == 1 {
			if j.rate = t.Entries[t.ChunkRuns.Run(0).Entry-1].Rate; j.rate == 0 {
				j.rate = t.Timescale
			}
		}
	}
	j.samples += uint64(own.samples)
	j.chunks += uint64(own.chunks)
	if j.samples > math.MaxUint32 || j.chunks > math.MaxUint32 {
		return fmt.Errorf("%d samples, %d chunks: %w", j.samples, j.chunks, mp4.ErrTooBig)
	}
	if j.kind == 1 {
		own.nominal = nominal(t, j.rate)
		for r := range t.Offsets.Runs() {
			if r.Count > 0 && r.Offset != own.offset {
				return fmt.Errorf("sound in another order than it is decoded: %w", ErrIncompatible)
			}
		}
		return nil
	}
	return j.scanSyncs(p, own, t)
}

// nominal gives how many ticks of the sampling rate every sample of a track should have whose timescale is not that
// rate; 0 where there is no such number, or none is needed.
func nominal(t *mp4.Track, rate uint32) uint32 {
	_, ticks, _ := t.Durations.Total()
	total, ok := convert(ticks, uint64(t.Timescale), uint64(rate))
	if t.Timescale == rate || !ok {
		return 0
	}
	var likely []uint32
	switch e := t.Entries[t.ChunkRuns.Run(0).Entry-1]; e.Type {
	case mp4.CodingMP4A: // ISO/IEC 14496-3: frames of 1024 samples, 960, or 2048 with SBR
		likely = []uint32{1024, 2048, 960}
	case mp4.CodingALaw, mp4.CodingULaw:
		likely = []uint32{t.Sizes.Constant() / max(1, uint32(e.Channels))}
	}
	mean := total / int64(t.Sizes.Len())
	for _, n := range likely {
		if off := mean - int64(n); n > 0 && off <= int64(n/50) && off >= -int64(n/50) {
			return n
		}
	}
	return 0
}

// scanSyncs notes where parameter sets go in: before each sync sample from the first one on whose sample entry is not
// that of the file's first sample. Samples of the first entry that come later have them too, because what was in-band
// in between has taken their place in a decoder that knows nothing of sample entries.
func (j *outputTrack) scanSyncs(p *inputPart, own *trackPart, t *mp4.Track) error {
	plain := !j.changed
	for r := range t.ChunkRuns.Runs() {
		plain = plain && own.entries[r.Entry-1] == j.lastEntry
	}
	if plain {
		return nil
	}
	if j.expanded += uint64(own.samples); j.expanded > maxExpanded {
		return fmt.Errorf("%d samples after the coding changed: %w", j.expanded, mp4.ErrTooBig)
	}
	number := uint32(0)
	for s, err := range t.Samples() {
		if err != nil {
			return err
		}
		entry := own.entries[s.Entry]
		if entry != j.lastEntry {
			j.changed, j.lastEntry = true, entry
		}
		if set := j.sets[entry]; j.changed && s.Sync && len(set) > 0 {
			if n := len(p.inserts); n > 0 && p.inserts[n-1].at >= s.Position || s.Size == 0 ||
				uint64(s.Size)+uint64(len(set)) > math.MaxUint32 {
				return fmt.Errorf("no room for parameter sets at sample %d: %w", number+1, ErrIncompatible)
			}
			p.inserts = append(p.inserts, insert{at: s.Position, before: p.grown, sample: number, entry: uint32(entry)})
			p.grown += int64(len(set))
		}
		number++
	}
	return nil
}

// checkInserts refuses a part where something would be inserted into the sound.
func (b *joiner) checkInserts(p *inputPart, tracks [2]*mp4.Track) error {
	if len(p.inserts) == 0 || tracks[1] == nil {
		return nil
	}
	for c, err := range tracks[1].Chunks() {
		if err != nil {
			return err
		}
		if p.position(c.Position+c.Size, true)-p.position(c.Position, false) != c.Size && c.Size > 0 {
			return fmt.Errorf("sound and video chunks overlap at %d: %w", c.Position, ErrIncompatible)
		}
	}
	return nil
}
