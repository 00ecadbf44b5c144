package tree

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/hls"
	"clipfs/clip/names"
	"clipfs/clip/still"
)

// source is what directories are made of.
type source struct {
	library *clip.Library
	// stills is nil where there are none.
	stills    *still.Stills
	grammar   names.Grammar
	explained *explainer
	publisher *hls.Publisher
	// asked is what the name of a file tells besides its clip, where one is made.
	asked asked
}

// asked is where a file is and at which position of a playlist.
type asked struct {
	path     string
	position time.Duration
}

// startItems lists starts.
func (s *source) startItems(starts []archive.Start) []Item {
	items := make([]Item, 0, len(starts))
	for _, start := range starts {
		items = append(items, Item{Name: s.grammar.FormatStart(start.Time, start.Precision), Kind: IsDir})
	}
	return items
}

// fileItems lists clips of some lengths, in the forms that are listed.
func (s *source) fileItems(lengths []time.Duration) []Item {
	var items []Item
	for _, length := range lengths {
		for _, f := range forms() {
			if f.lists(s.library.Listed()) {
				items = append(items, Item{Name: s.grammar.FormatFile(length, f.extension), Kind: IsFile})
			}
		}
	}
	return items
}

// filePlace is where the form of a clip of a stream is, of a span that a name gives. failed is told why it was not found.
func (s *source) filePlace(stream archive.StreamName, at string, file names.File, failed func(error)) Place {
	find := s.library.Clip
	if file.Cover {
		find = s.library.Cover
	}
	return formOf(file.Form).place(s, asked{at, file.Position}, func(ctx context.Context) (*clip.Clip, error) {
		c, err := find(ctx, stream, file.Span)
		if err != nil {
			failed(err)
		}
		return c, err
	})
}

// orNothing is the listing of a directory. It is empty without footage, and where the fragments of a stream may not be
// listed.
func orNothing(items []Item, err error) ([]Item, error) {
	if errors.Is(err, archive.ErrNoFootage) || errors.Is(err, archive.ErrNoRetention) || errors.Is(err, archive.ErrNotListable) {
		return nil, nil
	}
	return items, err
}

// noName explains once in the log why a name is none, where that is known, and tells it of the error.
func (s *source) noName(name, path, reason string, err error) error {
	s.explained.say(slog.LevelInfo, name, path, reason)
	if reason == "" {
		return err
	}
	return fmt.Errorf("%s: %s: %w", name, reason, archive.ErrName)
}
