package form

import "fmt"

// sample is one sample of a track.
type sample struct {
	// dts, duration and offset (of PTS from DTS) are in the track's timescale.
	dts      int64
	duration uint32
	offset   int32
	// at is where it lies, from the first byte of media on.
	at   int64
	size uint32
	sync bool
}

// samples reads the tables of a track.
func (t *track) samples() ([]sample, error) {
	stbl := t.stbl()
	stsz, stts, stsc := stbl.find("stsz"), stbl.find("stts"), stbl.find("stsc")
	if stsz == nil || stts == nil || stsc == nil {
		return nil, fmt.Errorf("track without sample tables: %w", errForm)
	}
	constant, n := word(stsz.body, 4), int(word(stsz.body, 8))
	if constant == 0 && n > (len(stsz.body)-12)/4 || n > maxHead {
		return nil, fmt.Errorf("%d sizes: %w", n, errForm)
	}
	all := make([]sample, n)
	for i := range all {
		if all[i].size = constant; constant == 0 {
			all[i].size = word(stsz.body, 12+4*i)
		}
	}
	var dts int64
	each(stts.body, all, func(s *sample, duration uint32) {
		s.dts, s.duration = dts, duration
		dts += int64(duration)
	})
	if ctts := stbl.find("ctts"); ctts != nil {
		each(ctts.body, all, func(s *sample, offset uint32) { s.offset = int32(offset) })
	}
	stss := stbl.find("stss")
	for i := range all {
		all[i].sync = stss == nil
	}
	if stss != nil {
		for i := 8; i+4 <= len(stss.body); i += 4 {
			if number := int(word(stss.body, i)); number >= 1 && number <= n {
				all[number-1].sync = true
			}
		}
	}
	return all, t.place(stsc.body, all)
}

// each gives each sample its value from a table of runs (stts, ctts).
func each(body []byte, all []sample, set func(s *sample, value uint32)) {
	next := 0
	for i := 8; i+8 <= len(body); i += 8 {
		for range word(body, i) {
			if next == len(all) {
				return
			}
			set(&all[next], word(body, i+4))
			next++
		}
	}
}

// place gives each sample its place, from stsc and the chunks.
func (t *track) place(stsc []byte, all []sample) error {
	next, run := 0, 8
	for c, at := range t.chunks {
		for run+12+4 <= len(stsc) && int(word(stsc, run+12)) <= c+1 {
			run += 12
		}
		for range word(stsc, run+4) {
			if next == len(all) {
				return fmt.Errorf("chunk %d has samples that are not there: %w", c+1, errForm)
			}
			all[next].at = at
			at += int64(all[next].size)
			next++
		}
	}
	if next != len(all) {
		return fmt.Errorf("%d of %d samples are in chunks: %w", next, len(all), errForm)
	}
	return nil
}

// runs makes the body of a table of runs (stts, ctts) of a version.
func runs(version uint8, values []uint32) []byte {
	out := words(uint32(version)<<24, 0)
	count := uint32(0)
	for i := 0; i < len(values); {
		j := i
		for j < len(values) && values[j] == values[i] {
			j++
		}
		out = append(out, words(uint32(j-i), values[i])...)
		count++
		i = j
	}
	copy(out[4:], words(count))
	return out
}
