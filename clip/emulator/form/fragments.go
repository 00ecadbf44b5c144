package form

import (
	"slices"

	"clipfs/clip/emulator/isom"
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
	runs := make([]isom.Run, len(m.Tracks))
	for i, t := range m.Tracks {
		runs[i] = isom.Run{ID: t.ID(), Samples: samples[i]}
		for _, s := range samples[i] {
			media = append(media, m.section(s.At, s.At+int64(s.Size))...)
		}
	}
	return append([]piece{{bytes: isom.NewFragment(sequence, runs...)}}, media...)
}
