package clip

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
)

// sidecar is what the file beside a clip tells of it, as JSON. Times are RFC 3339, UTC, to the millisecond; lengths are
// in seconds, sizes in bytes.
type sidecar struct {
	Stream   archive.StreamName `json:"stream"`
	ARN      string             `json:"arn,omitempty"`
	Path     string             `json:"path"` // below the mountpoint: of last/10m.json the clip that it stood for
	Selector string             `json:"timestamps"`
	Start    string             `json:"start"`
	End      string             `json:"end"`
	First    string             `json:"first"`
	Offset   float64            `json:"offset_seconds"` // from the start of the span to the first fragment
	Totals   sidecarTotals      `json:"totals"`
	Times    sidecarTimes       `json:"times"`
	Gaps     []sidecarGap       `json:"gaps"`
	// The fragments come last; appendFragment writes them, of which there can be very many.
}

type sidecarTotals struct {
	Fragments int     `json:"fragments"`
	Bytes     int64   `json:"bytes"`
	Footage   float64 `json:"footage_seconds"`
	Gaps      float64 `json:"gap_seconds"`
}

// sidecarTimes tells which time of day a position in the file is: from each point on, both go on together. The points
// come from the listing alone, whose lengths can be a frame off; times.go has those of the media.
type sidecarTimes struct {
	Policy string             `json:"gaps"`
	Points []sidecarTimePoint `json:"points"`
}

type sidecarTimePoint struct {
	Position float64 `json:"position_seconds"`
	Time     string  `json:"time"`
}

type sidecarGap struct {
	Start  string  `json:"start"`
	End    string  `json:"end"`
	Length float64 `json:"seconds"`
}

// sidecarLayout is how the sidecar writes times, which are UTC.
const sidecarLayout = "2006-01-02T15:04:05.000Z"

// sidecarTime writes a time as the sidecar has it.
func sidecarTime(t time.Time) string { return t.UTC().Format(sidecarLayout) }

// appendFragment writes one fragment, as encoding/json would: this is most of what it costs to list a directory.
func appendFragment(b []byte, f *archive.Fragment) []byte {
	b = append(b, `{"number": `...)
	b = appendText(b, string(f.ID))
	b = append(b, `, "producer": "`...)
	b = f.Producer.UTC().AppendFormat(b, sidecarLayout)
	b = append(b, `", "server": "`...)
	b = f.Server.UTC().AppendFormat(b, sidecarLayout)
	b = append(b, `", "length_seconds": `...)
	b = appendSeconds(b, f.Length)
	b = append(b, `, "bytes": `...)
	b = strconv.AppendInt(b, f.Size, 10)
	return append(b, '}')
}

// appendSeconds writes a length in seconds, exactly where it is whole milliseconds, as the service's are.
func appendSeconds(b []byte, d time.Duration) []byte {
	if d < 0 || d%archive.Grain != 0 {
		return strconv.AppendFloat(b, d.Seconds(), 'f', -1, 64)
	}
	ms := d.Milliseconds()
	b = strconv.AppendInt(b, ms/1000, 10)
	if ms %= 1000; ms == 0 {
		return b
	}
	b = append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	return bytes.TrimRight(b, "0")
}

// appendText writes a string in quotes.
func appendText(b []byte, text string) []byte {
	if !plain(text) {
		quoted, _ := json.Marshal(text) // a string always can be
		return append(b, quoted...)
	}
	return append(append(append(b, '"'), text...), '"')
}

// plain reports whether a text can stand between quotes as it is. Fragment numbers are digits.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// listedTimes tells how positions in the file and times of day belong together, as far as the listing tells.
func (c *Clip) listedTimes(d *detail) sidecarTimes {
	points, _ := c.listedPoints(d)
	t := sidecarTimes{Policy: c.library.options.Gaps.String(), Points: make([]sidecarTimePoint, len(points))}
	for i, p := range points {
		t.Points[i] = sidecarTimePoint{p.Position.Seconds(), sidecarTime(p.At)}
	}
	return t
}

// SidecarText is what the file beside a clip says, in JSON: stream, span, fragments, gaps between them, totals, and which time
// of day a position in the file is. All of it comes from the listing, so that neither an open nor a remount changes it.
type SidecarText struct {
	detail *detail
	// head is the text before the fragments.
	head []byte
	key  cache.Key
}

// Sidecar gives what the listing tells of the clip. It costs a listing at most, as a rule nothing; ErrChanged if the archive
// has other fragments by now, ErrNotListable where fragments may not be listed. Gaps before the first and after the last
// fragment are none of the clip's.
func (c *Clip) Sidecar(ctx context.Context) (*SidecarText, error) {
	if !c.mayList() {
		return nil, fmt.Errorf("what the listing tells of %s %s: %w", c.stream.Name, c.span, c.library.listingError(c.stream.Name))
	}
	d, err := c.detail(ctx)
	if err != nil {
		return nil, err
	}
	by := c.library.options.Selector
	s := sidecar{
		Stream: c.stream.Name, ARN: c.stream.ARN, Path: c.library.options.Grammar.FormatPath(c.stream.Name, c.span, c.cover), Selector: by.String(), Start: sidecarTime(c.span.Start), End: sidecarTime(c.span.End),
		First: sidecarTime(c.First()), Offset: c.First().Sub(c.span.Start).Seconds(),
		Totals: sidecarTotals{Fragments: c.fragments, Bytes: c.media, Footage: d.rule.Recorded(d.fragments).Seconds()},
		Times:  c.listedTimes(d),
		Gaps:   []sidecarGap{},
	}
	for i, p := range d.parts {
		if i > 0 && p.GapBefore { // gaps lie between parts only
			last, next := d.parts[i-1].Fragments, p.Fragments[0]
			end := d.rule.End(last[len(last)-1])
			gap := next.Time(by).Sub(end).Seconds()
			s.Gaps = append(s.Gaps, sidecarGap{sidecarTime(end), sidecarTime(next.Time(by)), gap})
			s.Totals.Gaps += gap
		}
	}
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return nil, fmt.Errorf("sidecar of %s %s: %w", c.stream.Name, c.span, err)
	}
	return &SidecarText{detail: d, head: bytes.TrimSuffix(text, []byte("\n}")), key: c.key}, nil
}

// What stands around the fragments.
const (
	fragmentsBegin = ",\n \"fragments\": ["
	fragmentIndent = "\n  "
	fragmentsEnd   = "\n ]\n}\n"
)

// Size is how long the text is, in bytes.
func (s *SidecarText) Size() int64 {
	n := len(s.head) + len(fragmentsBegin) + len(fragmentsEnd) + max(0, len(s.detail.fragments)-1)
	for i := range s.detail.fragments {
		n += len(fragmentIndent) + fragmentSize(&s.detail.fragments[i])
	}
	return int64(n)
}

// Sum tells texts apart. Fragments never change, so that the clip's key stands for them.
func (s *SidecarText) Sum() [sha256.Size]byte { return sha256.Sum256(append([]byte(s.key), s.head...)) }

// Text writes it out.
func (s *SidecarText) Text() []byte {
	b := append(make([]byte, 0, s.Size()), s.head...)
	b = append(b, fragmentsBegin...)
	for i := range s.detail.fragments {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendFragment(append(b, fragmentIndent...), &s.detail.fragments[i])
	}
	return append(b, fragmentsEnd...)
}

// fragmentSize gives how much appendFragment writes. What has one length as a rule is not written out: a listing of a day
// asks for millions.
func fragmentSize(f *archive.Fragment) int {
	const fixed = len(`{"number": , "producer": "", "server": "", "length_seconds": , "bytes": }`) + 2*len(sidecarLayout)
	n := fixed + textSize(string(f.ID)) + digits(f.Size)
	if !fourDigitYear(f.Producer) || !fourDigitYear(f.Server) || f.Length < 0 || f.Length%archive.Grain != 0 || f.Size < 0 {
		return len(appendFragment(nil, f))
	}
	ms := f.Length.Milliseconds()
	n += digits(ms / 1000)
	switch {
	case ms%1000 == 0:
	case ms%100 == 0:
		n += len(".0")
	case ms%10 == 0:
		n += len(".00")
	default:
		n += len(".000")
	}
	return n
}

// fourDigitYear reports whether a time is as long as sidecarLayout when it is written.
func fourDigitYear(t time.Time) bool {
	const year0, year10000 = -62167219200, 253402300800 // seconds since 1970
	return t.Unix() >= year0 && t.Unix() < year10000
}

// digits gives how many digits a number of at least 0 has.
func digits(n int64) int {
	count := 1
	for ; n >= 10; n /= 10 {
		count++
	}
	return count
}

// textSize gives how much appendText writes.
func textSize(text string) int {
	if plain(text) {
		return len(text) + len(`""`)
	}
	return len(appendText(nil, text))
}
