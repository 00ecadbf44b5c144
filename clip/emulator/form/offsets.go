package form

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// decodeLate sets the times of decoding as x264 does, and ffmpeg with it: a picture is decoded when the one is shown that
// stands as many places ahead as pictures are reordered by; the first ones so much before the first is shown as that one
// is before the picture so many places behind it. With a variable frame rate this differs from clip to clip, and so does
// the first sample's offset. The edit list makes up for it, so that nothing is shown at another time.
func (m *movie) decodeLate() error {
	t := m.first("vide")
	if t == nil {
		return nil
	}
	all, err := t.samples()
	if err != nil || len(all) == 0 {
		return err
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	shown := func(i int) int64 { return all[i].dts + int64(all[i].offset) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(shown(a), shown(b)) })
	depth := 0
	for rank, i := range order {
		depth = max(depth, i-rank)
	}
	first := shown(order[0])
	late := shown(order[depth]) - first
	pts, dts := make([]int64, len(all)), make([]int64, len(all))
	for i := range all {
		pts[i] = shown(i) - first + late
		if i < depth {
			dts[i] = shown(order[i]) - first
		} else {
			dts[i] = shown(order[i-depth]) - first + late
		}
		if i > 0 {
			dts[i] = max(dts[i], dts[i-1]+1)
		}
	}
	edits := t.edits()
	if last := &edits[len(edits)-1]; last.mediaTime >= 0 {
		last.mediaTime += late - first
	}
	t.setTimes(pts, dts, all[len(all)-1].duration)
	t.setEdits(edits)
	return nil
}

// setTimes writes the tables of times, and how long the media lasts.
func (t *track) setTimes(pts, dts []int64, last uint32) {
	durations, offsets := make([]uint32, len(dts)), make([]uint32, len(dts))
	version := uint8(0)
	for i := range dts {
		durations[i] = last
		if i+1 < len(dts) {
			durations[i] = uint32(dts[i+1] - dts[i])
		}
		offsets[i] = uint32(int32(pts[i] - dts[i]))
		if pts[i] < dts[i] {
			version = 1
		}
	}
	stbl := t.stbl()
	stbl.put("stts", runs(0, durations))
	stbl.put("ctts", runs(version, offsets))
	mdhd := t.trak.find("mdia", "mdhd").body
	total := uint64(dts[len(dts)-1]-dts[0]) + uint64(last)
	if mdhd[0] == 1 {
		binary.BigEndian.PutUint64(mdhd[24:], total)
	} else {
		binary.BigEndian.PutUint32(mdhd[16:], uint32(total))
	}
}
