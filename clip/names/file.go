package names

import (
	"fmt"
	"strings"
	"time"

	"clipfs/clip/archive"
)

// Form is a kind of file, by what its names end in: ".mp4".
type Form string

// Movie is the form of the clip itself.
const Movie Form = ".mp4"

// File is what a name in the directory of a start stands for.
type File struct {
	Span archive.Span
	Form Form
	// Cover says that the clip also has the fragment that was running at the start of the span.
	Cover bool
}

// LastFile is what a name in the directory of clips that end with the newest footage stands for.
type LastFile struct {
	Length time.Duration
	Form   Form
	// Cover says that the clip also has the fragment that was running at its start.
	Cover bool
}

// coverMark stands before the extension in the names of cover clips, "10m.cover.mp4".
const coverMark = ".cover"

// cutFile splits the name of a file; cover says that it is a cover clip's.
func (g Grammar) cutFile(name string) (stem string, form Form, cover, ok bool) {
	for _, f := range append([]Form{Movie}, g.Forms...) {
		if len(f) > len(form) && strings.HasSuffix(name, string(f)) {
			form = f
		}
	}
	stem, cover = strings.CutSuffix(strings.TrimSuffix(name, string(form)), coverMark)
	return stem, form, cover, form != ""
}

// ParseFile reads the name of a file in the directory of a start: "10m.mp4", "1h30m.json", or a clip by its end,
// "2024-01-01T10:07:30.mp4"; each also as a cover clip, "10m.cover.mp4". ErrName if it is not in the grammar, or if the
// end is not in (start, start+24h].
func (g Grammar) ParseFile(start archive.Start, name string) (File, error) {
	stem, form, cover, ok := g.cutFile(name)
	if !ok {
		return File{}, fmt.Errorf("%q: %w", name, archive.ErrName)
	}
	if length, err := ParseLength(stem); err == nil {
		return File{Span: archive.NewSpan(start.Time, length), Form: form, Cover: cover}, nil
	}
	end, err := g.ParseStart(stem)
	if err != nil {
		return File{}, fmt.Errorf("%q: %w", name, archive.ErrName)
	}
	span := archive.Span{Start: start.Time, End: end.Time}
	if span.Empty() || span.Length() > archive.MaxSpan {
		return File{}, fmt.Errorf("%q: end not within 24 h after %s: %w", name, g.FormatStart(start.Time, archive.Millisecond), archive.ErrName)
	}
	return File{Span: span, Form: form, Cover: cover}, nil
}

// ParseLast reads the name of a file that ends with the newest footage, which is a length: "10m.mp4", or
// "10m.cover.mp4". ErrName if it is not in the grammar.
func (g Grammar) ParseLast(name string) (LastFile, error) {
	stem, form, cover, ok := g.cutFile(name)
	if !ok {
		return LastFile{}, fmt.Errorf("%q: %w", name, archive.ErrName)
	}
	length, err := ParseLength(stem)
	if err != nil {
		return LastFile{}, err
	}
	return LastFile{Length: length, Form: form, Cover: cover}, nil
}

// ParseRun reads the name of a file in the directory of a day's runs: a start that lies in the day and a length,
// "2024-01-01T10:03:12.400-41m7s.mp4". ErrName if it is not in the grammar.
func (g Grammar) ParseRun(day archive.Start, name string) (File, error) {
	stem, form, cover, ok := g.cutFile(name)
	at := strings.LastIndexByte(stem, '-')
	if !ok || at < 0 {
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
	return File{Span: archive.NewSpan(start.Time, length), Form: form, Cover: cover}, nil
}

// FormatRun writes the name under which a run is listed; ParseRun reads the span back.
func (g Grammar) FormatRun(run archive.Span, form Form) string {
	return g.FormatStart(run.Start, archive.Millisecond) + "-" + FormatLength(run.Length()) + string(form)
}

// FormatFile writes the name under which a clip is listed, "10m.mp4". Cover clips never are.
func (g Grammar) FormatFile(length time.Duration, form Form) string {
	return FormatLength(length) + string(form)
}

// FormatPath writes the path of a clip in the tree, "front-door/2024-01-01T10:00/10m.mp4". It always names the same span.
func (g Grammar) FormatPath(stream archive.StreamName, span archive.Span, cover bool) string {
	name := FormatLength(span.Length())
	if cover {
		name += coverMark
	}
	return string(stream) + "/" + g.FormatExactly(span.Start, archive.Minute) + "/" + name + string(Movie)
}
