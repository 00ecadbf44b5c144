package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"clipfs/clip/archive"
	"clipfs/clip/mp4"
)

// partLength is the grid on which clipfs cuts clips of up to an hour, by default.
const partLength = time.Minute

// connections is how many downloads clipfs runs at once, by default.
const connections = 16

// payload makes one GetClip call for a span of a stream.
func (b *bench) payload(ctx context.Context, stream archive.StreamName, span archive.Span) (*archive.Payload, error) {
	fragment := 2 * time.Second
	if stream == dayStream {
		fragment = 20 * time.Second
	}
	return b.service.Payload(ctx, archive.PayloadQuery{Stream: stream, Span: span, Fragments: int(span.Length() / fragment)})
}

// head makes one GetClip call and reads its head: everything up to the first byte of media.
func (b *bench) head(ctx context.Context, stream archive.StreamName, span archive.Span) (*mp4.Movie, error) {
	p, err := b.payload(ctx, stream, span)
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.Body.Close() }() // it is given up
	_, movie, err := scanHead(p.Body)
	return movie, err
}

// scanHead reads an MP4 up to the first byte of its media, and gives where that is.
func scanHead(r io.Reader) (media int64, movie *mp4.Movie, err error) {
	for s := mp4.NewScanner(r); ; {
		box, err := s.Next()
		if err != nil {
			return 0, nil, fmt.Errorf("head: %w", err)
		}
		switch box.Type {
		case mp4.TypeMoov:
			moov, err := mp4.ReadMoov(box)
			if err != nil {
				return 0, nil, err
			}
			if movie, err = mp4.ParseMovie(moov); err != nil {
				return 0, nil, err
			}
		case mp4.TypeMdat:
			if movie == nil {
				return 0, nil, errors.New("moov comes last")
			}
			return s.Position(), movie, nil
		}
	}
}

// listFragments lists the fragments of a span.
func (b *bench) listFragments(ctx context.Context, stream archive.StreamName, span archive.Span) (n int, err error) {
	for _, err := range b.service.Fragments(ctx, archive.FragmentQuery{Stream: stream, Span: span}) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// fetchParts makes the GetClip calls of a clip of up to an hour, as many at once as clipfs does, and gives how many
// bytes came.
func (b *bench) fetchParts(ctx context.Context, stream archive.StreamName, span archive.Span) (int64, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(connections)
	sizes := make([]int64, int(span.Length()/partLength))
	for i := range sizes {
		group.Go(func() error {
			at := span.Start.Add(time.Duration(i) * partLength)
			p, err := b.payload(ctx, stream, archive.Span{Start: at, End: at.Add(partLength)})
			if err != nil {
				return err
			}
			sizes[i], err = io.Copy(io.Discard, p.Body)
			return errors.Join(err, p.Body.Close())
		})
	}
	err := group.Wait()
	total := int64(0)
	for _, n := range sizes {
		total += n
	}
	return total, err
}

// fetchHeadsFirst makes the same calls, and reads on from none before the heads of all have come: what a clip costs of whose media nothing may come before it
// is read.
func (b *bench) fetchHeadsFirst(ctx context.Context, stream archive.StreamName, span archive.Span) (int64, error) {
	payloads := make([]*archive.Payload, int(span.Length()/partLength))
	var heads, media errgroup.Group
	for i := range payloads {
		heads.Go(func() error {
			at := span.Start.Add(time.Duration(i) * partLength)
			p, err := b.payload(ctx, stream, archive.Span{Start: at, End: at.Add(partLength)})
			if err != nil {
				return err
			}
			payloads[i] = p
			_, _, err = scanHead(p.Body)
			return err
		})
	}
	err, total := heads.Wait(), int64(0)
	media.SetLimit(connections)
	for _, p := range payloads {
		if p == nil {
			continue
		}
		total += p.Length
		media.Go(func() error {
			if err != nil {
				return p.Body.Close()
			}
			_, err := io.Copy(io.Discard, p.Body)
			return errors.Join(err, p.Body.Close())
		})
	}
	return total, errors.Join(err, media.Wait())
}
