package tree

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"strings"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/names"
	"clipfs/clip/parallel"
)

const (
	// allName is the name of the directory of all streams at once. The root does not list it, as a walk would meet everything twice.
	allName = "@"
	// maxAll is how many streams are looked at for one listing, allAtOnce how many at the same time.
	maxAll, allAtOnce = 1000, 16
	// maxNamed is how many of the streams that failed the log names.
	maxNamed = 10
)

// allDir is that directory: of starts, listed or not.
type allDir struct {
	*source
	time time.Time
}

// newAll costs no call.
func newAll(s *source, begun time.Time) *Dir {
	return &Dir{Info: Info{Path: allName, Time: begun}, names: &allDir{source: s, time: begun}}
}

// lookup finds any start.
func (a *allDir) lookup(name string) (Place, error) {
	at := path.Join(allName, name)
	start, err := a.grammar.ParseStart(name)
	if err != nil {
		return Place{}, a.noName(name, at, a.grammar.ExplainStart(name), err)
	}
	d := &allStartDir{source: a.source, path: at, start: start}
	return known(&Dir{Info: Info{Path: at, Time: start.Time}, names: d}), nil
}

// list has none of the starts: which of them have footage is told by the streams.
func (a *allDir) list(context.Context) ([]Item, error) { return nil, nil }

// allStartDir is a start of all streams: a directory of lengths.
type allStartDir struct {
	*source
	path  string
	start archive.Start
}

// lookup finds what could be the name of a clip there without its extension: any length or end.
func (a *allStartDir) lookup(name string) (Place, error) {
	at := path.Join(a.path, name)
	clip := name + string(names.Movie)
	file, err := a.grammar.ParseFile(a.start, clip)
	if err != nil || file.Cover {
		return Place{}, a.noName(name, at, a.grammar.ExplainFile(a.start, clip), errors.Join(err, archive.ErrName))
	}
	d := &allSpanDir{source: a.source, path: at, span: file.Span, clip: path.Join(path.Base(a.path), clip)}
	return known(&Dir{Info: Info{Path: at, Time: file.Span.End, attributes: d.attributes}, names: d}), nil
}

// list has the lengths that starts list, and asks nobody whether any stream has footage then.
func (a *allStartDir) list(context.Context) ([]Item, error) {
	var items []Item
	for _, length := range names.ListedLengths() {
		items = append(items, Item{names.FormatLength(length), IsDir})
	}
	return items, nil
}

// allSpanDir is a span of all streams: a link to the clip of each that has footage then.
type allSpanDir struct {
	*source
	path string
	span archive.Span
	// clip is the path of the clip in the directory of a stream.
	clip string
}

// lookup finds the link of any stream, and asks of that stream only.
func (a *allSpanDir) lookup(name string) (Place, error) {
	stream, ok := strings.CutSuffix(name, string(names.Movie))
	if !ok || !archive.StreamName(stream).Valid() {
		return Place{}, archive.ErrName
	}
	at := path.Join(a.path, name)
	return Place{Path: at, find: func(ctx context.Context) (Entry, error) {
		found, err := a.recorded(ctx, archive.StreamName(stream))
		if err == nil && !found {
			err = fmt.Errorf("stream %s, %s: %w", stream, a.span, archive.ErrNoFootage)
		}
		if err != nil && !errors.Is(err, archive.ErrNotListable) { // then the clip resolves all the same
			return nil, err
		}
		return &Link{
			Info:   Info{Path: at, Time: a.span.End, ValidUntil: time.Now().Add(edgeValid)},
			Target: path.Join("../../..", stream, a.clip),
		}, nil
	}}, nil
}

// recorded tells whether a stream has footage in the span, with one call at most.
func (a *allSpanDir) recorded(ctx context.Context, stream archive.StreamName) (bool, error) {
	v, err := a.library.View(ctx, stream, a.span.End)
	if err != nil {
		return false, err
	}
	return a.library.Recorded(ctx, v, a.span)
}

// list has the streams with footage. One that cannot be asked is left out, and the log says so; where none can, that is an error.
func (a *allSpanDir) list(ctx context.Context) ([]Item, error) {
	streams, err := a.streams(ctx)
	if err != nil {
		return nil, err
	}
	found, failed := make([]bool, len(streams)), make([]error, len(streams))
	err = parallel.Each(ctx, allAtOnce, len(streams), func(ctx context.Context, i int) error {
		found[i], failed[i] = a.recorded(ctx, streams[i].Name)
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	var items []Item
	var out []string
	var first error
	for i, s := range streams {
		switch err := failed[i]; {
		case err == nil && found[i]:
			items = append(items, Item{string(s.Name) + string(names.Movie), IsLink})
		case err != nil && !errors.Is(err, archive.ErrNoRetention) && !errors.Is(err, archive.ErrNoStream):
			out = append(out, string(s.Name))
			first = cmp.Or(first, err)
		}
	}
	switch len(out) {
	case 0:
	case len(streams):
		return orNothing(nil, first)
	default:
		a.sayLeftOut(out, first)
	}
	return items, nil
}

// streams gives those that are looked at. ErrTooBig for more than can be at once.
func (a *allSpanDir) streams(ctx context.Context) ([]archive.Stream, error) {
	all, err := a.library.Streams(ctx)
	if err != nil {
		return nil, err
	}
	streams := make([]archive.Stream, 0, len(all))
	for _, s := range all {
		if s.Name.Valid() {
			streams = append(streams, s)
		}
	}
	if len(streams) > maxAll {
		return nil, fmt.Errorf("%d streams are too many for one directory, which has %d at most: choose some with --stream-prefix: %w",
			len(streams), maxAll, archive.ErrTooBig)
	}
	return streams, nil
}

// sayLeftOut logs which streams could not be asked, and why the first of them could not.
func (a *allSpanDir) sayLeftOut(streams []string, err error) {
	more := ""
	if n := len(streams) - maxNamed; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	names := strings.Join(streams[:min(maxNamed, len(streams))], ", ") + more
	a.explained.say(slog.LevelWarn, names, a.path, "left out, as it is not known what there is: "+err.Error())
}

// attributes are why the directory cannot be listed.
func (a *allSpanDir) attributes() []Attribute {
	return []Attribute{{Name: "error", Unlisted: true, Value: func(ctx context.Context) (string, error) {
		_, err := a.streams(ctx)
		return message(err), nil
	}}}
}
