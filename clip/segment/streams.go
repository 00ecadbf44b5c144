package segment

import (
	"fmt"
	"slices"

	"clipfs/clip/mp4"
	"clipfs/clip/ts"
)

// videos reads the entries of a picture track.
func videos(t *mp4.Track) ([]*ts.Video, error) {
	var all []*ts.Video
	for _, e := range t.Entries {
		read, kind := ts.AVC, mp4.TypeAvcC
		record, ok := e.Config(kind)
		if !ok {
			read, kind = ts.HEVC, mp4.TypeHvcC
			record, ok = e.Config(kind)
		}
		if !ok {
			return nil, fmt.Errorf("pictures of %s: %w", e.Type, ts.ErrUnsupported)
		}
		v, err := read(slices.Clone(record))
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// sounds reads the entries of a sound track.
func sounds(t *mp4.Track) ([]*ts.Sound, error) {
	var all []*ts.Sound
	for _, e := range t.Entries {
		if e.Type != mp4.CodingMP4A {
			return nil, fmt.Errorf("sound of %s: %w", e.Type, ts.ErrUnsupported)
		}
		config, err := e.AudioSpecificConfig()
		if err != nil {
			return nil, err
		}
		s, err := ts.NewSound(config)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}
