package doctor

import (
	"errors"
	"fmt"
	"io"
	"time"

	"clipfs/clip/mp4"
)

// Movie is what is in an MP4 file that has video.
type Movie struct {
	parsed *mp4.Movie
	ticks  int64 // the length of its video, in units of its time scale
}

// ReadMovie reads an MP4 file to its end and gives what is in it and how many bytes it has.
func ReadMovie(r io.Reader) (Movie, int64, error) {
	boxes := mp4.NewScanner(r)
	var m Movie
	for {
		box, err := boxes.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Movie{}, 0, err
		}
		if box.Type != mp4.TypeMoov {
			continue // Next reads it
		}
		moov, err := mp4.ReadMoov(box)
		if err == nil {
			m.parsed, err = mp4.ParseMovie(moov)
		}
		if err != nil {
			return Movie{}, 0, err
		}
	}
	if m.parsed == nil || m.parsed.Video() == nil {
		return Movie{}, 0, errors.New("no video in it")
	}
	video := m.parsed.Video()
	var ok bool
	if _, m.ticks, ok = video.Durations.Total(); !ok || video.Timescale == 0 || len(video.Entries) == 0 {
		return Movie{}, 0, errors.New("its video cannot be timed")
	}
	return m, boxes.Position(), nil
}

// Length is how long its video is.
func (m Movie) Length() time.Duration {
	seconds := float64(m.ticks) / float64(m.parsed.Video().Timescale)
	return time.Duration(seconds * float64(time.Second)).Round(time.Millisecond)
}

func (m Movie) String() string {
	entry := m.parsed.Video().Entries[0]
	text := fmt.Sprintf("%s, %s %dx%d", m.Length(), codecName(entry.Type), entry.Width, entry.Height)
	if sound := m.parsed.Sound(); sound != nil && len(sound.Entries) > 0 {
		text += fmt.Sprintf(", %s %d Hz", codecName(sound.Entries[0].Type), sound.Timescale)
	}
	return text
}

// codecName gives the name by which people know a sample entry.
func codecName(entry mp4.FourCC) string {
	names := map[string]string{"avc1": "H.264", "avc3": "H.264", "hvc1": "H.265", "hev1": "H.265", "mp4a": "AAC",
		"alaw": "G.711 A-law", "ulaw": "G.711 µ-law"}
	if name, ok := names[entry.String()]; ok {
		return name
	}
	return entry.String()
}
