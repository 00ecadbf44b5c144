package sidecar

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
)

// listed is what the file beside a clip tells of it.
type listed struct {
	Stream   archive.StreamName `json:"stream"`
	ARN      string             `json:"arn,omitempty"`
	Path     string             `json:"path"` // below the mountpoint: of last/10m.json the clip that it stood for
	Selector string             `json:"timestamps"`
	Start    string             `json:"start"`
	End      string             `json:"end"`
	First    string             `json:"first"`
	Offset   float64            `json:"offset_seconds"` // from the start of the span to the first fragment
	Totals   totals             `json:"totals"`
	Times    positions          `json:"times"`
	Gaps     []gap              `json:"gaps"`
	// The fragments come last; appendFragment writes them, of which there can be very many.
}

type totals struct {
	Fragments int     `json:"fragments"`
	Bytes     int64   `json:"bytes"`
	Footage   float64 `json:"footage_seconds"`
	Gaps      float64 `json:"gap_seconds"`
}

// positions tells which time of day a position in the file is: from each point on, both go on together. The points come from
// the listing alone, whose lengths can be a frame off; Times has those of the media.
type positions struct {
	Policy string  `json:"gaps"`
	Points []point `json:"points"`
}

type point struct {
	Position float64 `json:"position_seconds"`
	Time     string  `json:"time"`
}

type gap struct {
	Start  string  `json:"start"`
	End    string  `json:"end"`
	Length float64 `json:"seconds"`
}

// timeLayout is how both forms write times, which are UTC.
const timeLayout = "2006-01-02T15:04:05.000Z"

// formatTime writes a time.
func formatTime(t time.Time) string { return t.UTC().Format(timeLayout) }

// What stands around the fragments, and about how much one takes.
const (
	fragmentsBegin = ",\n \"fragments\": ["
	fragmentIndent = "\n  "
	fragmentsEnd   = "\n ]\n}\n"
	fragmentSize   = 208
)

// Text writes what the file beside a clip says: stream, span, fragments, gaps between them, totals, and which time of day a
// position in the file is. path is where the clip is in the tree. The clip has one fragment at least. Gaps before the first and
// after the last fragment are none of the clip's.
func Text(r clip.Recording, path string) []byte {
	first := r.Fragments[0].Time(r.Rule.By)
	s := listed{
		Stream: r.Stream.Name, ARN: r.Stream.ARN, Path: path, Selector: r.Rule.By.String(),
		Start: formatTime(r.Span.Start), End: formatTime(r.Span.End), First: formatTime(first), Offset: first.Sub(r.Span.Start).Seconds(),
		Totals: totals{Fragments: len(r.Fragments), Footage: r.Rule.Recorded(r.Fragments).Seconds()},
		Times:  positions{Policy: r.Policy.String(), Points: make([]point, len(r.Points))},
		Gaps:   make([]gap, len(r.Gaps)),
	}
	for i := range r.Fragments {
		s.Totals.Bytes += r.Fragments[i].Size
	}
	for i, p := range r.Points {
		s.Times.Points[i] = point{p.Position.Seconds(), formatTime(p.At)}
	}
	for i, g := range r.Gaps {
		s.Gaps[i] = gap{formatTime(g.Start), formatTime(g.End), g.Length().Seconds()}
		s.Totals.Gaps += s.Gaps[i].Length
	}
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		panic(err) // only a number that is none is an error
	}
	text = bytes.TrimSuffix(text, []byte("\n}"))
	b := append(make([]byte, 0, len(text)+fragmentSize*(1+len(r.Fragments))), text...)
	b = append(b, fragmentsBegin...)
	for i := range r.Fragments {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendFragment(append(b, fragmentIndent...), &r.Fragments[i])
	}
	return append(b, fragmentsEnd...)
}

// appendFragment writes one fragment on a line. This is most of what it costs to list a directory of these files.
func appendFragment(b []byte, f *archive.Fragment) []byte {
	b = appendText(append(b, `{"number": `...), string(f.ID))
	b = f.Producer.UTC().AppendFormat(append(b, `, "producer": "`...), timeLayout)
	b = f.Server.UTC().AppendFormat(append(b, `", "server": "`...), timeLayout)
	b = strconv.AppendFloat(append(b, `", "length_seconds": `...), seconds(f.Length), 'f', -1, 64)
	b = strconv.AppendInt(append(b, `, "bytes": `...), f.Size, 10)
	return append(b, '}')
}

// appendText writes a string in quotes. Numbers of fragments are digits, as a rule.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < '0' || c > '9' {
			quoted, err := json.Marshal(text)
			if err != nil {
				panic(err) // a string always can be written
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

// seconds gives a length in seconds, as near as a float64 is to whole milliseconds, which the service's are.
func seconds(d time.Duration) float64 {
	if d%archive.Grain != 0 {
		return d.Seconds()
	}
	return float64(d/archive.Grain) / 1000
}
