package form

import (
	"encoding/binary"
	"fmt"
	"slices"

	"clipfs/clip/emulator/isom"
)

// addMvex says that there are movie fragments (ISO/IEC 14496-12 8.8.1).
func (m *movie) addMvex() {
	var ids []uint32
	for _, t := range m.Tracks {
		ids = append(ids, t.ID())
	}
	m.Moov.Kids = append(m.Moov.Kids, &isom.Box{Kind: "mvex", Body: isom.Mvex(ids...)[8:]})
}

// again adds another track like the first one of a handler, behind all others. Its media lies between that of the others,
// each chunk behind the one that it is like.
func (m *movie) again(handler string) error {
	first := m.First(handler)
	if first == nil {
		return nil
	}
	boxes, err := isom.Parse(first.Trak.Bytes())
	if err != nil {
		return err
	}
	mvhd := m.Moov.Find("mvhd").Body
	next := len(mvhd) - 4
	id := isom.Word(mvhd, next)
	tkhd := boxes[0].Find("tkhd")
	binary.BigEndian.PutUint32(tkhd.Body[tkhd.Field():], id)
	binary.BigEndian.PutUint32(mvhd[next:], id+1)
	t := *first
	t.Trak = boxes[0]
	if t.Chunks, err = m.copyChunks(first); err != nil {
		return err
	}
	m.Tracks = append(m.Tracks, &t)
	last := len(m.Moov.Kids) - 1
	for m.Moov.Kids[last].Kind != "trak" {
		last--
	}
	m.Moov.Kids = slices.Insert(m.Moov.Kids, last+1, boxes[0])
	return nil
}

// copyChunks puts a copy of each chunk of a track behind it, moves all chunks to where they are then, and gives the places of
// the copies.
func (m *movie) copyChunks(t *isom.Track) ([]int64, error) {
	samples, err := samplesOf(t)
	if err != nil {
		return nil, err
	}
	ends := slices.Clone(t.Chunks) // where the chunks end; samples stand in their order
	for c, next := 0, 0; next < len(samples); next++ {
		for c+1 < len(ends) && samples[next].At >= t.Chunks[c+1] {
			c++
		}
		ends[c] = samples[next].At + int64(samples[next].Size)
	}
	var media []piece
	copies := make([]int64, len(ends))
	at, added := int64(0), int64(0)
	for c, end := range ends {
		media = append(append(media, m.section(at, end)...), m.section(t.Chunks[c], end)...)
		copies[c] = end + added
		at, added = end, added+end-t.Chunks[c]
	}
	media = append(media, m.section(at, m.size())...)
	starts := slices.Clone(t.Chunks)
	for _, other := range m.Tracks {
		for i, place := range other.Chunks {
			for c, end := range ends {
				if end <= place {
					other.Chunks[i] += end - starts[c]
				}
			}
		}
	}
	m.media = media
	return copies, nil
}

// Places in a VisualSampleEntry, from its size on (ISO/IEC 14496-12 12.1.3).
const (
	entryName  = 50
	nameLength = 32
	entryBoxes = 86
)

// colors are primaries, transfer and matrix of nclx (ISO/IEC 23091-2): BT.709, BT.601 at 625 and at 525 lines.
func colors() [][3]uint16 { return [][3]uint16{{1, 1, 1}, {5, 6, 5}, {6, 6, 6}} }

// entry changes the sample entry of the video as another session of a producer's writer might have written it.
func (m *movie) entry(o Options) error {
	t := m.First(isom.Video)
	if t == nil {
		return nil
	}
	stsd := t.Tables().Find("stsd")
	if stsd == nil || len(stsd.Body) < 8+entryBoxes {
		return fmt.Errorf("no sample entry of video: %w", errForm)
	}
	entry := &isom.Box{Kind: string(stsd.Body[12:16])}
	fixed := slices.Clone(stsd.Body[16 : 8+entryBoxes])
	var err error
	if entry.Kids, err = isom.Parse(stsd.Body[8+entryBoxes : 8+isom.Word(stsd.Body, 8)]); err != nil {
		return err
	}
	version := uint32(max(o.Session, 0)%8) + 1
	if o.Forms.Has(Compressor) {
		name := fmt.Sprint("compressor ", version)
		field := fixed[entryName-8:][:nameLength]
		clear(field)
		field[0] = byte(len(name))
		copy(field[1:], name)
	}
	if o.Forms.Has(Pasp) {
		entry.Put("pasp", isom.Words(version, version))
	}
	if o.Forms.Has(Colr) {
		body := []byte("nclx")
		for _, v := range colors()[int(version)%len(colors())] {
			body = binary.BigEndian.AppendUint16(body, v)
		}
		entry.Put("colr", append(body, 0))
	}
	entry.Body = fixed
	stsd.Body = append(isom.Words(0, 1), entry.Bytes()...)
	return nil
}

// setSyncs writes which samples of the video are sync samples, from 1.
func (m *movie) setSyncs(numbers []uint32) {
	if t := m.First(isom.Video); t != nil {
		t.Tables().Put("stss", append(isom.Words(0, uint32(len(numbers))), isom.Words(numbers...)...))
	}
}
