package shared

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"clipfs/clip/archive"
)

// Describe describes a stream of the archive; archive.ErrNoStream if there is none of that name.
type Describe func(context.Context, archive.StreamName) (archive.Stream, error)

// Expired yields the objects that no host reads any more, because the archive has let go of footage in them: by the present retention
// of their stream, or with the stream itself. Only those that match, if that is not nil, are looked at. What lies in folders of another
// account or region is left out, and so is what is damaged, as Verify finds that. An error ends the sequence.
func Expired(ctx context.Context, b Bucket, prefix string, k Key, describe Describe, match func(Entry) bool) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		found, err := fatesOf(ctx, b, prefix, k, describe, match)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		for e, err := range Names(ctx, b, prefix, k) {
			over := false
			if err == nil && (match == nil || match(e)) {
				over, err = found.over(ctx, b, k, &e)
			}
			if (err != nil || over) && (!yield(e, err) || err != nil) {
				return
			}
		}
	}
}

// fates has the present streams of folders, by folder. A stream that is there no more has no ARN.
type fates map[string]archive.Stream

// fatesOf describes the streams of all folders in which something matches. Where that tells nothing of the account and the region of one that is
// there no more, others of these are described too.
func fatesOf(ctx context.Context, b Bucket, prefix string, k Key, describe Describe, match func(Entry) bool) (fates, error) {
	wanted := make(map[string]bool) // by folder: whether anything matches
	for e, err := range Names(ctx, b, prefix, k) {
		if err != nil {
			return nil, err
		}
		wanted[e.Name.Stream] = wanted[e.Name.Stream] || match == nil || match(e)
	}
	found, homes, missing := make(fates), make(map[string]bool), make(map[string]bool)
	ask := func(folder string) error {
		name := (Name{Stream: folder}).StreamName()
		stream, err := describe(ctx, name)
		switch {
		case errors.Is(err, archive.ErrNoStream):
			missing[folder] = true
			return nil
		case err != nil:
			return fmt.Errorf("retention of stream %s: %w", name, err)
		}
		now, ok := FolderOf(stream)
		if !ok || homeOf(now) != homeOf(folder) {
			return nil // another stream of that name
		}
		if homes[homeOf(now)] = true; now != folder {
			stream = archive.Stream{Name: name} // it was made again
		}
		found[folder] = stream
		return nil
	}
	for _, folder := range slices.Sorted(maps.Keys(wanted)) {
		if wanted[folder] {
			if err := ask(folder); err != nil {
				return nil, err
			}
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(missing)) { // only another stream tells which archive it was of
		home := homeOf(folder)
		for _, other := range slices.Sorted(maps.Keys(wanted)) {
			if _, asked := found[other]; asked || missing[other] || homes[home] || homeOf(other) != home {
				continue
			}
			if err := ask(other); err != nil && !errors.Is(err, archive.ErrDenied) { // then the next one tells
				return nil, err
			}
		}
	}
	for folder := range missing {
		if homes[homeOf(folder)] {
			found[folder] = archive.Stream{Name: (Name{Stream: folder}).StreamName()}
		}
	}
	return found, nil
}

// homeOf gives the account and the region of a folder.
func homeOf(folder string) string {
	f := strings.Split(folder, "/")
	return f[0] + "/" + f[1]
}

// over reports whether no host reads an object any more, and reads its header where only that tells.
func (f fates) over(ctx context.Context, b Bucket, k Key, e *Entry) (bool, error) {
	stream, known := f[e.Name.Stream]
	switch {
	case !known:
		return false, nil
	case stream.ARN == "", gone(Header{Ingested: e.Modified}, stream): // it was written after the archive had its footage
		return true, nil
	}
	h, err := examine(ctx, b, e.Item.Name, e.Name, k, false)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrObject):
		return false, nil
	case err != nil:
		return false, err
	}
	e.Header = h
	return gone(h, stream), nil
}
