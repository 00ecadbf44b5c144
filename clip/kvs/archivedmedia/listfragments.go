package archivedmedia

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"clipfs/clip/kvs/archivedmedia/types"
)

// ListFragmentsInput is what ListFragments takes (API reference, ListFragments, "Request body").
type ListFragmentsInput struct {
	// FragmentSelector says which fragments; nil means all.
	FragmentSelector *types.FragmentSelector
	// MaxResults is the most fragments of an answer, 1 to 1000.
	MaxResults *int64
	// NextToken goes on where an answer ended.
	NextToken *string
	// StreamARN or StreamName names the stream.
	StreamARN *string
	// StreamName or StreamARN names the stream.
	StreamName *string
}

// ListFragmentsOutput is the answer to ListFragments.
type ListFragmentsOutput struct {
	// Fragments in no order.
	Fragments []types.Fragment
	// NextToken is nil after the last answer.
	NextToken *string
	// ResultMetadata of the operation.
	ResultMetadata middleware.Metadata
}

// listFragmentsDocument is ListFragmentsInput as it goes over the wire.
type listFragmentsDocument struct {
	FragmentSelector *selectorDocument `json:",omitempty"`
	MaxResults       *int64            `json:",omitempty"`
	NextToken        *string           `json:",omitempty"`
	StreamARN        *string           `json:",omitempty"`
	StreamName       *string           `json:",omitempty"`
}

// fragmentsDocument is the answer as it comes over the wire.
type fragmentsDocument struct {
	Fragments fragmentDocuments
	NextToken *string
}

// fragmentDocument is one fragment as it comes over the wire.
type fragmentDocument struct {
	FragmentLengthInMilliseconds int64
	FragmentNumber               *string
	FragmentSizeInBytes          int64
	ProducerTimestamp            *float64
	ServerTimestamp              *float64
}

// fragmentDocuments is a page of fragments. A page of more than MaxResults can ask for is an error before it takes the
// memory that an answer of short items would.
type fragmentDocuments []fragmentDocument

// maxResults is the most that one answer has (API reference, ListFragments, MaxResults).
const maxResults = 1000

// UnmarshalJSON implements json.Unmarshaler.
func (d *fragmentDocuments) UnmarshalJSON(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	start, err := decoder.Token()
	if err != nil || start == nil { // null is no fragments
		return err
	}
	if start != json.Delim('[') {
		return fmt.Errorf("fragments: %v is no list", start)
	}
	for decoder.More() {
		if len(*d) == maxResults {
			return fmt.Errorf("more than %d fragments on a page", maxResults)
		}
		var one fragmentDocument
		if err := decoder.Decode(&one); err != nil {
			return err
		}
		*d = append(*d, one)
	}
	return nil
}

// ListFragments lists the fragments of a stream that start in a range of time (API reference, ListFragments).
func (c *Client) ListFragments(ctx context.Context, params *ListFragmentsInput, optFns ...func(*Options)) (
	*ListFragmentsOutput, error,
) {
	if params == nil {
		params = &ListFragmentsInput{}
	}
	result, metadata, err := c.invoke(ctx, operation{
		name: "ListFragments", path: "/listFragments", body: listFragmentsBody, output: listFragmentsOutput,
	}, params, optFns)
	if err != nil {
		return nil, err
	}
	out, ok := result.(*ListFragmentsOutput)
	if !ok {
		return nil, &smithy.DeserializationError{Err: errInput}
	}
	out.ResultMetadata = metadata
	return out, nil
}

// listFragmentsBody gives the document of the input.
func listFragmentsBody(input any) (any, error) {
	in, ok := input.(*ListFragmentsInput)
	if !ok {
		return nil, &smithy.SerializationError{Err: errInput}
	}
	document := &listFragmentsDocument{
		MaxResults: in.MaxResults, NextToken: in.NextToken, StreamARN: in.StreamARN, StreamName: in.StreamName,
	}
	s := in.FragmentSelector
	if s == nil {
		return document, nil
	}
	r := s.TimestampRange
	if r == nil {
		r = &types.TimestampRange{}
	}
	var err error
	document.FragmentSelector, err = newSelector("FragmentSelector", string(s.FragmentSelectorType),
		r.StartTimestamp, r.EndTimestamp)
	return document, err
}

// listFragmentsOutput reads the answer.
func listFragmentsOutput(resp *smithyhttp.Response) (any, error) {
	var document fragmentsDocument
	if err := decodeDocument(resp.Body, &document); err != nil {
		return nil, err
	}
	out := &ListFragmentsOutput{NextToken: document.NextToken, Fragments: make([]types.Fragment, 0, len(document.Fragments))}
	for i, f := range document.Fragments {
		producer, err := epochTime(f.ProducerTimestamp)
		if err != nil {
			return nil, &smithy.DeserializationError{Err: fmt.Errorf("fragment %d: ProducerTimestamp: %w", i, err)}
		}
		server, err := epochTime(f.ServerTimestamp)
		if err != nil {
			return nil, &smithy.DeserializationError{Err: fmt.Errorf("fragment %d: ServerTimestamp: %w", i, err)}
		}
		out.Fragments = append(out.Fragments, types.Fragment{
			FragmentLengthInMilliseconds: f.FragmentLengthInMilliseconds,
			FragmentNumber:               f.FragmentNumber,
			FragmentSizeInBytes:          f.FragmentSizeInBytes,
			ProducerTimestamp:            producer,
			ServerTimestamp:              server,
		})
	}
	return out, nil
}

// maxEpoch is the end of the year 9999, in seconds: the last time that ISO 8601 writes with four digits.
const maxEpoch = 253402300799

// epochTime gives the time of epoch seconds, UTC. It rounds to the millisecond: smithy's own conversion cuts, which
// turns some fractions into the millisecond before.
func epochTime(seconds *float64) (*time.Time, error) {
	if seconds == nil {
		return nil, nil
	}
	if math.Abs(*seconds) > maxEpoch {
		return nil, fmt.Errorf("%g s is no time", *seconds)
	}
	t := time.UnixMilli(int64(math.Round(*seconds * 1e3))).UTC()
	return &t, nil
}
