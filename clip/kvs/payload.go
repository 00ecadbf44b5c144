package kvs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"clipfs/clip/archive"
	"clipfs/clip/kvs/archivedmedia"
	"clipfs/clip/kvs/arrivals"
	"clipfs/clip/quota"

	controltypes "github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
)

// existsTimeout bounds the question that tells a stream without footage from one that does not exist.
const existsTimeout = 5 * time.Second

// Payload implements archive.Service. A span of one millisecond costs a ListFragments more.
func (a *Archive) Payload(ctx context.Context, q archive.PayloadQuery) (*archive.Payload, error) {
	selection, err := a.clipSelection(ctx, q)
	if err != nil {
		return nil, err
	}
	points := max(cmp.Or(q.Fragments, q.Likely), 1)
	costs := []cost{{quota.Metadata, points}, {quota.Media, points}}
	c := a.newCall("GetClip", q.Stream, costs...)
	c.demand, c.refused = q.Priority, q.Refused
	c.answered = func(sent time.Time) { a.pace.Answered(quota.Key{Stream: q.Stream, Quota: quota.Media}, sent) }
	var clip archivedmedia.Clip
	var metadata middleware.Metadata
	traced, answer := arrivals.Note(ctx)
	err = c.onEndpoint(traced, endpointKey{q.Stream, controltypes.APINameGetClip}, func(endpoint string) (err error) {
		clip, metadata, err = a.media.GetClip(traced, c.mediaOptions(endpoint, false), selection)
		return err
	})
	if err != nil {
		err = c.end(ctx, middleware.Metadata{}, err)
		if c.isNotFound(err) {
			for _, cost := range costs { // it brought no fragment
				a.pace.GiveBack(quota.Key{Stream: q.Stream, Quota: cost.quota}, points-1)
			}
			err = a.noFootage(ctx, c, q.Span)
		}
		return nil, err
	}
	_ = c.end(ctx, metadata, nil) // it only logs
	return &archive.Payload{
		Length: clip.Length,
		Unread: func() int64 { return answer.Unread(clip.Body) },
		Body: &body{inner: clip.Body, explain: func(err error) error {
			return c.explainBody(ctx, err)
		}},
	}, nil
}

// isNotFound tells whether the service answered the call itself, and not the call for its endpoint, with "not found".
func (c *call) isNotFound(err error) bool {
	return errors.Is(err, archive.ErrNoStream) && codeOf(c.attempts.lastFailure(nil)) == "ResourceNotFoundException"
}

// noFootage tells apart the two things that GetClip and GetImages call ResourceNotFoundException: no fragment in the range, and no
// such stream. Only the text of the error differs. The known text for footage saves a call, as a clip without a listing can
// have a thousand minutes that are empty; whatever else it says, the stream is asked for. Where that is not permitted or
// fails, it is the footage that is missing: the stream has just had a data endpoint.
func (a *Archive) noFootage(ctx context.Context, c *call, span archive.Span) error {
	var api smithy.APIError
	if errors.As(c.attempts.lastFailure(nil), &api) && saysNoFragments(api.ErrorMessage()) {
		return c.fail(archive.ErrNoFootage, span.String(), nil)
	}
	asked, cancel := context.WithTimeout(ctx, existsTimeout)
	defer cancel()
	if _, err := a.Stream(asked, c.stream); errors.Is(err, archive.ErrNoStream) {
		return err
	}
	if ctx.Err() != nil {
		if gone := cancelled(ctx); gone != nil {
			return c.fail(gone, "", nil)
		}
	}
	return c.fail(archive.ErrNoFootage, span.String(), nil)
}

// clipSelection says which fragments a query is about.
func (a *Archive) clipSelection(ctx context.Context, q archive.PayloadQuery) (s archivedmedia.Selection, err error) {
	s.StreamName, s.By = string(q.Stream), q.Selector
	if err := checkName(q.Stream); err != nil {
		return s, err
	}
	if q.Span.Empty() || q.Span.Length() > archive.MaxSpan {
		return s, fmt.Errorf("stream %s: span %s: want more than 0 and at most %s: %w", q.Stream, q.Span, archive.MaxSpan,
			archive.ErrInvalid)
	}
	s.Start, s.End, err = a.wireRange(ctx, q)
	return s, err
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

// body is the body of a payload. Its errors are those of package archive.
type body struct {
	inner   io.ReadCloser
	explain func(error) error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.inner.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.explain(err)
	}
	return n, err
}

func (b *body) Close() error { return b.inner.Close() }
