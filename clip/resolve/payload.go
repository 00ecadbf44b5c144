package resolve

import (
	"fmt"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/match"
	"clipfs/clip/mp4"
)

// Payload tells which call brings a part of a stream, whose spans select fragments by a clock, and what that has to be.
func (p Part) Payload(stream archive.Stream, by archive.Selector) download.Payload {
	last := p.Fragments[len(p.Fragments)-1]
	oldest := last.Server
	for _, f := range p.Fragments {
		if f.Server.Before(oldest) {
			oldest = f.Server
		}
	}
	expected := match.MomentsOf(p.Fragments, by)
	own := download.Payload{
		Key: p.Key, Stream: stream, Query: p.Query(stream.Name, by), Start: p.Fragments[0].Time(by),
		Least: func(video *mp4.Track) error { return hasAll(video, expected) },
		Bytes: p.Bytes(), End: last.Time(by).Add(last.Length), Expires: Expiry(oldest, stream), Opening: p.Opening,
		Shared: p.Asked == nil && len(p.Over) == 0 && p.clear(by),
	}
	if own.Key == "" {
		own.Key = keyOf(by, stream, p.Part)
	}
	return own
}

// Expiry is when a stream lets go of what it got at a time; where that is not known, of what it gets now.
func Expiry(got time.Time, stream archive.Stream) time.Time {
	if got.IsZero() {
		got = time.Now()
	}
	return got.Add(stream.Retention)
}

// shortError: a payload has less than the timeline says. It is a download.ErrLess.
type shortError struct {
	detail string
	// hole is the run of the fragments asked for that has no picture, [from, to), where that is known.
	hole  [2]int
	shown match.Shown
}

// Error implements error.
func (e *shortError) Error() string { return e.detail }

// Unwrap gives the sentinel.
func (e *shortError) Unwrap() error { return download.ErrLess }

// hasAll makes sure that the service did not cut a payload, by its video.
func hasAll(video *mp4.Track, expected []match.Moment) error {
	pictures, err := match.ShownOf(video)
	if err != nil {
		return download.Wrong("%w", err)
	}
	if what, hole := pictures.Lacks(expected); what != "" {
		return &shortError{detail: "payload has " + what, hole: hole, shown: pictures}
	}
	return nil
}

// shownIn gives the pictures of a head; none where it has no video.
func shownIn(h download.Head) (*match.Shown, error) {
	movie, err := mp4.ParseMovie(h.Moov)
	if err != nil {
		return nil, fmt.Errorf("payload: %w: %w", archive.ErrMedia, err)
	}
	if movie.Video() == nil {
		return &match.Shown{}, nil
	}
	pictures, err := match.ShownOf(movie.Video())
	if err != nil {
		return nil, download.Wrong("%w", err)
	}
	return &pictures, nil
}
