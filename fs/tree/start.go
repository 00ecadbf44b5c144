package tree

import (
	"context"
	"errors"
	"log/slog"
	"path"
	"slices"
	"strconv"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/timeline"
)

// nothingYet is said of a start that is still to come and has nothing.
const nothingYet = "nothing is recorded yet, it is in the future"

// startDir is the directory of a start, under the name by which it was looked up: a day, an hour, a minute or an
// instant.
type startDir struct {
	*source
	stream archive.StreamName
	path   string
	start  archive.Start
}

// newStart costs no call.
func newStart(s *source, stream archive.StreamName, at string, of archive.Start) *Dir {
	d := &startDir{source: s, stream: stream, path: at, start: of}
	return &Dir{Info: Info{Path: at, Time: of.Time, attributes: d.attributes}, Period: s.grammar.Period(of), names: d}
}

// lookup finds a form of a clip, or a finer start, listed or not.
func (d *startDir) lookup(name string) (Place, error) {
	at := path.Join(d.path, name)
	if name == runsName && d.start.Precision == archive.Day {
		return known(newRuns(d.source, d.stream, at, d.start)), nil
	}
	if finer, err := d.grammar.ParseWithin(d.start, name); err == nil {
		return known(newStart(d.source, d.stream, at, finer)), nil
	}
	file, err := d.grammar.ParseFile(d.start, name)
	if err != nil {
		return Place{}, d.noName(name, at, d.grammar.ExplainFile(d.start, name), err)
	}
	return d.filePlace(d.stream, at, file, func(err error) {
		if errors.Is(err, archive.ErrNoFootage) {
			d.sayNothingYet()
		}
	}), nil
}

// list has what has footage. As a rule a day lists its hours, an hour its minutes and itself as one clip, everything
// else the listed lengths (names.Listed).
func (d *startDir) list(ctx context.Context) ([]Item, error) {
	var (
		starts []archive.Start
		err    error
	)
	listsRuns, runsOnly := d.library.Listed().ListsDir(runsName)
	switch d.start.Precision {
	case archive.Day:
		if runsOnly {
			return d.listRuns(ctx)
		}
		starts, err = d.library.DayHours(ctx, d.stream, d.start)
	case archive.Hour:
		if d.library.Listed().Finer(archive.Hour) {
			starts, err = d.library.Minutes(ctx, d.stream, d.start)
		}
	}
	if err != nil {
		return orNothing(nil, err)
	}
	lengths, err := d.library.Lengths(ctx, d.stream, d.start)
	if err == nil && len(starts)+len(lengths) == 0 {
		d.sayNothingYet()
	}
	items := append(d.startItems(starts), d.fileItems(lengths)...)
	if d.start.Precision == archive.Day && listsRuns && len(items) > 0 {
		items = append(items, Item{runsName, IsDir})
	}
	return orNothing(append(items, d.wholeItems(starts, lengths)...), err)
}

// listRuns lists nothing but the runs of a day that has any.
func (d *startDir) listRuns(ctx context.Context) ([]Item, error) {
	period := d.grammar.Period(d.start)
	v, err := d.library.View(ctx, d.stream, period.End)
	if err != nil {
		return orNothing(nil, err)
	}
	found, err := d.library.Recorded(ctx, v, period)
	if err != nil || !found {
		return orNothing(nil, err)
	}
	return []Item{{runsName, IsDir}}, nil
}

// wholeItems lists forms of the clip of all of a day or an hour, where what is listed there says that it has footage.
func (d *startDir) wholeItems(starts []archive.Start, lengths []time.Duration) []Item {
	if d.start.Precision > archive.Hour {
		return nil
	}
	whole := archive.NewSpan(d.start.Time, min(d.grammar.Period(d.start).Length(), archive.MaxSpan))
	if len(lengths) == 0 && (len(starts) == 0 || !whole.Contains(starts[0].Time)) {
		return nil
	}
	var items []Item
	for _, f := range forms() {
		beside := slices.Contains(lengths, whole.Length()) && f.lists(d.library.Listed())
		if !beside && f.listsWhole(d.library.Listed(), d.start.Precision) {
			items = append(items, Item{Name: d.grammar.FormatFile(whole.Length(), f.extension), Kind: IsFile})
		}
	}
	return items
}

// isFuture tells whether the start is still to come. Its directory is there, since the name is one, and is empty unless
// a producer's clock is ahead.
func (d *startDir) isFuture() bool { return d.start.Time.After(time.Now()) }

// sayNothingYet logs that a start that is still to come has nothing.
func (d *startDir) sayNothingYet() {
	if d.isFuture() {
		d.explained.say(slog.LevelInfo, d.grammar.FormatStart(d.start.Time, d.start.Precision), d.path, nothingYet)
	}
}

// footage costs the listing of the directory's period.
func (d *startDir) footage(ctx context.Context) (timeline.Footage, error) {
	return d.library.Footage(ctx, d.stream, d.grammar.Period(d.start))
}

// attributes are how much footage the directory's period has, and when its first and last fragment start. Of one that
// is still to come the note says so.
func (d *startDir) attributes() []Attribute {
	all := append(edges(d.footage), ofFootage("footage", d.footage, func(f timeline.Footage) string {
		return strconv.FormatFloat(f.Length.Seconds(), 'f', -1, 64)
	}))
	if d.isFuture() {
		all = append(all, Attribute{Name: "note", Value: d.note})
	}
	return append(all, d.listingError(d.stream))
}

// note is nothingYet where there is nothing.
func (d *startDir) note(ctx context.Context) (string, error) {
	_, err := d.footage(ctx)
	if errors.Is(err, archive.ErrNoFootage) {
		return nothingYet, nil
	}
	return "", err
}
