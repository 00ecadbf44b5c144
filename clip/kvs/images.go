package kvs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/smithy-go/middleware"

	"clipfs/clip/archive"
	"clipfs/clip/kvs/archivedmedia"
	"clipfs/clip/quota"

	controltypes "github.com/aws/aws-sdk-go-v2/service/kinesisvideo/types"
)

// imagesPoints is what a call for images costs in metadata, beside a point an image (quotas page, GetImages).
const imagesPoints = 400

// Images implements archive.Service. Of images of a width alone the API reference says both that they keep their shape and that they
// are refused. Where they are refused, images come in the stream's own size, from then on with one call.
func (a *Archive) Images(ctx context.Context, q archive.ImageQuery) ([]archive.Image, error) {
	selection, err := a.imageSelection(q)
	if err != nil {
		return nil, err
	}
	if a.sizeless.Load() {
		selection.Width = 0
	}
	images, err := a.images(ctx, q, selection)
	if selection.Width == 0 || !errors.Is(err, archive.ErrInvalid) {
		return images, err
	}
	selection.Width = 0
	images, again := a.images(ctx, q, selection)
	if again != nil {
		return nil, err // it was not the width
	}
	if a.sizeless.CompareAndSwap(false, true) {
		a.log.Warn("the service makes no images of a width alone: they come in the stream's own size", "width", q.Width, "cause", err)
	}
	return images, nil
}

// images makes the call, page after page.
func (a *Archive) images(ctx context.Context, q archive.ImageQuery, selection archivedmedia.ImageSelection) (images []archive.Image, err error) {
	var pages pages
	for more := true; more; {
		// A refusal slows what comes last: not the points for media, which clips are read with.
		c := a.newCall(opGetImages, q.Stream, cost{quota.Media, q.Count}, cost{quota.Metadata, imagesPoints + q.Count})
		c.refused = q.Refused
		var page archivedmedia.ImagePage
		var metadata middleware.Metadata
		err = c.onEndpoint(ctx, endpointKey{q.Stream, controltypes.APINameGetImages}, func(endpoint string) (err error) {
			page, metadata, err = a.media.GetImages(ctx, c.mediaOptions(endpoint, true), selection, pages.token)
			return err
		})
		if err != nil {
			if err = c.end(ctx, middleware.Metadata{}, err); c.isNotFound(err) {
				err = a.noFootage(ctx, c, archive.Span{Start: selection.Start, End: selection.End})
			}
			return nil, err
		}
		for _, given := range page.Images {
			image, err := newImage(given)
			if err != nil {
				return nil, c.end(ctx, metadata, err)
			}
			images = append(images, image)
			pages.note(image.At.String())
		}
		more, err = pages.next(page.NextToken)
		if err := c.end(ctx, metadata, err); err != nil {
			return nil, err
		}
	}
	return images, nil
}

// imageSelection says which images a query is about. The range ends a moment after the last instant, as its end has to be
// later than its start, and nothing says whether an image at the end is in it.
func (a *Archive) imageSelection(q archive.ImageQuery) (s archivedmedia.ImageSelection, err error) {
	length := time.Duration(q.Count-1)*q.Interval + archive.Grain
	if q.Count < 1 || q.Count > archive.MaxImages || q.Interval < archive.MinImageInterval || q.Interval > archive.MaxImageInterval ||
		length > archive.MaxImageSpan || q.Width < 0 || q.Width > archive.MaxImageWidth {
		return s, fmt.Errorf("stream %s: %d images each %s, %d pixels wide: %w", q.Stream, q.Count, q.Interval, q.Width, archive.ErrInvalid)
	}
	s = archivedmedia.ImageSelection{
		StreamName: string(q.Stream), By: q.Selector, Start: q.Start, End: q.Start.Add(length), Interval: q.Interval, Width: q.Width, Most: q.Count,
	}
	return s, checkName(q.Stream)
}

// newImage gives an image of an answer. One that cannot be is an ErrAnswer.
func newImage(given archivedmedia.Image) (image archive.Image, err error) {
	if given.TimeStamp == nil {
		return image, fmt.Errorf("%w: an image without its time", ErrAnswer)
	}
	image.At = given.TimeStamp.Time
	switch content := given.ImageContent; {
	case given.Error == "NO_MEDIA", given.Error == "" && len(content) == 0:
		image.Err = archive.ErrNoFootage
	case given.Error != "":
		image.Err = archive.ErrNoImage
	case !isJPEG(content) || len(content) > archive.MaxImageSize:
		return image, fmt.Errorf("%w: an image that is no JPEG, of %d bytes", ErrAnswer, len(content))
	default:
		image.JPEG = content
	}
	return image, nil
}

// isJPEG tells whether bytes begin as a JPEG does: with the marker SOI and another one (ITU-T T.81, B.1.1.3).
func isJPEG(b []byte) bool { return bytes.HasPrefix(b, []byte{0xff, 0xd8, 0xff}) }
