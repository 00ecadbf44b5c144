package wire

import (
	"fmt"
	"net/http"
)

// Kind is the name of an exception of the service, as x-amzn-ErrorType carries it.
type Kind string

// The exceptions of the two API references and of the front door that checks signatures.
const (
	AccountStreamLimit  Kind = "AccountStreamLimitExceededException"
	ClientLimit         Kind = "ClientLimitExceededException"
	AccessDenied        Kind = "AccessDeniedException"
	ConnectionLimit     Kind = "ConnectionLimitExceededException"
	ExpiredToken        Kind = "ExpiredTokenException"
	IncompleteSignature Kind = "IncompleteSignatureException"
	InternalFailure     Kind = "InternalFailure"
	InvalidArgument     Kind = "InvalidArgumentException"
	InvalidCodec        Kind = "InvalidCodecPrivateDataException"
	InvalidMedia        Kind = "InvalidMediaFrameException"
	InvalidSignature    Kind = "InvalidSignatureException"
	MissingCodec        Kind = "MissingCodecPrivateDataException"
	MissingToken        Kind = "MissingAuthenticationTokenException"
	NotImplemented      Kind = "NotImplementedException"
	NoDataRetention     Kind = "NoDataRetentionException"
	NotFound            Kind = "ResourceNotFoundException"
	InUse               Kind = "ResourceInUseException"
	Serialization       Kind = "SerializationException"
	TagLimit            Kind = "TagsPerResourceExceededLimitException"
	TooLarge            Kind = "RequestEntityTooLargeException"
	Unavailable         Kind = "ServiceUnavailable"
	Unrecognized        Kind = "UnrecognizedClientException"
	UnsupportedMedia    Kind = "UnsupportedStreamMediaTypeException"
	Validation          Kind = "ValidationException"
	VersionMismatch     Kind = "VersionMismatchException"
)

// Status gives the HTTP status that comes with an exception (the references' Errors sections).
func (k Kind) Status() int {
	switch k {
	case NotFound:
		return http.StatusNotFound
	case MissingToken, IncompleteSignature, InvalidSignature, Unrecognized, AccessDenied, ExpiredToken:
		return http.StatusForbidden
	case TooLarge:
		return http.StatusRequestEntityTooLarge
	case InternalFailure:
		return http.StatusInternalServerError
	case NotImplemented:
		return http.StatusNotImplemented
	case Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// Error is an error that the service tells its caller.
type Error struct {
	Kind Kind
	// Message for people, of which clients understand nothing.
	Message string
}

func (e *Error) Error() string { return string(e.Kind) + ": " + e.Message }

// Refuse makes an error for the caller.
func Refuse(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Invalid makes an InvalidArgumentException.
func Invalid(format string, args ...any) error { return Refuse(InvalidArgument, format, args...) }

// Lacking is what the emulator answers to an operation that it does not have. The service has no such error.
func Lacking(api API) error {
	return Refuse(NotImplemented, "the clipfs emulator has no %s", api)
}

// NoStream is what every operation answers for a stream that it cannot find.
func NoStream() error {
	return Refuse(NotFound, "The requested stream is not found or not active.")
}

// NoRetention is what operations answer that need footage that is kept, for a stream that keeps none.
func NoRetention() error {
	return Refuse(NoDataRetention, "The stream data retention in hours is equal to zero.")
}

// Throttled is what operations answer above a quota of calls: a stream's, whose resource is its name, or an account's.
func Throttled(api API, resource string) error {
	return Refuse(ClientLimit, "Limit exceeded on number of requests for %s API for resource '%s'", api, resource)
}

// ErrorBody is the body of an error.
type ErrorBody struct{ Message string }

// Namespace follows the name in the x-amzn-ErrorType of the data hosts, as their users' logs show. Clients have
// to cut it off.
const Namespace = ":https://kinesisvideo.amazonaws.com/doc/2017-09-30/"

// wrongHost is the answer to an operation that this host does not have: XML, although the service speaks JSON.
const wrongHost = "<AccessDeniedException>\n" +
	"  <Message>Unable to determine service/operation name to be authorized</Message>\n" +
	"</AccessDeniedException>\n"

// WriteWrongHost writes wrongHost.
func WriteWrongHost(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusForbidden)
	_, _ = w.Write([]byte(wrongHost)) // The client has gone away; nobody is left to be told.
}
