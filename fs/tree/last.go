package tree

import (
	"context"
	"path"
	"strings"

	"clipfs/clip/archive"
	"clipfs/clip/names"
)

// lastName is the name of the directory of clips that end with the newest footage.
const lastName = "last"

// lastDir is that directory. What a name in it stands for is fixed when it is found.
type lastDir struct {
	*source
	stream archive.StreamName
}

// lookup finds any length, listed or not.
func (d *lastDir) lookup(name string) (Place, error) {
	at := path.Join(string(d.stream), lastName, name)
	file, err := d.grammar.ParseLast(name)
	if err != nil {
		return Place{}, d.noName(name, at, d.grammar.ExplainLast(name), err)
	}
	find := d.library.Last
	if file.Cover {
		find = d.library.LastCover
	}
	of := formOf(file.Form)
	return Place{Path: at, find: func(ctx context.Context) (Entry, error) {
		c, err := find(ctx, d.stream, file.Length)
		if err != nil {
			return nil, err
		}
		f, err := of.file(ctx, d.source, asked{at, file.Position}, c)
		if err != nil {
			return nil, err
		}
		if file.Form == names.Segment { // which only a playlist names, that of its own span
			return f, nil
		}
		f.Fixed = strings.TrimSuffix(d.grammar.FormatPath(d.stream, c.Span(), file.Cover), string(names.Movie)) + string(file.Form)
		return f, nil
	}}, nil
}

func (d *lastDir) list(ctx context.Context) ([]Item, error) {
	lengths, err := d.library.LastLengths(ctx, d.stream)
	return orNothing(d.fileItems(lengths), err)
}
