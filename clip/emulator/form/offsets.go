package form

import (
	"cmp"
	"encoding/binary"
	"slices"

	"clipfs/clip/emulator/isom"
)

// decodeLate sets the times of decoding as x264 does, and ffmpeg with it: a picture is decoded when the one is shown that
// stands as many places ahead as pictures are reordered by; the first ones so much before the first is shown as that one
// is before the picture so many places behind it. With a variable frame rate this differs from clip to clip, and so does
// the first sample's offset. The edit list makes up for it, so that nothing is shown at another time.
func (m *movie) decodeLate() error {
	t := m.First(isom.Video)
	if t == nil {
		return nil
	}
	all, err := samplesOf(t)
	if err != nil || len(all) == 0 {
		return err
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	shown := func(i int) int64 { return all[i].DTS + int64(all[i].Offset) }
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
	edits := editsOf(t)
	if last := &edits[len(edits)-1]; last.MediaTime >= 0 {
		last.MediaTime += late - first
	}
	setTimes(t, pts, dts, all[len(all)-1].Duration)
	setEdits(t, edits)
	return nil
}

// setTimes writes the tables of times, and how long the media lasts.
func setTimes(t *isom.Track, pts, dts []int64, last uint32) {
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
	stbl := t.Tables()
	stbl.Put("stts", runs(0, durations))
	stbl.Put("ctts", runs(version, offsets))
	mdhd := t.Trak.Find("mdia", "mdhd").Body
	total := uint64(dts[len(dts)-1]-dts[0]) + uint64(last)
	if mdhd[0] == 1 {
		binary.BigEndian.PutUint64(mdhd[24:], total)
	} else {
		binary.BigEndian.PutUint32(mdhd[16:], uint32(total))
	}
}

// runs makes the body of a table of runs (stts, ctts) of a version.
func runs(version uint8, values []uint32) []byte {
	out := isom.Words(uint32(version)<<24, 0)
	count := uint32(0)
	for i := 0; i < len(values); {
		j := i
		for j < len(values) && values[j] == values[i] {
			j++
		}
		out = append(out, isom.Words(uint32(j-i), values[i])...)
		count++
		i = j
	}
	copy(out[4:], isom.Words(count))
	return out
}
