package form

import (
	"encoding/binary"
	"slices"

	"clipfs/clip/emulator/isom"
)

// Flags of tfhd, trun and samples (ISO/IEC 14496-12 8.8.7, 8.8.8, 8.8.3.1).
const (
	tfhdBaseIsMoof  = 0x020000
	trunAll         = 0x000f01 // data offset; duration, size, flags and offset of each sample
	sampleSync      = 0x02000000
	sampleDependent = 0x01010000
)

// fragmented makes a file in movie fragments (ISO/IEC 14496-12 8.8): one begins at each sync sample of the video.
func (m *movie) fragmented() ([]piece, error) {
	all := make([][]isom.Sample, len(m.Tracks))
	for i, t := range m.Tracks {
		var err error
		if all[i], err = samplesOf(t); err != nil {
			return nil, err
		}
	}
	m.addMvex()
	for _, t := range m.Tracks {
		stbl := t.Tables()
		for _, kind := range []string{"stss", "ctts", "sdtp", "sgpd", "sbgp"} {
			stbl.Remove(kind)
		}
		stbl.Put("stts", isom.Words(0, 0))
		stbl.Put("stsc", isom.Words(0, 0))
		stbl.Put("stsz", isom.Words(0, 0, 0))
		stbl.Put("stco", isom.Words(0, 0))
	}
	pieces := []piece{{bytes: m.ftyp}, {bytes: m.Moov.Bytes()}}
	for sequence := uint32(1); slices.ContainsFunc(all, func(s []isom.Sample) bool { return len(s) > 0 }); sequence++ {
		pieces = append(pieces, m.fragment(sequence, m.take(all))...)
	}
	return pieces, nil
}

// take takes the samples of one fragment off all: those up to the next sync sample of the video, in time.
func (m *movie) take(all [][]isom.Sample) [][]isom.Sample {
	end, scale := int64(-1), int64(1)
	for i, t := range m.Tracks {
		if t.Handler == "vide" && end < 0 {
			for _, s := range all[i][min(1, len(all[i])):] {
				if s.Sync {
					end, scale = s.DTS, int64(t.Scale)
					break
				}
			}
		}
	}
	out := make([][]isom.Sample, len(all))
	for i, t := range m.Tracks {
		n := len(all[i])
		if end >= 0 {
			n = 0
			for n < len(all[i]) && all[i][n].DTS*scale < end*int64(t.Scale) {
				n++
			}
		}
		out[i], all[i] = all[i][:n], all[i][n:]
	}
	return out
}

// fragment makes a moof and its mdat.
func (m *movie) fragment(sequence uint32, samples [][]isom.Sample) []piece {
	var media []piece
	var size int64
	make1 := func(base uint32) []byte {
		size, media = 0, nil
		moof := isom.Make("mfhd", isom.Words(0, sequence))
		for i, t := range m.Tracks {
			if len(samples[i]) == 0 {
				continue
			}
			trun := isom.Words(1<<24|trunAll, uint32(len(samples[i])), base+uint32(size))
			for _, s := range samples[i] {
				flags := uint32(sampleDependent)
				if s.Sync {
					flags = sampleSync
				}
				trun = append(trun, isom.Words(s.Duration, s.Size, flags, uint32(s.Offset))...)
				media = append(media, m.section(s.At, s.At+int64(s.Size))...)
				size += int64(s.Size)
			}
			tfdt := binary.BigEndian.AppendUint64(isom.Words(1<<24), uint64(samples[i][0].DTS))
			moof = append(moof, isom.Make("traf", isom.Make("tfhd", isom.Words(tfhdBaseIsMoof, t.ID())), isom.Make("tfdt", tfdt), isom.Make("trun", trun))...)
		}
		return isom.Make("moof", moof)
	}
	moof := make1(uint32(len(make1(0)) + 8))
	return append([]piece{{bytes: append(moof, append(isom.Words(uint32(8+size)), "mdat"...)...)}}, media...)
}
