package archivedmedia

import (
	"context"
	"io"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"clipfs/clip/kvs/archivedmedia/types"
)

// GetClipInput is what GetClip takes (API reference, GetClip, "Request body").
type GetClipInput struct {
	// ClipFragmentSelector is required.
	ClipFragmentSelector *types.ClipFragmentSelector
	// StreamARN or StreamName names the stream.
	StreamARN *string
	// StreamName or StreamARN names the stream.
	StreamName *string
}

// GetClipOutput is the answer to GetClip.
type GetClipOutput struct {
	// ContentType of the media, video/mp4.
	ContentType *string
	// Payload is a traditional MP4 file with the media of at most 200 fragments or 100 MB. The caller closes it.
	Payload io.ReadCloser
	// ResultMetadata of the operation.
	ResultMetadata middleware.Metadata
}

// getClipDocument is GetClipInput as it goes over the wire.
type getClipDocument struct {
	ClipFragmentSelector *selectorDocument
	StreamARN            *string `json:",omitempty"`
	StreamName           *string `json:",omitempty"`
}

// GetClip asks for the media of the fragments that start in a range of time, as one MP4 file (API reference, GetClip).
func (c *Client) GetClip(ctx context.Context, params *GetClipInput, optFns ...func(*Options)) (*GetClipOutput, error) {
	if params == nil {
		params = &GetClipInput{}
	}
	result, metadata, err := c.invoke(ctx, operation{
		name: "GetClip", path: "/getClip", body: getClipBody, output: getClipOutput, streaming: true,
	}, params, optFns)
	if err != nil {
		return nil, err
	}
	out, ok := result.(*GetClipOutput)
	if !ok {
		return nil, &smithy.DeserializationError{Err: errInput}
	}
	out.ResultMetadata = metadata
	return out, nil
}

// getClipBody gives the document of the input.
func getClipBody(input any) (any, error) {
	in, ok := input.(*GetClipInput)
	if !ok {
		return nil, &smithy.SerializationError{Err: errInput}
	}
	s := in.ClipFragmentSelector
	if s == nil {
		params := smithy.InvalidParamsError{Context: "GetClipInput"}
		params.Add(smithy.NewErrParamRequired("ClipFragmentSelector"))
		return nil, params
	}
	r := s.TimestampRange
	if r == nil {
		r = &types.ClipTimestampRange{}
	}
	selector, err := newSelector("ClipFragmentSelector", string(s.FragmentSelectorType), r.StartTimestamp, r.EndTimestamp)
	if err != nil {
		return nil, err
	}
	return &getClipDocument{ClipFragmentSelector: selector, StreamARN: in.StreamARN, StreamName: in.StreamName}, nil
}

// getClipOutput hands the body on, unread.
func getClipOutput(resp *smithyhttp.Response) (any, error) {
	out := &GetClipOutput{Payload: resp.Body}
	if t := resp.Header.Get("Content-Type"); t != "" {
		out.ContentType = &t
	}
	return out, nil
}
