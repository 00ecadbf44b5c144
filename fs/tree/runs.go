package tree

import (
	"context"
	"path"

	"clipfs/clip/archive"
	"clipfs/clip/names"
)

// runsName is the name of the directory of a day's runs. A day lists it only where --list names it.
const runsName = "runs"

// runsDir is that directory: a clip for each run, which together have each fragment of the day once.
type runsDir struct {
	*source
	stream archive.StreamName
	path   string
	day    archive.Start
}

// newRuns costs no call.
func newRuns(s *source, stream archive.StreamName, at string, day archive.Start) *Dir {
	d := &runsDir{source: s, stream: stream, path: at, day: day}
	return &Dir{Info: Info{Path: at, Time: day.Time, attributes: func() []Attribute { return []Attribute{s.listingError(stream)} }}, names: d}
}

// lookup finds any start in the day and any length, listed or not: what a run was called stays the name of that clip.
func (d *runsDir) lookup(name string) (Place, error) {
	at := path.Join(d.path, name)
	file, err := d.grammar.ParseRun(d.day, name)
	if err != nil {
		return Place{}, d.noName(name, at, d.grammar.ExplainRun(d.day, name), err)
	}
	return d.filePlace(d.stream, at, file, func(error) {}), nil
}

// list has a file for each run, or several where --list names other forms.
func (d *runsDir) list(ctx context.Context) ([]Item, error) {
	runs, err := d.library.Runs(ctx, d.stream, d.day)
	if err != nil {
		return orNothing(nil, err)
	}
	var items []Item
	for _, run := range runs {
		for _, f := range forms() {
			if d.library.Listed().Lists(f.extension, f.extension == names.Movie) {
				items = append(items, Item{Name: d.grammar.FormatRun(run, f.extension), Kind: IsFile})
			}
		}
	}
	return items, nil
}
