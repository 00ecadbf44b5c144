package kvs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"clipfs/clip/archive"
)

// sentinel is an error of this package that belongs to one of package archive.
type sentinel struct {
	text string
	kind error
}

func (e *sentinel) Error() string { return e.text }

func (e *sentinel) Unwrap() error { return e.kind }

var (
	// ErrEndpoint says that the service named a data endpoint that no call is made to. It is an archive.ErrInvalid.
	ErrEndpoint error = &sentinel{text: "data endpoint refused", kind: archive.ErrInvalid}
	// ErrAnswer says that what came is not an answer of the service, or one that cannot be true. It is an archive.ErrUnreachable.
	ErrAnswer error = &sentinel{text: "not an answer of the service", kind: archive.ErrUnreachable}
)

// errPaced says that the quota points a call needs would come after its deadline.
var errPaced error = &sentinel{text: "the stream's quota is in use until after the deadline", kind: archive.ErrThrottled}

// callError is what a failed call leaves behind: one line, and a sentinel to test for.
type callError struct {
	action, resource string
	kind             error
	detail           string
	// cause is in the chain too where it is the network's; nil otherwise, so that neither a context of one attempt
	// nor the text of the service is taken for something else.
	cause error
}

// Error names the IAM action and the resource, what went wrong, and what the service says.
func (e *callError) Error() string {
	text := fmt.Sprintf("%s on %s: %v", e.action, e.resource, e.kind)
	if e.detail == "" {
		return text
	}
	return text + ": " + e.detail
}

func (e *callError) Unwrap() []error {
	if e.cause == nil {
		return []error{e.kind}
	}
	return []error{e.kind, e.cause}
}

// kindOfCode gives the sentinel for an error code of the service; nil for one that it does not know (API reference,
// "Errors" of each operation, and "Common errors").
func kindOfCode(code string) error {
	switch code {
	case "ResourceNotFoundException":
		return archive.ErrNoStream
	case "InvalidArgumentException", "ValidationException", "ValidationError", "SerializationException":
		return archive.ErrInvalid
	case "InvalidCodecPrivateDataException":
		return archive.ErrCodecChange
	case "UnsupportedStreamMediaTypeException", "MissingCodecPrivateDataException", "InvalidMediaFrameException":
		return archive.ErrUnservable
	case "NoDataRetentionException":
		return archive.ErrNoRetention
	case "ClientLimitExceededException":
		return archive.ErrThrottled
	case "NotAuthorizedException", "AccessDeniedException", "AccessDenied", "AuthFailure", "OptInRequired":
		return archive.ErrDenied
	case "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature", "IncompleteSignatureException",
		"MissingAuthenticationToken", "MissingAuthenticationTokenException", "RequestExpired", "RequestTimeTooSkewed":
		return archive.ErrCredentials
	}
	if badCredentials(code) {
		return archive.ErrCredentials
	}
	if _, ok := retry.DefaultThrottleErrorCodes[code]; ok {
		return archive.ErrThrottled
	}
	return nil
}

// badCredentials tells whether a code says that the credentials are none, or none any more: the chain is asked again.
func badCredentials(code string) bool {
	switch code {
	case "UnrecognizedClientException", "InvalidClientTokenId", "ExpiredTokenException", "ExpiredToken",
		"TokenRefreshRequired":
		return true
	}
	return false
}

// kindOfStatus gives the sentinel for an error that has no known code.
func kindOfStatus(status int) error {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return archive.ErrDenied
	case status == http.StatusTooManyRequests:
		return archive.ErrThrottled
	case status == http.StatusBadRequest:
		return archive.ErrInvalid
	case status >= http.StatusInternalServerError:
		return archive.ErrUnreachable
	case status > http.StatusBadRequest:
		return archive.ErrRefused
	}
	return ErrAnswer
}

// statusOf gives the HTTP status that an error came with, 0 if it came with none.
func statusOf(err error) int {
	var response interface{ HTTPStatusCode() int }
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// codeOf gives the service's code for an error, "" if it has none.
func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// diagnose gives the text of a failed attempt, as it came from outside, and its sentinel. It does not look at contexts.
func diagnose(err error) (detail string, kind error) {
	var own *sentinel
	var missing *credentialsError
	var odd *oddAnswer
	var api smithy.APIError
	var params smithy.InvalidParamsError
	var undecoded *smithy.DeserializationError
	switch {
	case errors.As(err, &missing):
		return missing.Error(), archive.ErrCredentials
	case errors.As(err, &odd):
		return odd.Error(), odd.kind
	case errors.As(err, &own):
		_, detail, _ = strings.Cut(err.Error(), own.text)
		return strings.TrimPrefix(detail, ": "), own
	case errors.As(err, &api):
		kind = kindOfCode(api.ErrorCode())
		if kind == nil {
			kind = kindOfStatus(statusOf(err))
		}
		return api.ErrorCode() + ": " + api.ErrorMessage(), kind
	case errors.As(err, &params):
		return params.Error(), archive.ErrInvalid
	case errors.As(err, &undecoded):
		status := statusOf(err)
		if status >= http.StatusOK && status < http.StatusMultipleChoices {
			return undecodedText(undecoded), ErrAnswer
		}
		return fmt.Sprintf("status %d: %s", status, undecodedText(undecoded)), kindOfStatus(status)
	}
	return networkText(err), archive.ErrUnreachable
}

// undecodedText says in words that an answer could not be read.
func undecodedText(err error) string {
	if errors.As(err, new(*json.SyntaxError)) {
		return "the answer is not JSON"
	}
	return err.Error()
}

// networkText gives the text of a network's error without the layers of the SDK.
func networkText(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Error()
	}
	return err.Error()
}

// isContext tells whether an error is the end of a context.
func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// isOurs tells whether an error wraps a sentinel of package archive.
func isOurs(err error) bool {
	for _, kind := range []error{
		archive.ErrName, archive.ErrNoStream, archive.ErrNoFootage, archive.ErrDenied, archive.ErrInvalid, archive.ErrMedia, archive.ErrRefused,
		archive.ErrNoRetention, archive.ErrThrottled, archive.ErrUnreachable, archive.ErrChanged, archive.ErrTooBig, archive.ErrNoSpace,
		archive.ErrFetchLimit,
	} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// cancelled gives the error for a context that has ended other than by its deadline, and for any whose cause is an
// error of package archive; nil for a deadline, which the call explains by its last failure.
func cancelled(ctx context.Context) error {
	cause := context.Cause(ctx)
	switch {
	case isOurs(cause):
		return cause
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(cause, context.DeadlineExceeded):
		return nil
	case errors.Is(cause, ctx.Err()):
		return cause
	}
	return fmt.Errorf("%w: %w", ctx.Err(), cause)
}
