package kvs

import (
	"bufio"
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

	"clipfs/clip/archive"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/restjson"
	"github.com/aws/smithy-go/middleware"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	// maxAnswer is the longest JSON answer that is read, in bytes. A thousand fragments or streams take under 1 MiB.
	maxAnswer = 8 << 20
	// maxImagesAnswer is the longest answer with images. As many as fit on a page take a few MiB where they are as wide as
	// a screen, and 60 MiB in 4K.
	maxImagesAnswer = 64 << 20
	// maxErrorAnswer is the longest error that is read, in bytes.
	maxErrorAnswer = 64 << 10
)

// The operations whose answers are not like the others: media, and images in JSON.
const (
	opGetClip   = "GetClip"
	opGetImages = "GetImages"
)

// errLong: an answer is longer than any of the service's.
var errLong = fmt.Errorf("answer longer than any of the service's: %w", ErrAnswer)

// longest is how long the JSON answer to an operation may be, in bytes.
func longest(operation string) int64 {
	if operation == opGetImages {
		return maxImagesAnswer
	}
	return maxAnswer
}

// answers looks at each answer before the SDK reads it.
type answers struct{}

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
	switch operation := awsmiddleware.GetOperationName(ctx); {
	case resp.StatusCode < 200 || resp.StatusCode >= 300:
		err = checkFailure(resp)
	case operation != opGetClip:
		resp.Body = &boundedBody{ReadCloser: resp.Body, left: longest(operation)}
		err = checkText(resp, "JSON")
	case isText(resp.Header.Get("Content-Type")):
		err = checkText(resp, "media")
	}
	return out, metadata, err
}

// peeked is how much of an answer is looked at before it is read, in bytes.
const peeked = 1 << 10

// checkText recognises an answer of success that does not come from the service. want is what it should be: "JSON", of which
// the rest is then read as if nothing had been, or "media", which no text is.
func checkText(resp *smithyhttp.Response, want string) error {
	body := bufio.NewReaderSize(resp.Body, peeked)
	begin, _ := body.Peek(peeked) // what failed fails again when it is read
	odd := &oddAnswer{status: resp.StatusCode, kind: ErrAnswer, retry: true}
	switch {
	case isMarkup(begin) || isHTML(resp.Header.Get("Content-Type")):
		odd.text = markupText(begin, want)
	// A data host answers so to an operation that it does not have.
	case bytes.Contains(begin, []byte("UnknownOperationException")) && bytes.Contains(begin, []byte(`"Output"`)):
		odd.kind, odd.retry, odd.stale, odd.text = archive.ErrRefused, false, true, "the data endpoint does not have the operation"
	case want == "JSON":
		resp.Body = &peekedBody{Reader: body, Closer: resp.Body}
		return nil
	default:
		odd.text = "a page of text instead of media"
	}
	return errors.Join(odd, resp.Body.Close())
}

// peekedBody is a body that was looked at.
type peekedBody struct {
	io.Reader
	io.Closer
}

// checkFailure reads an answer that is no success, puts what it has read in the body's place, and recognises what does
// not come from the service: it gives errors as JSON with a header or a member that names them, and proxies before
// it do not. What they say is kept.
func checkFailure(resp *smithyhttp.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorAnswer))
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	status := resp.StatusCode
	if err != nil {
		return &oddAnswer{status: status, kind: ErrAnswer, retry: true, text: "the error was cut", err: err}
	}
	text := bytes.TrimSpace(body)
	odd := &oddAnswer{
		status: status, kind: kindOfStatus(status), stale: status == http.StatusForbidden || status == http.StatusNotFound,
		retry: status == http.StatusTooManyRequests || status >= http.StatusInternalServerError,
	}
	if errors.Is(odd.kind, archive.ErrDenied) { // which only the service can say
		odd.kind = archive.ErrRefused
	}
	if isMarkup(text) {
		if status == http.StatusBadRequest {
			odd.kind = archive.ErrRefused
		}
		odd.text = markupText(text, "JSON")
		return odd
	}
	code, message, err := restjson.GetErrorInfo(json.NewDecoder(bytes.NewReader(text)))
	switch {
	case err != nil:
		odd.text = "the answer is not JSON: " + string(text)
	case code != "" || resp.Header.Get("X-Amzn-ErrorType") != "" || !errors.Is(odd.kind, archive.ErrRefused):
		return nil
	case status == http.StatusNotFound && saysNotFound(message):
		resp.Header.Set("X-Amzn-ErrorType", "ResourceNotFoundException")
		return nil
	case message == "":
		odd.text = "an answer without a type or a text"
	default:
		odd.text = message
	}
	return odd
}

// saysNotFound tells whether a text is one of those that the service gives with ResourceNotFoundException. They count only
// where something on the way has dropped the type.
func saysNotFound(message string) bool {
	return saysNoFragments(message) || strings.HasPrefix(strings.ToLower(message), "the requested stream is not found")
}

// saysNoFragments tells whether a text is that of a GetClip without footage.
func saysNoFragments(message string) bool {
	return strings.HasPrefix(strings.ToLower(message), "no fragments found in the stream")
}

// isMarkup tells whether a text is HTML or XML.
func isMarkup(text []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(text), []byte("<")) }

// markupText says what came where something else was wanted, and what it says: of HTML the title, of XML the name of the
// outermost element and the text of the one called Message.
func markupText(text []byte, want string) string {
	root, said := markup(text)
	if root != "" && !strings.EqualFold(root, "html") && said != "" {
		return "the answer is XML, not " + want + ": " + root + ": " + said
	}
	if said != "" {
		said = fmt.Sprintf(" (%q)", said)
	}
	return "the answer is HTML, not " + want + said + ": is there a proxy between?"
}

// markup gives the name of the outermost element of a text, and the text of the first element called message or title. The
// text may be cut.
func markup(text []byte) (root, said string) {
	decoder := xml.NewDecoder(bytes.NewReader(text))
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	inside := false
	for {
		token, err := decoder.Token()
		if err != nil {
			return root, strings.TrimSpace(said)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if root == "" {
				root = t.Name.Local
			}
			inside = strings.EqualFold(t.Name.Local, "message") || strings.EqualFold(t.Name.Local, "title")
		case xml.EndElement:
			inside = false
		case xml.CharData:
			if inside && said == "" {
				said = string(t)
			}
		}
	}
}

// isHTML tells whether a media type is that of web pages.
func isHTML(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == "text/html"
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
	// kind is the sentinel of the error.
	kind error
	// stale: it looks as if the endpoint were the wrong one.
	stale bool
	// retry: it may be better the next time.
	retry bool
	text  string
	err   error
}

func (e *oddAnswer) Error() string {
	text := fmt.Sprintf("status %d: %s", e.status, e.text)
	if e.err != nil {
		text += ": " + e.err.Error()
	}
	return text
}

func (e *oddAnswer) Unwrap() error { return e.err }

// RetryableError tells the SDK's retryer whether to try again.
func (e *oddAnswer) RetryableError() bool { return e.retry }

// boundedBody fails a body that goes on past a length.
type boundedBody struct {
	io.ReadCloser
	left int64
}

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
