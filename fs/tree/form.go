package tree

import (
	"context"
	"slices"

	"clipfs/clip"
	"clipfs/clip/names"
)

// form is one kind of file that is made of a clip.
type form struct {
	extension   names.Form
	contentType string
	// listed has directories list the form; --list can name it then. Any other resolves all the same.
	listed bool
	// make makes the file of a clip as it is now. It may ask for a listing, and fetches no media.
	make func(context.Context, *clip.Clip) (made, error)
}

// forms is the table of forms. Each has a file of its own.
func forms() []form {
	return []form{
		{names.Movie, "video/mp4", true, movieOf},
		{".json", "application/json", true, sidecarOf},
		{".times.json", "application/json", false, timesOf},
	}
}

// formOf is the row of an extension.
func formOf(extension names.Form) form {
	all := forms()
	return all[slices.IndexFunc(all, func(f form) bool { return f.extension == extension })]
}

// extensions are those of all forms, or of those that are listed.
func extensions(listed bool) []names.Form {
	var all []names.Form
	for _, f := range forms() {
		if f.listed || !listed {
			all = append(all, f.extension)
		}
	}
	return all
}

// Listed reads words for what directories list (names.ParseListed). Those for forms are in the table.
func Listed(words []string) (names.Listed, error) { return names.ParseListed(words, extensions(true)) }

// file makes the form's file of a clip.
func (f form) file(ctx context.Context, at string, c *clip.Clip) (*File, error) {
	m, err := f.make(ctx, c)
	if err != nil {
		return nil, err
	}
	file := &File{
		Info:    Info{Path: at, Time: c.Span().End, ValidUntil: c.Expires()},
		Version: m.version, ContentType: f.contentType, content: m.content, measured: c.Measure,
	}
	if m.attributes {
		file.attributes = func() []Attribute { return clipAttributes(c, m.content) }
	}
	return file, nil
}

// place is where the form of a clip is. find finds the clip as it is by then.
func (f form) place(at string, find func(context.Context) (*clip.Clip, error)) Place {
	return Place{Path: at, find: func(ctx context.Context) (Entry, error) {
		c, err := find(ctx)
		if err != nil {
			return nil, err
		}
		return f.file(ctx, at, c)
	}}
}
