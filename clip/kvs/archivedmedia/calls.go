package archivedmedia

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"clipfs/clip/archive"

	smithytime "github.com/aws/smithy-go/time"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Selection says which fragments of a stream a call is about: those that start in a range of time, both ends inclusive,
// of millisecond grain. The end of a GetClip has to be later than its start (API reference, ClipTimestampRange).
type Selection struct {
	StreamName string
	By         archive.Selector
	Start, End time.Time
}

// selector is the selection as it goes over the wire: epoch seconds, the milliseconds as a fraction.
type selector struct {
	FragmentSelectorType string
	TimestampRange       struct{ StartTimestamp, EndTimestamp float64 }
}

// selector gives the selection by its clock.
func (s Selection) selector() (out selector) {
	out.FragmentSelectorType = selectorType(s.By)
	out.TimestampRange.StartTimestamp = smithytime.FormatEpochSeconds(s.Start)
	out.TimestampRange.EndTimestamp = smithytime.FormatEpochSeconds(s.End)
	return out
}

// selectorType names a clock (API reference, FragmentSelectorType and ImageSelectorType).
func selectorType(by archive.Selector) string {
	if by == archive.ByServer {
		return "SERVER_TIMESTAMP"
	}
	return "PRODUCER_TIMESTAMP"
}

// Clip is the answer to GetClip.
type Clip struct {
	// Length is the length of the body, -1 where it is not known.
	Length int64
	// Body is a traditional MP4 file with the media of at most 200 fragments or 100 MB. The caller closes it.
	Body io.ReadCloser
}

// GetClip asks for the media of fragments as one MP4 file (API reference, GetClip).
func (c *Client) GetClip(ctx context.Context, o Options, s Selection) (clip Clip, metadata middleware.Metadata, err error) {
	document := struct {
		ClipFragmentSelector selector
		StreamName           string
	}{s.selector(), s.StreamName}
	metadata, err = c.invoke(ctx, o, operation{name: "GetClip", path: "/getClip", streaming: true, read: func(resp *smithyhttp.Response) error {
		clip = Clip{Length: resp.ContentLength, Body: resp.Body}
		return nil
	}}, document)
	return clip, metadata, err
}

// Page is the answer to ListFragments.
type Page struct {
	// Fragments in no order; none is nil.
	Fragments []*Fragment
	// NextToken is nil on the last page.
	NextToken *string
}

// Fragment is what ListFragments says of one fragment (API reference, Fragment).
type Fragment struct {
	// FragmentLengthInMilliseconds leaves out the length of the last frame.
	FragmentLengthInMilliseconds int64
	FragmentNumber               string
	FragmentSizeInBytes          int64
	// ProducerTimestamp and ServerTimestamp are the start of the fragment by the two clocks; nil where they are missing.
	ProducerTimestamp, ServerTimestamp *Time
}

// MaxResults is the most fragments that a page has (API reference, ListFragments, MaxResults).
const MaxResults = 1000

// pageText is a Page as it comes. An array takes no more memory where the list is longer, and is read in one go: half of what a list of
// its own takes.
type pageText struct {
	Fragments [MaxResults + 1]*Fragment
	NextToken *string
}

// page gives the Page. One of more than MaxResults is an error, as is a list that has no fragment where others follow.
func (t *pageText) page() (Page, error) {
	count := slices.Index(t.Fragments[:], nil)
	if count < 0 {
		return Page{}, fmt.Errorf("more than %d fragments on a page", MaxResults)
	}
	for _, f := range t.Fragments[count:] {
		if f != nil {
			return Page{}, fmt.Errorf("fragment %d of a page is null", count)
		}
	}
	return Page{Fragments: t.Fragments[:count:count], NextToken: t.NextToken}, nil
}

// Time is a time, UTC, to the millisecond.
type Time struct{ time.Time }

// maxEpoch is the end of the year 9999, in seconds: the last time that ISO 8601 writes with four digits.
const maxEpoch = 253402300799

// UnmarshalJSON reads epoch seconds. It rounds to the millisecond: smithy's own conversion cuts, which turns some
// fractions into the millisecond before.
func (t *Time) UnmarshalJSON(text []byte) error {
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return err
	}
	if math.Abs(seconds) > maxEpoch {
		return fmt.Errorf("%g s is no time", seconds)
	}
	t.Time = time.UnixMilli(int64(math.Round(seconds * 1e3))).UTC()
	return nil
}

// ListFragments lists fragments, at most so many; token goes on where a page ended (API reference, ListFragments).
func (c *Client) ListFragments(ctx context.Context, o Options, s Selection, most int, token *string) (
	page Page, metadata middleware.Metadata, err error,
) {
	document := struct {
		FragmentSelector selector
		MaxResults       int
		NextToken        *string `json:",omitempty"`
		StreamName       string
	}{s.selector(), most, token, s.StreamName}
	metadata, err = c.invoke(ctx, o, operation{name: "ListFragments", path: "/listFragments", read: func(resp *smithyhttp.Response) error {
		var text pageText
		if err := c.decode(resp, &text); err != nil {
			return err
		}
		if page, err = text.page(); err != nil {
			return &smithy.DeserializationError{Err: err}
		}
		return nil
	}}, document)
	return page, metadata, err
}

// maxKeptBody is the largest memory of an answer that is used again. A page of a listing is a quarter of a MB.
const maxKeptBody = 1 << 20

// decode reads a JSON answer into v; what follows the document must be space. Answers are read into memory that is used again: a json.Decoder makes
// its own, of twice the size of each.
func (c *Client) decode(resp *smithyhttp.Response, v any) error {
	body, ok := c.bodies.Get().(*bytes.Buffer)
	if !ok {
		body = new(bytes.Buffer)
	}
	defer func() {
		if body.Cap() <= maxKeptBody {
			body.Reset()
			c.bodies.Put(body)
		}
	}()
	if n := resp.ContentLength; n > 0 && n <= maxKeptBody {
		body.Grow(int(n) + bytes.MinRead) // so that reading grows it no further
	}
	if _, err := body.ReadFrom(resp.Body); err != nil {
		return &smithy.DeserializationError{Err: fmt.Errorf("decode response: %w", err)}
	}
	if json.Unmarshal(body.Bytes(), v) == nil {
		return nil
	}
	if err := decodeError(json.NewDecoder(body), v); err != nil {
		return &smithy.DeserializationError{Err: fmt.Errorf("decode response: %w", err)}
	}
	return nil
}

// decodeError tells what is wrong with an answer. A decoder tells one that is cut off from one that is no JSON.
func decodeError(decoder *json.Decoder, v any) error {
	err := decoder.Decode(v)
	switch {
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	}
	if _, err = decoder.Token(); errors.Is(err, io.EOF) {
		return nil
	}
	return cmp.Or(err, errors.New("more than one document"))
}
