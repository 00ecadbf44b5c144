package names

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"clipfs/clip/archive"
)

// Form is a kind of file, by what its names end in: ".mp4".
type Form string

const (
	// Movie is the form of the clip itself.
	Movie Form = ".mp4"
	// Segment is the form of a segment of a playlist, whose name also tells its position: "6s.pts36000000.ts".
	Segment Form = ".ts"
)

// File is what a name in the directory of a start stands for.
type File struct {
	Span archive.Span
	Form Form
	// Cover says that the clip also has the fragment that was running at the start of the span.
	Cover bool
	// Position is where a Segment stands in its playlist; 0 where the name does not tell.
	Position time.Duration
}

// LastFile is what a name in the directory of clips that end with the newest footage stands for.
type LastFile struct {
	Length time.Duration
	Form   Form
	// Cover says that the clip also has the fragment that was running at its start.
	Cover bool
	// Position is that of File.
	Position time.Duration
}

const (
	// coverMark stands before the extension in the names of cover clips, "10m.cover.mp4".
	coverMark = ".cover"
	// positionMark stands before the milliseconds of a position, "6s.pts36000000.ts", which have so many digits at most.
	positionMark   = ".pts"
	positionDigits = 14
)

// cutFile splits the name of a file at its extension, which is "" where it has none of ours.
func (g Grammar) cutFile(name string) (stem string, form Form) {
	for _, f := range append([]Form{Movie}, g.Forms...) {
		if len(f) > len(form) && strings.HasSuffix(name, string(f)) {
			form = f
		}
	}
	return strings.TrimSuffix(name, string(form)), form
}

// cutMarks takes from the stem of a name what is marked in it: that it is a cover clip's, or the position of a segment. A
// segment is never a cover clip's. ErrName for a position that is none, or is not written as FormatSegment does.
func cutMarks(stem string, form Form) (rest string, cover bool, position time.Duration, err error) {
	if form != Segment {
		rest, cover = strings.CutSuffix(stem, coverMark)
		return rest, cover, 0, nil
	}
	rest, text, marked := strings.Cut(stem, positionMark)
	if !marked {
		return rest, false, 0, nil
	}
	s := scanner{rest: text}
	ms, _ := s.digits(positionDigits)
	if s.bad || s.rest != "" || text[0] == '0' { // one name for each position: 0 has no mark
		return "", false, 0, fmt.Errorf("position %q: %w", text, archive.ErrName)
	}
	return rest, false, time.Duration(ms) * time.Millisecond, nil
}

// IsCover reports whether the name of a file is that of a cover clip, "10m.cover.mp4".
func (g Grammar) IsCover(name string) bool {
	_, cover, _, err := cutMarks(g.cutFile(name))
	return cover && err == nil
}

// ParseFile reads the name of a file in the directory of a start: "10m.mp4", "1h30m.json", or a clip by its end,
// "2024-01-01T10:07:30.mp4"; each also as a cover clip, "10m.cover.mp4", or, if it is a Segment, with its position. ErrName if it is not in the grammar, or if the
// end is not in (start, start+24h].
func (g Grammar) ParseFile(start archive.Start, name string) (File, error) {
	stem, form := g.cutFile(name)
	if form == "" {
		return File{}, fmt.Errorf("%q: %w", name, archive.ErrName)
	}
	stem, cover, position, err := cutMarks(stem, form)
	if err != nil {
		return File{}, err
	}
	if length, err := ParseLength(stem); err == nil {
		return File{Span: archive.NewSpan(start.Time, length), Form: form, Cover: cover, Position: position}, nil
	}
	end, err := g.ParseStart(stem)
	if err != nil {
		return File{}, fmt.Errorf("%q: %w", name, archive.ErrName)
	}
	span := archive.Span{Start: start.Time, End: end.Time}
	if span.Empty() || span.Length() > archive.MaxSpan {
		return File{}, fmt.Errorf("%q: end not within 24 h after %s: %w", name, g.FormatStart(start.Time, archive.Millisecond), archive.ErrName)
	}
	return File{Span: span, Form: form, Cover: cover, Position: position}, nil
}

// ParseLast reads the name of a file that ends with the newest footage, which is a length: "10m.mp4", or
// "10m.cover.mp4". ErrName if it is not in the grammar.
func (g Grammar) ParseLast(name string) (LastFile, error) {
	stem, form := g.cutFile(name)
	if form == "" {
		return LastFile{}, fmt.Errorf("%q: %w", name, archive.ErrName)
	}
	stem, cover, position, err := cutMarks(stem, form)
	if err != nil {
		return LastFile{}, err
	}
	length, err := ParseLength(stem)
	if err != nil {
		return LastFile{}, err
	}
	return LastFile{Length: length, Form: form, Cover: cover, Position: position}, nil
}

// ParseRun reads the name of a file in the directory of a day's runs: a start that lies in the day and a length,
// "2024-01-01T10:03:12.400-41m7s.mp4". ErrName if it is not in the grammar.
func (g Grammar) ParseRun(day archive.Start, name string) (File, error) {
	stem, form := g.cutFile(name)
	stem, cover, position, err := cutMarks(stem, form)
	at := strings.LastIndexByte(stem, '-')
	if form == "" || err != nil || at < 0 {
		return File{}, fmt.Errorf("%q: %w", name, archive.ErrName)
	}
	length, err := ParseLength(stem[at+1:])
	if err != nil {
		return File{}, err
	}
	start, err := g.ParseStart(stem[:at])
	if err != nil {
		return File{}, err
	}
	if !g.Period(day).Contains(start.Time) {
		return File{}, fmt.Errorf("%q is not in %s: %w", name, g.FormatStart(day.Time, day.Precision), archive.ErrName)
	}
	return File{Span: archive.NewSpan(start.Time, length), Form: form, Cover: cover, Position: position}, nil
}

// FormatRun writes the name under which a run is listed; ParseRun reads the span back.
func (g Grammar) FormatRun(run archive.Span, form Form) string {
	return g.FormatStart(run.Start, archive.Millisecond) + "-" + FormatLength(run.Length()) + string(form)
}

// FormatFile writes the name under which a clip is listed, "10m.mp4". Cover clips never are.
func (g Grammar) FormatFile(length time.Duration, form Form) string {
	return FormatLength(length) + string(form)
}

// FormatSegment writes the name of a segment at a position of a playlist, relative to the directory of its stream:
// "20240101T100000Z/6s.pts36000000.ts". Its start has no colon, as the first element of a relative URI must not, and names the
// same instant whatever the location.
func FormatSegment(span archive.Span, position time.Duration) string {
	precision := archive.Second
	if span.Start.Nanosecond() != 0 {
		precision = archive.Millisecond
	}
	name := span.Start.UTC().Format(layoutOf(precision, true)) + "Z/" + FormatLength(span.Length())
	if ms := position.Milliseconds(); ms > 0 {
		name += positionMark + strconv.FormatInt(ms, 10)
	}
	return name + string(Segment)
}

// FormatPath writes the path of a clip in the tree, "front-door/2024-01-01T10:00/10m.mp4". It always names the same span.
func (g Grammar) FormatPath(stream archive.StreamName, span archive.Span, cover bool) string {
	name := FormatLength(span.Length())
	if cover {
		name += coverMark
	}
	return string(stream) + "/" + g.FormatExactly(span.Start, archive.Minute) + "/" + name + string(Movie)
}
