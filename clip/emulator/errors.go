package emulator

import (
	"fmt"
	"net/http"
)

// errorKind is the name of an exception of the service, as x-amzn-ErrorType carries it.
type errorKind string

// The exceptions of the two API references and of the front door that checks signatures.
const (
	errAccountStreamLimit errorKind = "AccountStreamLimitExceededException"
	errClientLimit        errorKind = "ClientLimitExceededException"
	errAccessDenied       errorKind = "AccessDeniedException"
	errConnectionLimit    errorKind = "ConnectionLimitExceededException"
	errExpiredToken       errorKind = "ExpiredTokenException"
	errIncompleteSign     errorKind = "IncompleteSignatureException"
	errInternal           errorKind = "InternalFailure"
	errInvalidArgument    errorKind = "InvalidArgumentException"
	errInvalidCodec       errorKind = "InvalidCodecPrivateDataException"
	errInvalidMedia       errorKind = "InvalidMediaFrameException"
	errInvalidSignature   errorKind = "InvalidSignatureException"
	errMissingCodec       errorKind = "MissingCodecPrivateDataException"
	errMissingToken       errorKind = "MissingAuthenticationTokenException"
	errNoRetention        errorKind = "NoDataRetentionException"
	errNotFound           errorKind = "ResourceNotFoundException"
	errInUse              errorKind = "ResourceInUseException"
	errSerialization      errorKind = "SerializationException"
	errTagLimit           errorKind = "TagsPerResourceExceededLimitException"
	errTooLarge           errorKind = "RequestEntityTooLargeException"
	errUnavailable        errorKind = "ServiceUnavailable"
	errUnrecognized       errorKind = "UnrecognizedClientException"
	errUnsupportedMedia   errorKind = "UnsupportedStreamMediaTypeException"
	errVersionMismatch    errorKind = "VersionMismatchException"
)

// status gives the HTTP status that comes with an exception (the references' Errors sections).
func (k errorKind) status() int {
	switch k {
	case errNotFound:
		return http.StatusNotFound
	case errMissingToken, errIncompleteSign, errInvalidSignature, errUnrecognized, errAccessDenied, errExpiredToken:
		return http.StatusForbidden
	case errTooLarge:
		return http.StatusRequestEntityTooLarge
	case errInternal:
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// apiError is an error that the service tells its caller.
type apiError struct {
	kind    errorKind
	message string
}

func (e *apiError) Error() string { return string(e.kind) + ": " + e.message }

// refuse makes an error for the caller.
func refuse(kind errorKind, format string, args ...any) error {
	return &apiError{kind: kind, message: fmt.Sprintf(format, args...)}
}

// invalid makes an InvalidArgumentException.
func invalid(format string, args ...any) error { return refuse(errInvalidArgument, format, args...) }

// noStream is what every operation answers for a stream that it cannot find.
func noStream() error {
	return refuse(errNotFound, "The requested stream is not found or not active.")
}

// throttled is what every operation answers above a quota.
func throttled() error {
	return refuse(errClientLimit, "The request is rejected because the limit on client calls has been exceeded.")
}

// errorBody is the body of an error.
type errorBody struct{ Message string }

// errorNamespace follows the name in the x-amzn-ErrorType of the data hosts, as their users' logs show. Clients have
// to cut it off.
const errorNamespace = ":https://kinesisvideo.amazonaws.com/doc/2017-09-30/"

// wrongHost is the answer to an operation that this host does not have: XML, although the service speaks JSON.
const wrongHost = "<AccessDeniedException>\n" +
	"  <Message>Unable to determine service/operation name to be authorized</Message>\n" +
	"</AccessDeniedException>\n"

// writeWrongHost writes wrongHost.
func writeWrongHost(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusForbidden)
	_, _ = w.Write([]byte(wrongHost)) // The client has gone away; nobody is left to be told.
}
