package kvs

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aws/smithy-go/middleware"

	"clipfs/clip/archive"
	"clipfs/clip/kvs/archivedmedia"
	"clipfs/clip/quota"

	controltypes "github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
)

const (
	// maxFragmentID is the longest fragment number, in digits (API reference, Fragment, FragmentNumber).
	maxFragmentID = 128
	// maxFragmentLength bounds what is believed of a fragment's length; the service takes up to 20 s.
	maxFragmentLength = 24 * time.Hour
)

// Fragments implements archive.Service. Fragments are as the service gives them: one that it lists twice comes twice.
func (a *Archive) Fragments(ctx context.Context, q archive.FragmentQuery) iter.Seq2[archive.Fragment, error] {
	return func(yield func(archive.Fragment, error) bool) {
		selection, err := a.selection(q)
		if err != nil {
			yield(archive.Fragment{}, err)
			return
		}
		most := archivedmedia.MaxResults
		if q.Limit > 0 {
			most = min(most, q.Limit)
		}
		given := 0
		var pages pages
		for more := !q.Span.Empty(); more; {
			page := most
			if q.Page != nil {
				page = max(1, min(most, q.Page(given)))
			}
			var found []archive.Fragment
			if found, more, err = a.fragmentsPage(ctx, q, selection, page, &pages); err != nil {
				yield(archive.Fragment{}, err)
				return
			}
			for _, f := range found {
				// The service's range is up to its end.
				if !q.Span.Contains(f.Time(q.Selector)) {
					continue
				}
				if !yield(f, nil) {
					return
				}
				if given++; given == q.Limit {
					return
				}
			}
		}
	}
}

// selection says which fragments a query is about. A range of one millisecond is asked for as two.
func (a *Archive) selection(q archive.FragmentQuery) (s archivedmedia.Selection, err error) {
	s = archivedmedia.Selection{StreamName: string(q.Stream), By: q.Selector, Start: q.Span.Start, End: q.Span.LastInstant()}
	if !s.End.After(s.Start) {
		s.End = s.Start.Add(archive.Grain)
	}
	return s, checkName(q.Stream)
}

// fragmentsPage gets one page of a listing, of at most so many fragments, and moves pages on.
func (a *Archive) fragmentsPage(ctx context.Context, q archive.FragmentQuery, s archivedmedia.Selection, most int, p *pages) (
	found []archive.Fragment, more bool, err error,
) {
	c := a.newCall(opListFragments, q.Stream, cost{quota.Metadata, most})
	c.demand = q.Priority
	c.answered = func(sent time.Time) { a.pace.Answered(quota.Key{Stream: q.Stream, Quota: quota.Metadata}, sent) }
	var page archivedmedia.Page
	var metadata middleware.Metadata
	err = c.onEndpoint(ctx, endpointKey{q.Stream, controltypes.APINameListFragments}, func(endpoint string) (err error) {
		page, metadata, err = a.media.ListFragments(ctx, c.mediaOptions(endpoint, true), s, most, p.token)
		return err
	})
	if err != nil {
		return nil, false, c.end(ctx, middleware.Metadata{}, err)
	}
	found = make([]archive.Fragment, 0, len(page.Fragments))
	for _, given := range page.Fragments {
		f, err := newFragment(*given)
		if err != nil {
			return nil, false, c.end(ctx, metadata, err)
		}
		found = append(found, f)
		if page.NextToken != nil { // whether the listing goes on is for its next page to tell
			p.note(string(f.ID))
		}
	}
	more, err = p.next(page.NextToken)
	return found, more, c.end(ctx, metadata, err)
}

// newFragment gives a fragment that the service lists. One that cannot be is an ErrAnswer: to leave it out would be to
// lose footage without a word.
func newFragment(f archivedmedia.Fragment) (archive.Fragment, error) {
	id := f.FragmentNumber
	if !validFragmentID(id) {
		return archive.Fragment{}, fmt.Errorf("%w: fragment number %q", ErrAnswer, id)
	}
	if f.ProducerTimestamp == nil || f.ServerTimestamp == nil || f.ProducerTimestamp.Unix() < 0 || f.ServerTimestamp.Unix() < 0 {
		return archive.Fragment{}, fmt.Errorf("%w: fragment %s: no time of its start", ErrAnswer, id)
	}
	if f.FragmentSizeInBytes < 0 {
		return archive.Fragment{}, fmt.Errorf("%w: fragment %s: size %d", ErrAnswer, id, f.FragmentSizeInBytes)
	}
	if ms := f.FragmentLengthInMilliseconds; ms < 0 || ms > maxFragmentLength.Milliseconds() {
		return archive.Fragment{}, fmt.Errorf("%w: fragment %s: length %d ms", ErrAnswer, id, ms)
	}
	return archive.Fragment{
		ID:       archive.FragmentID(id),
		Producer: f.ProducerTimestamp.Time,
		Server:   f.ServerTimestamp.Time,
		Length:   time.Duration(f.FragmentLengthInMilliseconds) * time.Millisecond,
		Size:     f.FragmentSizeInBytes,
	}, nil
}

// validFragmentID tells whether a fragment number is decimal digits.
func validFragmentID(id string) bool {
	if id == "" || len(id) > maxFragmentID {
		return false
	}
	for _, c := range []byte(id) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
