package playlist

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// clockEvery is how far apart two times of day are in a playlist, at most, where segments are no longer.
const clockEvery = time.Minute

// VOD gives the playlist of segments that are all there: nothing is added to it. uri gives the name of a segment, relative to the
// playlist. Each note is a comment in it, one line. No segments make a playlist that has none.
func VOD(segments []Segment, uri func(Segment) string, notes ...string) []byte {
	var b bytes.Buffer
	b.Grow(80 * (len(segments) + 8))
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n")
	target := (Longest(segments) + time.Second - 1) / time.Second
	fmt.Fprintf(&b, "#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:0\n", max(1, target))
	for _, note := range notes {
		fmt.Fprintf(&b, "# %s\n", note)
	}
	var told time.Time
	for i, s := range segments {
		if s.Discontinuity {
			b.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		if i == 0 || s.Discontinuity || s.Span.End.Sub(told) > clockEvery {
			told = s.Span.Start
			fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", told.UTC().Format(clockLayout))
		}
		b.WriteString("#EXTINF:")
		b.Write(strconv.AppendFloat(b.AvailableBuffer(), s.Span.Length().Seconds(), 'f', 3, 64))
		b.WriteString(",\n")
		b.WriteString(uri(s))
		b.WriteByte('\n')
	}
	b.WriteString("#EXT-X-ENDLIST\n")
	return b.Bytes()
}

// Fitting cuts fragments into segments whose playlist has at most so many bytes: where they are too many, it makes them longer. It
// gives the playlist, and how long segments are at least.
func Fitting(cut func(Options) []Segment, o Options, write func([]Segment) []byte, most int) ([]byte, time.Duration) {
	if o.Segment <= 0 {
		o.Segment = DefaultSegment
	}
	for {
		text := write(cut(o))
		if len(text) <= most || o.Segment >= block {
			return text, o.Segment
		}
		o.Segment = o.Segment * 3 / 2
	}
}
