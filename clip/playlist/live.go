package playlist

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// Window are the segments of a playlist that goes on.
type Window struct {
	Segments []Segment
	// Sequence is the number of the first segment; Discontinuities is how many there were before it.
	Sequence, Discontinuities int64
	// Longest is how long a segment is at most; it has to stay what it is.
	Longest time.Duration
}

// Live gives the playlist of a window, to which segments are added and from whose beginning they are taken. uri gives the name of a segment, relative
// to the playlist. Each segment tells its time of day.
func Live(w Window, uri func(Segment) string) []byte {
	var b bytes.Buffer
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-INDEPENDENT-SEGMENTS\n")
	fmt.Fprintf(&b, "#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:%d\n",
		max(1, (w.Longest+time.Second-1)/time.Second), w.Sequence, w.Discontinuities)
	for _, s := range w.Segments {
		if s.Discontinuity {
			b.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n#EXTINF:", s.Span.Start.UTC().Format(clockLayout))
		b.Write(strconv.AppendFloat(b.AvailableBuffer(), s.Span.Length().Seconds(), 'f', 3, 64))
		b.WriteString(",\n" + uri(s) + "\n")
	}
	return b.Bytes()
}
