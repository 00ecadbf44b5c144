package segment

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"clipfs/clip/mp4"
	"clipfs/clip/ts"
)

// Coding is how the frames of a segment are coded. A player goes on from one segment to another without a discontinuity where both
// have an equal one.
type Coding struct {
	// Video is the codec of the pictures, for people. No player goes on from one codec to another.
	Video string
	// Parameters stands for the size of the pictures and the codec's parameters, Sound for those of the sound that is carried; empty
	// for none.
	Parameters, Sound string
	// LeftOut is the coding of sound that no transport stream carries, for people; empty for none.
	LeftOut string
}

// CodingOf gives how some frames of a movie are coded, going by the first of them, and their sound, nil for none that is carried.
func CodingOf(movie *mp4.Movie, frames Frames) (Coding, *ts.Sound, error) {
	video := movie.Video()
	if video == nil {
		return Coding{}, nil, fmt.Errorf("no pictures: %w", ts.ErrUnsupported)
	}
	entry := 0
	i := 0
	for s, err := range video.Samples() {
		if err != nil {
			return Coding{}, nil, err
		}
		if i == frames.First {
			entry = s.Entry
			break
		}
		i++
	}
	if entry >= len(video.Entries) {
		return Coding{}, nil, fmt.Errorf("no entry %d: %w", entry, ts.ErrMalformed)
	}
	c := Coding{Video: codecOf(video.Entries[entry]), Parameters: parametersOf(video.Entries[entry])}
	track := movie.Sound()
	if track == nil || !hasFrames(track) || len(track.Entries) == 0 {
		return c, nil, nil
	}
	all, err := sounds(track)
	if err != nil {
		c.LeftOut = soundName(track.Entries[0].Type)
		return c, nil, nil
	}
	c.Sound = fmt.Sprint(*all[0])
	return c, all[0], nil
}

// soundName is the coding of sound by which people know it.
func soundName(entry mp4.FourCC) string {
	switch name := entry.String(); name {
	case "alaw":
		return "G.711 A-law"
	case "ulaw":
		return "G.711 µ-law"
	default:
		return strings.TrimSpace(name)
	}
}

// hasFrames reports whether a track has any.
func hasFrames(t *mp4.Track) bool {
	for _, err := range t.Samples() {
		return err == nil
	}
	return false
}

// codecOf names the codec of an entry of a picture track.
func codecOf(e mp4.SampleEntry) string {
	switch e.Type {
	case mp4.CodingAVC1, mp4.CodingAVC3:
		return "H.264"
	case mp4.CodingHVC1, mp4.CodingHEV1:
		return "H.265"
	}
	return e.Type.String()
}

// parametersOf stands for the size and the parameter sets of an entry.
func parametersOf(e mp4.SampleEntry) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %d", e.Width, e.Height)
	sets, err := e.ParameterSets()
	if err != nil {
		h.Write(e.Raw)
	}
	for _, unit := range sets.Units {
		fmt.Fprintf(h, " %d:", len(unit))
		h.Write(unit)
	}
	return string(h.Sum(nil))
}
