package tree

import (
	"context"
	"slices"

	"clipfs/clip"
	"clipfs/clip/names"
)

// form is one kind of file that is made of a clip.
type form struct {
	kind        names.Form
	contentType string
	// make gives the file that the form is of a clip now: its version, its content, and its attributes.
	make func(context.Context, *clip.Clip) (made, error)
}

// forms is the table of forms. Each has a file of its own.
func forms() []form {
	return []form{
		{names.Movie, "video/mp4", movieOf},
		{names.Sidecar, "application/json", sidecarOf},
		{names.PositionTimes, "application/json", timesOf},
	}
}

// formOf is the row of a kind.
func formOf(kind names.Form) form {
	all := forms()
	return all[slices.IndexFunc(all, func(f form) bool { return f.kind == kind })]
}

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

// place is where the form of a clip is. find gives the clip as it is by then.
func (f form) place(at string, find func(context.Context) (*clip.Clip, error)) Place {
	return Place{Path: at, find: func(ctx context.Context) (Entry, error) {
		c, err := find(ctx)
		if err != nil {
			return nil, err
		}
		return f.file(ctx, at, c)
	}}
}
