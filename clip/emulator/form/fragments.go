package form

import (
	"encoding/binary"
	"slices"
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
	all := make([][]sample, len(m.tracks))
	for i, t := range m.tracks {
		var err error
		if all[i], err = t.samples(); err != nil {
			return nil, err
		}
	}
	m.addMvex()
	for _, t := range m.tracks {
		stbl := t.stbl()
		for _, kind := range []string{"stss", "ctts", "sdtp", "sgpd", "sbgp"} {
			stbl.remove(kind)
		}
		stbl.put("stts", words(0, 0))
		stbl.put("stsc", words(0, 0))
		stbl.put("stsz", words(0, 0, 0))
		stbl.put("stco", words(0, 0))
	}
	pieces := []piece{{bytes: m.ftyp}, {bytes: m.moov.bytes()}}
	for sequence := uint32(1); slices.ContainsFunc(all, func(s []sample) bool { return len(s) > 0 }); sequence++ {
		pieces = append(pieces, m.fragment(sequence, m.take(all))...)
	}
	return pieces, nil
}

// take takes the samples of one fragment off all: those up to the next sync sample of the video, in time.
func (m *movie) take(all [][]sample) [][]sample {
	end, scale := int64(-1), int64(1)
	for i, t := range m.tracks {
		if t.handler == "vide" && end < 0 {
			for _, s := range all[i][min(1, len(all[i])):] {
				if s.sync {
					end, scale = s.dts, int64(t.scale)
					break
				}
			}
		}
	}
	out := make([][]sample, len(all))
	for i, t := range m.tracks {
		n := len(all[i])
		if end >= 0 {
			n = 0
			for n < len(all[i]) && all[i][n].dts*scale < end*int64(t.scale) {
				n++
			}
		}
		out[i], all[i] = all[i][:n], all[i][n:]
	}
	return out
}

// fragment makes a moof and its mdat.
func (m *movie) fragment(sequence uint32, samples [][]sample) []piece {
	var media []piece
	var size int64
	make1 := func(base uint32) []byte {
		size, media = 0, nil
		moof := made("mfhd", words(0, sequence))
		for i, t := range m.tracks {
			if len(samples[i]) == 0 {
				continue
			}
			trun := words(1<<24|trunAll, uint32(len(samples[i])), base+uint32(size))
			for _, s := range samples[i] {
				flags := uint32(sampleDependent)
				if s.sync {
					flags = sampleSync
				}
				trun = append(trun, words(s.duration, s.size, flags, uint32(s.offset))...)
				media = append(media, m.section(s.at, s.at+int64(s.size))...)
				size += int64(s.size)
			}
			tfdt := binary.BigEndian.AppendUint64(words(1<<24), uint64(samples[i][0].dts))
			moof = append(moof, made("traf", made("tfhd", words(tfhdBaseIsMoof, t.id())), made("tfdt", tfdt), made("trun", trun))...)
		}
		return made("moof", moof)
	}
	moof := make1(uint32(len(make1(0)) + 8))
	return append([]piece{{bytes: append(moof, append(words(uint32(8+size)), "mdat"...)...)}}, media...)
}
