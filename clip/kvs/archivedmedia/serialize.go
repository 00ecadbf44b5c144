package archivedmedia

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithytime "github.com/aws/smithy-go/time"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// serialize makes the request of an operation.
type serialize struct{ op operation }

// ID implements middleware.SerializeMiddleware with the name that the SDK's clients use.
func (*serialize) ID() string { return "OperationSerializer" }

// HandleSerialize gives the request its method, path and JSON body (REST-JSON).
func (m *serialize) HandleSerialize(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (
	out middleware.SerializeOutput, metadata middleware.Metadata, err error,
) {
	req, ok := in.Request.(*smithyhttp.Request)
	if !ok {
		return out, metadata, &smithy.SerializationError{Err: fmt.Errorf("unknown transport type %T", in.Request)}
	}
	document, err := m.op.body(in.Parameters)
	if err != nil {
		return out, metadata, err
	}
	body, err := json.Marshal(document)
	if err != nil {
		return out, metadata, &smithy.SerializationError{Err: err}
	}
	req.Method = http.MethodPost
	req.URL.Path = m.op.path
	req.Header.Set("Content-Type", "application/json")
	if req, err = req.SetStream(bytes.NewReader(body)); err != nil {
		return out, metadata, &smithy.SerializationError{Err: err}
	}
	in.Request = req
	return next.HandleSerialize(ctx, in)
}

// selectorDocument is a fragment selector of either call as it goes over the wire.
type selectorDocument struct {
	FragmentSelectorType string
	TimestampRange       rangeDocument
}

// rangeDocument is a range of time as it goes over the wire: epoch seconds, the milliseconds as a fraction.
type rangeDocument struct {
	StartTimestamp float64
	EndTimestamp   float64
}

// newSelector gives the document of a selector; both calls have the same.
func newSelector(shape, kind string, start, end *time.Time) (*selectorDocument, error) {
	params := smithy.InvalidParamsError{Context: shape}
	if kind == "" {
		params.Add(smithy.NewErrParamRequired("FragmentSelectorType"))
	}
	if start == nil || end == nil {
		params.Add(smithy.NewErrParamRequired("TimestampRange"))
	}
	if params.Len() > 0 {
		return nil, params
	}
	return &selectorDocument{
		FragmentSelectorType: kind,
		TimestampRange: rangeDocument{
			StartTimestamp: smithytime.FormatEpochSeconds(*start),
			EndTimestamp:   smithytime.FormatEpochSeconds(*end),
		},
	}, nil
}

// errInput is an input of another operation: a mistake in this package.
var errInput = errors.New("not the input of this operation")
