package kvs

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"clipfs/clip/archive"

	controltypes "github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/aws/smithy-go/middleware"

	"clipfs/clip/kvs/archivedmedia"
	"clipfs/clip/kvs/archivedmedia/types"
)

const (
	// fragmentsPage is the most fragments that one ListFragments gives (API reference, ListFragments, MaxResults).
	fragmentsPage = 1000
	// maxFragmentID is the longest fragment number, in digits (API reference, Fragment, FragmentNumber).
	maxFragmentID = 128
	// maxFragmentLength bounds what is believed of a fragment's length; the service takes up to 20 s.
	maxFragmentLength = 24 * time.Hour
)

// Fragments implements archive.Service. Fragments are as the service gives them: one that it lists twice comes twice.
func (a *Archive) Fragments(ctx context.Context, q archive.FragmentQuery) iter.Seq2[archive.Fragment, error] {
	return func(yield func(archive.Fragment, error) bool) {
		in, err := a.listFragmentsInput(q)
		if err != nil {
			yield(archive.Fragment{}, err)
			return
		}
		given := 0
		var pages pages
		for more := !q.Span.Empty(); more; {
			in.NextToken = pages.token
			var found []archive.Fragment
			if found, more, err = a.fragmentsPage(ctx, q, in, &pages); err != nil {
				yield(archive.Fragment{}, err)
				return
			}
			for _, f := range found {
				// The service's range is up to its end, and a range of one millisecond is asked for as two.
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

// listFragmentsInput gives the request of the first page.
func (a *Archive) listFragmentsInput(q archive.FragmentQuery) (*archivedmedia.ListFragmentsInput, error) {
	byName, byARN, err := a.identify(q.Stream)
	if err != nil {
		return nil, err
	}
	results := int64(fragmentsPage)
	if q.Limit > 0 {
		results = min(results, int64(q.Limit))
	}
	selector := types.FragmentSelectorTypeProducerTimestamp
	if q.Selector == archive.ByServer {
		selector = types.FragmentSelectorTypeServerTimestamp
	}
	end := q.Span.LastInstant()
	if !end.After(q.Span.Start) {
		end = q.Span.Start.Add(archive.Grain)
	}
	return &archivedmedia.ListFragmentsInput{
		FragmentSelector: &types.FragmentSelector{
			FragmentSelectorType: selector,
			TimestampRange:       &types.TimestampRange{StartTimestamp: aws.Time(q.Span.Start), EndTimestamp: aws.Time(end)},
		},
		MaxResults: &results, StreamName: byName, StreamARN: byARN,
	}, nil
}

// fragmentsPage gets one page of a listing and moves pages on.
func (a *Archive) fragmentsPage(ctx context.Context, q archive.FragmentQuery, in *archivedmedia.ListFragmentsInput, p *pages) (
	found []archive.Fragment, more bool, err error,
) {
	c := a.newCall(opListFragments, q.Stream, cost{quotaMetadata, int(*in.MaxResults)})
	var out *archivedmedia.ListFragmentsOutput
	err = c.onEndpoint(ctx, endpointKey{q.Stream, controltypes.APINameListFragments}, func(endpoint string) (err error) {
		out, err = a.media.ListFragments(ctx, in, c.mediaOptions(endpoint), func(o *archivedmedia.Options) {
			o.HTTPClient = c.silenceClient(true)
		})
		return err
	})
	if err != nil {
		return nil, false, c.end(ctx, middleware.Metadata{}, err)
	}
	for i := range out.Fragments {
		f, err := newFragment(&out.Fragments[i])
		if err != nil {
			return nil, false, c.end(ctx, out.ResultMetadata, err)
		}
		found = append(found, f)
		p.note(string(f.ID))
	}
	more, err = p.next(out.NextToken)
	return found, more, c.end(ctx, out.ResultMetadata, err)
}

// newFragment gives a fragment that the service lists. One that cannot be is an ErrAnswer: to leave it out would be to
// lose footage without a word.
func newFragment(f *types.Fragment) (archive.Fragment, error) {
	id := aws.ToString(f.FragmentNumber)
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
		Producer: f.ProducerTimestamp.UTC(),
		Server:   f.ServerTimestamp.UTC(),
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
