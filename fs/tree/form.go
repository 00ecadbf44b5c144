package tree

import (
	"context"
	"slices"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/names"
)

// form is one kind of file that is made of a clip.
type form struct {
	extension   names.Form
	contentType string
	listed      listing
	// make makes the file of a clip as it is now. It may ask for a listing, and fetches no media.
	make func(context.Context, source, *clip.Clip) (made, error)
}

// listing is where directories list a form, unless --list says else. What is not listed resolves all the same.
type listing int

const (
	// hidden forms are listed nowhere, and --list cannot name them.
	hidden listing = iota
	// onDemand forms are listed where --list names them: beside each clip.
	onDemand
	// inDays forms are listed in a day, as the one of all of it.
	inDays
	// inPeriods forms are listed in a day and in an hour, as the one of all of it.
	inPeriods
	// everywhere forms are listed beside each clip.
	everywhere
)

// forms is the table of forms. Each has a file of its own.
func forms() []form {
	return []form{
		{names.Movie, "video/mp4", everywhere, movieOf},
		{".json", "application/json", everywhere, sidecarOf},
		{".times.json", "application/json", hidden, timesOf},
		{".timeline.json", "application/json", hidden, timelineOf},
		{".srt", "application/x-subrip", onDemand, srtOf},
		{".vtt", "text/vtt", onDemand, vttOf},
		{".svg", "image/svg+xml", inDays, chartOf},
		{".m3u8", "application/vnd.apple.mpegurl", inPeriods, playlistOf},
		{names.Segment, "video/mp2t", hidden, segmentOf},
	}
}

// formOf is the row of an extension.
func formOf(extension names.Form) form {
	all := forms()
	return all[slices.IndexFunc(all, func(f form) bool { return f.extension == extension })]
}

// lists reports whether the directory of a start lists the form of a clip that is listed there.
func (f form) lists(l names.Listed) bool { return l.Lists(f.extension, f.listed == everywhere) }

// listsWhole reports whether the directory of a start of a precision lists the form of the clip of all of it, listed or not.
func (f form) listsWhole(l names.Listed, p archive.Precision) bool {
	here := p == archive.Day && f.listed == inDays || p <= archive.Hour && f.listed == inPeriods
	return here && l.ListsWhole(f.extension)
}

// extensions are those of all forms, or of those that can be listed.
func extensions(listed bool) []names.Form {
	var all []names.Form
	for _, f := range forms() {
		if f.listed != hidden || !listed {
			all = append(all, f.extension)
		}
	}
	return all
}

// Listed reads words for what directories list (names.ParseListed). Those for forms are in the table.
func Listed(words []string) (names.Listed, error) {
	return names.ParseListed(words, extensions(true), runsName)
}

// file makes the form's file of a clip.
func (f form) file(ctx context.Context, s *source, as asked, c *clip.Clip) (*File, error) {
	of := *s
	of.asked = as
	m, err := f.make(ctx, of, c)
	if err != nil {
		return nil, err
	}
	file := &File{
		Info:    Info{Path: as.path, Time: c.Span().End, ValidUntil: c.Expires()},
		Version: m.version, ContentType: f.contentType, content: m.content, measured: c.Measure,
	}
	if m.measured != nil {
		file.measured = m.measured
	}
	if m.attributes {
		file.attributes = func() []Attribute { return clipAttributes(c, m) }
	}
	return file, nil
}

// place is where the form of a clip is. find finds the clip as it is by then.
func (f form) place(s *source, as asked, find func(context.Context) (*clip.Clip, error)) Place {
	return Place{Path: as.path, find: func(ctx context.Context) (Entry, error) {
		c, err := find(ctx)
		if err != nil {
			return nil, err
		}
		return f.file(ctx, s, as, c)
	}}
}
