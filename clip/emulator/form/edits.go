package form

import (
	"encoding/binary"

	"clipfs/clip/emulator/isom"
)

// editsOf gives the edit list of a track. One that has none plays its media from 0 on.
func editsOf(t *isom.Track) []isom.Edit {
	if all := t.Edits(); len(all) > 0 {
		return all
	}
	tkhd := t.Trak.Find("tkhd")
	if tkhd.Wide() {
		return []isom.Edit{{Duration: isom.Long(tkhd.Body, 28)}}
	}
	return []isom.Edit{{Duration: uint64(isom.Word(tkhd.Body, 20))}}
}

// setEdits writes an edit list, with 64 bits: each writer has its own habits.
func setEdits(t *isom.Track, edits []isom.Edit) {
	body := isom.Words(1<<24, uint32(len(edits)))
	for _, e := range edits {
		body = binary.BigEndian.AppendUint64(body, e.Duration)
		body = binary.BigEndian.AppendUint64(body, uint64(e.MediaTime))
		body = append(body, isom.Words(1<<16)...)
	}
	edts := t.Trak.Find("edts")
	if edts == nil {
		edts = &isom.Box{Kind: "edts"}
		// It follows tkhd, as writers have it.
		t.Trak.Kids = append([]*isom.Box{t.Trak.Kids[0], edts}, t.Trak.Kids[1:]...)
	}
	edts.Put("elst", body)
}

// splitEdits makes two edits of the last one of each track. The second goes on where the first ends, so the first lasts
// as many ticks of the movie as are whole ticks of the track.
func (m *movie) splitEdits() {
	for _, t := range m.Tracks {
		all := editsOf(t)
		last := all[len(all)-1]
		step := uint64(m.Scale) / gcd(uint64(m.Scale), uint64(t.Scale))
		half := last.Duration / 2 / step * step
		if last.MediaTime < 0 || half == 0 {
			continue
		}
		media := last.MediaTime + int64(half*uint64(t.Scale)/uint64(m.Scale))
		setEdits(t, append(all[:len(all)-1:len(all)-1], isom.Edit{Duration: half, MediaTime: last.MediaTime}, isom.Edit{Duration: last.Duration - half, MediaTime: media}))
	}
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, 1)
}
