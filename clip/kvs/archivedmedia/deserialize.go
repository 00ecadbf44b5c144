package archivedmedia

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/restjson"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxErrorBody is the most that is read of an error's body, in bytes. Real ones are a line of text.
const maxErrorBody = 64 << 10

// deserialize reads the answer to an operation.
type deserialize struct{ op operation }

// ID implements middleware.DeserializeMiddleware with the name that the SDK's clients use.
func (*deserialize) ID() string { return "OperationDeserializer" }

// HandleDeserialize gives the output for a 2xx and a *smithy.GenericAPIError for any other status. It closes the body unless the
// output keeps it.
func (m *deserialize) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, metadata middleware.Metadata, err error,
) {
	out, metadata, err = next.HandleDeserialize(ctx, in)
	if err != nil {
		return out, metadata, err
	}
	resp, ok := out.RawResponse.(*smithyhttp.Response)
	if !ok {
		return out, metadata, &smithy.DeserializationError{Err: fmt.Errorf("unknown transport type %T", out.RawResponse)}
	}
	if resp.StatusCode < 200 || resp.StatusCode >= 300 {
		err = apiError(resp)
	} else {
		out.Result, err = m.op.output(resp)
	}
	if !m.op.streaming || err != nil {
		if closeErr := resp.Body.Close(); closeErr != nil && err == nil {
			err = &smithy.DeserializationError{Err: fmt.Errorf("close response body: %w", closeErr)}
		}
	}
	return out, metadata, err
}

// apiError reads the error of an answer: its code stands in the header X-Amzn-ErrorType or in the JSON body, its text
// in the body (smithy, AWS restJson1 protocol, "Operation error serialization").
func apiError(resp *smithyhttp.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		return &smithy.DeserializationError{Err: fmt.Errorf("read error response: %w", err)}
	}
	code, message, err := restjson.GetErrorInfo(json.NewDecoder(bytes.NewReader(body)))
	if err != nil {
		return &smithy.DeserializationError{Err: fmt.Errorf("decode error response: %w", err)}
	}
	if header := resp.Header.Get("X-Amzn-ErrorType"); header != "" {
		code = restjson.SanitizeErrorCode(header)
	}
	if code = strings.TrimSpace(code); code == "" {
		code = "UnknownError"
	}
	return &smithy.GenericAPIError{Code: code, Message: message}
}

// decodeDocument reads a JSON answer into v; what follows the document must be space.
func decodeDocument(r io.Reader, v any) error {
	decoder := json.NewDecoder(r)
	if err := decoder.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return &smithy.DeserializationError{Err: fmt.Errorf("decode response: %w", err)}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("more than one document")
		}
		return &smithy.DeserializationError{Err: fmt.Errorf("decode response: %w", err)}
	}
	return nil
}
