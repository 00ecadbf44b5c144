package chunk

import (
	"context"
	"errors"
	"io"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/wire"
)

// Reading is a reading of a stream that has its place in it, and stays there until Stream.
type Reading struct {
	reader *reader
	err    error
}

// Begin begins where a selector says at the moment: what NOW is was settled when the call came.
func Begin(sel Selector, from From) *Reading {
	r, err := newReader(sel, from)
	return &Reading{r, err}
}

// Stream writes the chunks of GetMedia, and calls each behind every one. It ends where the stream is gone or all is written that there is, unless it
// is to follow what comes, and with the failures that the reference has, without an error. Errors are those of ctx, w and each. It is called once.
func (g *Reading) Stream(ctx context.Context, w io.Writer, follow bool, each func() error) error {
	r, err := g.reader, g.err
	for err == nil {
		var f footage.Fragment
		f, behind, next := r.next(ctx, follow)
		if err = next; err == nil {
			err = writeMedia(w, f, behind)
		}
		if err == nil {
			err = each()
		}
	}
	switch {
	case errors.Is(err, io.EOF), errors.As(err, new(*wire.Error)):
		return nil
	case errors.Is(err, errNotFound), errors.As(err, new(*mediaError)):
		return writeFailure(w, failureOf(err))
	}
	return err
}

// List writes the chunks of GetMediaForFragmentList for some numbers, and calls each behind every one. The first fragment that cannot be
// had ends it, without an error. Errors are those of w and each.
func List(w io.Writer, numbers []string, found map[string]footage.Fragment, each func() error) error {
	for _, number := range numbers {
		f, ok := found[number]
		if !ok {
			return writeException(w, number, notFound())
		}
		err := writeListed(w, f)
		if errors.As(err, new(*mediaError)) {
			return writeException(w, number, failureOf(err))
		}
		if err != nil {
			return err
		}
		if err := each(); err != nil {
			return err
		}
	}
	return nil
}
