package archivedmedia

import (
	"context"
	"time"

	"github.com/aws/smithy-go/middleware"

	"clipfs/clip/archive"

	smithytime "github.com/aws/smithy-go/time"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// ImageSelection says which images of a stream a call is about: one for each Interval from Start to End, both inclusive.
type ImageSelection struct {
	StreamName string
	By         archive.Selector
	Start, End time.Time
	Interval   time.Duration
	// Width is in pixels; 0 for the stream's own size.
	Width int
	// Most is how many images a page has at most.
	Most int
}

// ImagePage is the answer to GetImages.
type ImagePage struct {
	Images Images
	// NextToken is nil on the last page.
	NextToken *string
}

// Image is what GetImages says of one instant (API reference, Image).
type Image struct {
	TimeStamp *Time
	// Error is NO_MEDIA, MEDIA_ERROR, or empty where there is an image.
	Error string
	// ImageContent is base64 on the wire.
	ImageContent []byte
}

// Images are those of a page.
type Images []Image

// maxImages is the most images that a page has (API reference, GetImages, MaxResults).
const maxImages = 100

// UnmarshalJSON reads images. A page of more than the service sends is an error.
func (i *Images) UnmarshalJSON(text []byte) (err error) {
	*i, err = list[Image](text, maxImages, "images")
	return err
}

// GetImages asks for images in JPEG; token goes on where a page ended (API reference, GetImages).
func (c *Client) GetImages(ctx context.Context, o Options, s ImageSelection, token *string) (page ImagePage, metadata middleware.Metadata, err error) {
	document := struct {
		EndTimestamp      float64
		Format            string
		ImageSelectorType string
		MaxResults        int
		NextToken         *string `json:",omitempty"`
		SamplingInterval  int64
		StartTimestamp    float64
		StreamName        string
		WidthPixels       int `json:",omitempty"`
	}{
		EndTimestamp: smithytime.FormatEpochSeconds(s.End), Format: "JPEG", ImageSelectorType: selectorType(s.By), MaxResults: s.Most, NextToken: token,
		SamplingInterval: s.Interval.Milliseconds(), StartTimestamp: smithytime.FormatEpochSeconds(s.Start),
		StreamName: s.StreamName, WidthPixels: s.Width,
	}
	metadata, err = c.invoke(ctx, o, operation{name: "GetImages", path: "/getImages", read: func(resp *smithyhttp.Response) error {
		page = ImagePage{}
		return c.decode(resp, &page)
	}}, document)
	return page, metadata, err
}
