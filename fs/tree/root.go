package tree

import (
	"context"
	"log/slog"
	"time"

	"clipfs/clip/archive"
)

// rootDir is the streams.
type rootDir struct {
	*source
	// begun is the time of what has none of its own.
	begun time.Time
	// status is .clipfs; nil where there is none.
	status *Dir
}

// lookup finds any stream that there is, listed or not.
func (r *rootDir) lookup(name string) (Place, error) {
	if name == statusDirName && r.status != nil {
		return known(r.status), nil
	}
	if name == allName {
		return known(newAll(r.source, r.begun)), nil
	}
	if !archive.StreamName(name).Valid() {
		return Place{}, archive.ErrName
	}
	return Place{Path: name, find: func(ctx context.Context) (Entry, error) {
		found, err := r.library.Stream(ctx, archive.StreamName(name))
		if err != nil {
			return nil, err
		}
		at := found.Created
		if at.IsZero() {
			at = r.begun
		}
		return newStream(r.source, archive.StreamName(name), at), nil
	}}, nil
}

func (r *rootDir) list(ctx context.Context) ([]Item, error) {
	streams, err := r.library.Streams(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]Item, 0, len(streams))
	for _, s := range streams {
		if !s.Name.Valid() {
			r.explained.say(slog.LevelWarn, string(s.Name), "/", "the stream is not listed, its name cannot be that of a directory")
			continue
		}
		items = append(items, Item{Name: string(s.Name), Kind: IsDir})
	}
	return items, nil
}
