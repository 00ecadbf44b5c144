package kvs

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/restjson"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	// maxAnswer is the longest JSON answer that is read, in bytes. A thousand fragments or streams take under 1 MiB.
	maxAnswer = 8 << 20
	// maxErrorAnswer is the longest error that is read, in bytes.
	maxErrorAnswer = 64 << 10
)

// opGetClip is the one operation whose answer is not JSON.
const opGetClip = "GetClip"

// errLong: an answer is longer than any of the service's.
var errLong = fmt.Errorf("answer longer than %d bytes: %w", maxAnswer, ErrAnswer)

// answers looks at each answer before the SDK reads it.
type answers struct{}

// ID implements middleware.DeserializeMiddleware.
func (answers) ID() string { return "clipfsAnswers" }

// HandleDeserialize bounds the answer, and turns one that the service does not give into an oddAnswer.
func (answers) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, metadata middleware.Metadata, err error,
) {
	out, metadata, err = next.HandleDeserialize(ctx, in)
	if err != nil {
		return out, metadata, err
	}
	resp, ok := out.RawResponse.(*smithyhttp.Response)
	if !ok {
		return out, metadata, fmt.Errorf("unknown transport type %T", out.RawResponse)
	}
	switch isClip := awsmiddleware.GetOperationName(ctx) == opGetClip; {
	case resp.StatusCode < 200 || resp.StatusCode >= 300:
		err = checkFailure(resp)
	case !isClip:
		resp.Body = &boundedBody{ReadCloser: resp.Body, left: maxAnswer}
	case isText(resp.Header.Get("Content-Type")):
		err = errors.Join(&oddAnswer{status: resp.StatusCode, retry: true, text: "a page of text instead of media"},
			resp.Body.Close())
	}
	return out, metadata, err
}

// checkFailure reads an answer that is no success, puts what it has read in the body's place, and recognises what does
// not come from the service: it gives errors as JSON with a header that names them, and those who only stand before it
// do not.
func checkFailure(resp *smithyhttp.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorAnswer))
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return &oddAnswer{status: resp.StatusCode, retry: true, text: "the error was cut", err: err}
	}
	text := bytes.TrimSpace(body)
	switch {
	case resp.StatusCode == http.StatusForbidden && bytes.HasPrefix(text, []byte("<")):
		return &oddAnswer{status: resp.StatusCode, stale: true, text: xmlText(text)}
	case resp.StatusCode == http.StatusNotFound && resp.Header.Get("X-Amzn-ErrorType") == "" && jsonCode(text) == "":
		return &oddAnswer{status: resp.StatusCode, stale: true, text: "no such path"}
	}
	return nil
}

// jsonCode gives the error code that stands in a JSON body, "" if there is none.
func jsonCode(body []byte) string {
	code, _, err := restjson.GetErrorInfo(json.NewDecoder(bytes.NewReader(body)))
	if err != nil {
		return ""
	}
	return code
}

// xmlText gives what an error in XML says: the name of the outermost element, and the text of the one called Message.
func xmlText(body []byte) string {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	var code, message string
	var inMessage bool
	for {
		token, err := decoder.Token()
		if err != nil {
			return strings.Trim(code+": "+strings.TrimSpace(message), ": ")
		}
		switch t := token.(type) {
		case xml.StartElement:
			if code == "" {
				code = t.Name.Local
			}
			inMessage = strings.EqualFold(t.Name.Local, "message")
		case xml.EndElement:
			inMessage = false
		case xml.CharData:
			if inMessage {
				message += string(t)
			}
		}
	}
}

// isText tells whether a media type is of something to read, not of media.
func isText(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	return strings.HasPrefix(kind, "text/") || kind == "application/json" || kind == "application/xml"
}

// oddAnswer is an answer that does not come from the service's API.
type oddAnswer struct {
	status int
	// stale: it looks as if the endpoint were the wrong one.
	stale bool
	// retry: it may be better the next time.
	retry bool
	text  string
	err   error
}

// Error implements error.
func (e *oddAnswer) Error() string {
	text := fmt.Sprintf("status %d: %s", e.status, e.text)
	if e.err != nil {
		text += ": " + e.err.Error()
	}
	return text
}

// Unwrap gives the error of reading.
func (e *oddAnswer) Unwrap() error { return e.err }

// RetryableError tells the SDK's retryer whether to try again.
func (e *oddAnswer) RetryableError() bool { return e.retry }

// boundedBody fails a body that goes on past a length.
type boundedBody struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLong
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	return n, err
}
