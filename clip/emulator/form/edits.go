package form

import "encoding/binary"

// edit is an entry of an edit list (ISO/IEC 14496-12 8.6.6).
type edit struct {
	duration  uint64
	mediaTime int64
}

// edits gives the edit list of a track. One that has none plays its media from 0 on.
func (t *track) edits() []edit {
	elst := t.trak.find("edts", "elst")
	if elst == nil {
		tkhd := t.trak.find("tkhd").body
		duration := uint64(word(tkhd, 20))
		if tkhd[0] == 1 && len(tkhd) >= 36 {
			duration = binary.BigEndian.Uint64(tkhd[28:])
		}
		return []edit{{duration: duration}}
	}
	var all []edit
	if elst.body[0] == 1 {
		for i := 8; i+20 <= len(elst.body); i += 20 {
			all = append(all, edit{binary.BigEndian.Uint64(elst.body[i:]), int64(binary.BigEndian.Uint64(elst.body[i+8:]))})
		}
		return all
	}
	for i := 8; i+12 <= len(elst.body); i += 12 {
		all = append(all, edit{uint64(word(elst.body, i)), int64(int32(word(elst.body, i+4)))})
	}
	return all
}

// setEdits writes an edit list, with 64 bits: each writer has its own habits.
func (t *track) setEdits(edits []edit) {
	body := words(1<<24, uint32(len(edits)))
	for _, e := range edits {
		body = binary.BigEndian.AppendUint64(body, e.duration)
		body = binary.BigEndian.AppendUint64(body, uint64(e.mediaTime))
		body = append(body, words(1<<16)...)
	}
	edts := t.trak.find("edts")
	if edts == nil {
		edts = &box{kind: "edts"}
		// It follows tkhd, as writers have it.
		t.trak.kids = append([]*box{t.trak.kids[0], edts}, t.trak.kids[1:]...)
	}
	edts.put("elst", body)
}

// splitEdits makes two edits of the last one of each track. The second goes on where the first ends, so the first lasts
// as many ticks of the movie as are whole ticks of the track.
func (m *movie) splitEdits() {
	for _, t := range m.tracks {
		all := t.edits()
		last := all[len(all)-1]
		step := uint64(m.scale) / gcd(uint64(m.scale), uint64(t.scale))
		half := last.duration / 2 / step * step
		if last.mediaTime < 0 || half == 0 {
			continue
		}
		media := last.mediaTime + int64(half*uint64(t.scale)/uint64(m.scale))
		t.setEdits(append(all[:len(all)-1:len(all)-1], edit{half, last.mediaTime}, edit{last.duration - half, media}))
	}
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, 1)
}
