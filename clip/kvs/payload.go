package kvs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"clipfs/clip/archive"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"

	controltypes "github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	smithyhttp "github.com/aws/smithy-go/transport/http"

	"clipfs/clip/kvs/archivedmedia"
	"clipfs/clip/kvs/archivedmedia/types"
)

// existsTimeout bounds the question that tells a stream without footage from one that does not exist.
const existsTimeout = 5 * time.Second

// Payload implements archive.Service. A span of one millisecond costs a ListFragments more.
func (a *Archive) Payload(ctx context.Context, q archive.PayloadQuery) (*archive.Payload, error) {
	in, err := a.getClipInput(ctx, q)
	if err != nil {
		return nil, err
	}
	points := max(cmp.Or(q.Fragments, q.Likely), 1)
	costs := []cost{{quotaMetadata, points}, {quotaMedia, points}}
	c := a.newCall("GetClip", q.Stream, costs...)
	c.demand, c.refused = q.Priority, q.Refused
	var out *archivedmedia.GetClipOutput
	traced, unread := noteConnection(ctx)
	err = c.onEndpoint(traced, endpointKey{q.Stream, controltypes.APINameGetClip}, func(endpoint string) (err error) {
		out, err = a.media.GetClip(traced, in, c.mediaOptions(endpoint))
		return err
	})
	if err != nil {
		err = c.end(ctx, middleware.Metadata{}, err)
		if c.isNotFound(err) {
			for _, cost := range costs { // it brought no fragment
				a.pace.giveBack(paceKey{q.Stream, cost.quota}, points-1)
			}
			err = a.noFootage(ctx, c, q)
		}
		return nil, err
	}
	_ = c.end(ctx, out.ResultMetadata, nil) // it only logs
	payload := &archive.Payload{
		ContentType: aws.ToString(out.ContentType),
		Length:      -1,
		Unread:      unread,
		Body: &body{inner: out.Payload, explain: func(err error) error {
			return c.explainBody(ctx, err)
		}},
	}
	if resp, ok := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response); ok && resp.ContentLength >= 0 {
		payload.Length = resp.ContentLength
	}
	return payload, nil
}

// isNotFound tells whether the service answered GetClip itself, and not the call for its endpoint, with "not found".
func (c *call) isNotFound(err error) bool {
	return errors.Is(err, archive.ErrNoStream) && codeOf(c.attempts.lastFailure(nil)) == "ResourceNotFoundException"
}

// noFootage tells apart the two things that GetClip calls ResourceNotFoundException: no fragment in the range, and no
// such stream. Only the text of the error differs. The known text for footage saves a call, as a clip without a listing can
// have a thousand minutes that are empty; whatever else it says, the stream is asked for. Where that is not permitted or
// fails, it is the footage that is missing: the stream has just had a data endpoint.
func (a *Archive) noFootage(ctx context.Context, c *call, q archive.PayloadQuery) error {
	var api smithy.APIError
	if errors.As(c.attempts.lastFailure(nil), &api) && saysNoFragments(api.ErrorMessage()) {
		return c.fail(archive.ErrNoFootage, q.Span.String(), nil)
	}
	asked, cancel := context.WithTimeout(ctx, existsTimeout)
	defer cancel()
	if _, err := a.Stream(asked, q.Stream); errors.Is(err, archive.ErrNoStream) {
		return err
	}
	if ctx.Err() != nil {
		if gone := cancelled(ctx); gone != nil {
			return c.fail(gone, "", nil)
		}
	}
	return c.fail(archive.ErrNoFootage, q.Span.String(), nil)
}

// getClipInput gives the request.
func (a *Archive) getClipInput(ctx context.Context, q archive.PayloadQuery) (*archivedmedia.GetClipInput, error) {
	byName, byARN, err := a.identify(q.Stream)
	if err != nil {
		return nil, err
	}
	if q.Span.Empty() || q.Span.Length() > archive.MaxSpan {
		return nil, fmt.Errorf("stream %s: span %s: want more than 0 and at most %s: %w", q.Stream, q.Span, archive.MaxSpan,
			archive.ErrInvalid)
	}
	start, end, err := a.wireRange(ctx, q)
	if err != nil {
		return nil, err
	}
	selector := types.ClipFragmentSelectorTypeProducerTimestamp
	if q.Selector == archive.ByServer {
		selector = types.ClipFragmentSelectorTypeServerTimestamp
	}
	return &archivedmedia.GetClipInput{
		ClipFragmentSelector: &types.ClipFragmentSelector{
			FragmentSelectorType: selector,
			TimestampRange:       &types.ClipTimestampRange{StartTimestamp: &start, EndTimestamp: &end},
		},
		StreamName: byName, StreamARN: byARN,
	}, nil
}

// wireRange gives the range that has the fragments of the span and no others. Its end is inclusive, and has to be later
// than its start (API reference, ClipTimestampRange), so a span of one millisecond is asked for together with the
// millisecond after or before, whichever has no fragment; it is invalid if both have one.
func (a *Archive) wireRange(ctx context.Context, q archive.PayloadQuery) (start, end time.Time, err error) {
	start, end = q.Span.Start, q.Span.LastInstant()
	if end.After(start) {
		return start, end, nil
	}
	before, after := start.Add(-archive.Grain), q.Span.End
	var isBefore, isAfter bool
	for f, err := range a.Fragments(ctx, archive.FragmentQuery{
		Stream: q.Stream, Selector: q.Selector, Span: archive.Span{Start: before, End: after.Add(archive.Grain)},
	}) {
		if err != nil {
			return start, end, err
		}
		isBefore = isBefore || f.Time(q.Selector).Equal(before)
		isAfter = isAfter || f.Time(q.Selector).Equal(after)
	}
	switch {
	case !isAfter:
		return start, after, nil
	case !isBefore:
		return before, start, nil
	}
	return start, end, fmt.Errorf("stream %s: span %s: fragments start on all sides: %w", q.Stream, q.Span, archive.ErrInvalid)
}

// explainBody gives the error for a body that ended before its end.
func (c *call) explainBody(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		c.troubled(err)
		return c.fail(archive.ErrUnreachable, "body cut: "+c.tidy(err.Error()), err)
	}
	if gone := cancelled(ctx); gone != nil {
		if errors.Is(gone, archive.ErrUnreachable) { // given up for its silence
			c.troubled(fmt.Errorf("%w: %w", errSilent, gone))
		}
		return c.fail(gone, "", nil)
	}
	return c.fail(fmt.Errorf("%w: %w", archive.ErrUnreachable, ctx.Err()), "body not read before the deadline", nil)
}

// body is the body of a payload. Its errors are those of package clip.
type body struct {
	inner   io.ReadCloser
	explain func(error) error
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.inner.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.explain(err)
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error { return b.inner.Close() }
