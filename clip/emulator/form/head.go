package form

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// addMvex says that there are movie fragments (ISO/IEC 14496-12 8.8.1).
func (m *movie) addMvex() {
	mvex := &box{kind: "mvex"}
	for _, t := range m.tracks {
		mvex.kids = append(mvex.kids, &box{kind: "trex", body: words(0, t.id(), 1, 0, 0, 0)})
	}
	m.moov.kids = append(m.moov.kids, mvex)
}

// id gives the number of a track.
func (t *track) id() uint32 {
	tkhd := t.trak.find("tkhd").body
	return word(tkhd, field(tkhd, 12, 20))
}

// again adds another track like the first one of a handler, behind all others. Its media lies between that of the others,
// each chunk behind the one that it is like.
func (m *movie) again(handler string) error {
	first := m.first(handler)
	if first == nil {
		return nil
	}
	boxes, err := parseBoxes(first.trak.bytes())
	if err != nil {
		return err
	}
	mvhd := m.moov.find("mvhd").body
	next := len(mvhd) - 4
	id := word(mvhd, next)
	tkhd := boxes[0].find("tkhd").body
	binary.BigEndian.PutUint32(tkhd[field(tkhd, 12, 20):], id)
	binary.BigEndian.PutUint32(mvhd[next:], id+1)
	t := *first
	t.trak = boxes[0]
	if t.chunks, err = m.copyChunks(first); err != nil {
		return err
	}
	m.tracks = append(m.tracks, &t)
	last := len(m.moov.kids) - 1
	for m.moov.kids[last].kind != "trak" {
		last--
	}
	m.moov.kids = slices.Insert(m.moov.kids, last+1, boxes[0])
	return nil
}

// copyChunks puts a copy of each chunk of a track behind it, moves all chunks to where they are then, and gives the places of
// the copies.
func (m *movie) copyChunks(t *track) ([]int64, error) {
	samples, err := t.samples()
	if err != nil {
		return nil, err
	}
	ends := slices.Clone(t.chunks) // where the chunks end; samples stand in their order
	for c, next := 0, 0; next < len(samples); next++ {
		for c+1 < len(ends) && samples[next].at >= t.chunks[c+1] {
			c++
		}
		ends[c] = samples[next].at + int64(samples[next].size)
	}
	var media []piece
	copies := make([]int64, len(ends))
	at, added := int64(0), int64(0)
	for c, end := range ends {
		media = append(append(media, m.section(at, end)...), m.section(t.chunks[c], end)...)
		copies[c] = end + added
		at, added = end, added+end-t.chunks[c]
	}
	media = append(media, m.section(at, m.size())...)
	starts := slices.Clone(t.chunks)
	for _, other := range m.tracks {
		for i, place := range other.chunks {
			for c, end := range ends {
				if end <= place {
					other.chunks[i] += end - starts[c]
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
	t := m.first("vide")
	if t == nil {
		return nil
	}
	stsd := t.stbl().find("stsd")
	if stsd == nil || len(stsd.body) < 8+entryBoxes {
		return fmt.Errorf("no sample entry of video: %w", errForm)
	}
	entry := &box{kind: string(stsd.body[12:16])}
	fixed := slices.Clone(stsd.body[16 : 8+entryBoxes])
	var err error
	if entry.kids, err = parseBoxes(stsd.body[8+entryBoxes : 8+word(stsd.body, 8)]); err != nil {
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
		entry.put("pasp", words(version, version))
	}
	if o.Forms.Has(Colr) {
		body := []byte("nclx")
		for _, v := range colors()[int(version)%len(colors())] {
			body = binary.BigEndian.AppendUint16(body, v)
		}
		entry.put("colr", append(body, 0))
	}
	entry.body = fixed
	stsd.body = append(words(0, 1), entry.bytes()...)
	return nil
}

// setSyncs writes which samples of the video are sync samples, from 1.
func (m *movie) setSyncs(numbers []uint32) {
	if t := m.first("vide"); t != nil {
		t.stbl().put("stss", append(words(0, uint32(len(numbers))), words(numbers...)...))
	}
}
