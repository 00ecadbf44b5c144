package tree

import (
	"context"
	"path"

	"clipfs/clip"
	"clipfs/clip/archive"
)

// lastName is the name of the directory of clips that end with the newest footage.
const lastName = "last"

// lastDir is that directory. What a name in it stands for is fixed when it is found.
type lastDir struct {
	source
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
	return formOf(file.Form).place(d.source, at, func(ctx context.Context) (*clip.Clip, error) {
		return find(ctx, d.stream, file.Length)
	}), nil
}

func (d *lastDir) list(ctx context.Context) ([]Item, error) {
	lengths, err := d.library.LastLengths(ctx, d.stream)
	return orNothing(d.fileItems(lengths), err)
}
