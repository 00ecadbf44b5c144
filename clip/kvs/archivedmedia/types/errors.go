package types

import (
	"fmt"

	"github.com/aws/smithy-go"
)

// codeOf is the code of an exception: what the service called it, or the exception's own name.
func codeOf(override *string, name string) string {
	if override != nil {
		return *override
	}
	return name
}

// textOf is the text of an optional message.
func textOf(message *string) string {
	if message == nil {
		return ""
	}
	return *message
}

// ClientLimitExceededException says that the caller has used up a limit on calls or points; the call may be made again later (API reference, ClientLimitExceededException).
type ClientLimitExceededException struct {
	Message           *string
	ErrorCodeOverride *string
}

var _ smithy.APIError = (*ClientLimitExceededException)(nil)

// Error implements error.
func (e *ClientLimitExceededException) Error() string {
	return fmt.Sprintf("%s: %s", e.ErrorCode(), e.ErrorMessage())
}

// ErrorMessage is the service's text.
func (e *ClientLimitExceededException) ErrorMessage() string { return textOf(e.Message) }

// ErrorCode is the name of the exception.
func (e *ClientLimitExceededException) ErrorCode() string {
	return codeOf(e.ErrorCodeOverride, "ClientLimitExceededException")
}

// ErrorFault says that the caller is at fault.
func (e *ClientLimitExceededException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// InvalidArgumentException says that a parameter has a value that the service refuses (API reference, InvalidArgumentException).
type InvalidArgumentException struct {
	Message           *string
	ErrorCodeOverride *string
}

var _ smithy.APIError = (*InvalidArgumentException)(nil)

// Error implements error.
func (e *InvalidArgumentException) Error() string {
	return fmt.Sprintf("%s: %s", e.ErrorCode(), e.ErrorMessage())
}

// ErrorMessage is the service's text.
func (e *InvalidArgumentException) ErrorMessage() string { return textOf(e.Message) }

// ErrorCode is the name of the exception.
func (e *InvalidArgumentException) ErrorCode() string {
	return codeOf(e.ErrorCodeOverride, "InvalidArgumentException")
}

// ErrorFault says that the caller is at fault.
func (e *InvalidArgumentException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// InvalidCodecPrivateDataException says that the codec private data of a track is not what the operation needs (API reference, InvalidCodecPrivateDataException).
type InvalidCodecPrivateDataException struct {
	Message           *string
	ErrorCodeOverride *string
}

var _ smithy.APIError = (*InvalidCodecPrivateDataException)(nil)

// Error implements error.
func (e *InvalidCodecPrivateDataException) Error() string {
	return fmt.Sprintf("%s: %s", e.ErrorCode(), e.ErrorMessage())
}

// ErrorMessage is the service's text.
func (e *InvalidCodecPrivateDataException) ErrorMessage() string { return textOf(e.Message) }

// ErrorCode is the name of the exception.
func (e *InvalidCodecPrivateDataException) ErrorCode() string {
	return codeOf(e.ErrorCodeOverride, "InvalidCodecPrivateDataException")
}

// ErrorFault says that the caller is at fault.
func (e *InvalidCodecPrivateDataException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// InvalidMediaFrameException says that a frame could not be parsed by the codec that its track names (API reference, InvalidMediaFrameException).
type InvalidMediaFrameException struct {
	Message           *string
	ErrorCodeOverride *string
}

var _ smithy.APIError = (*InvalidMediaFrameException)(nil)

// Error implements error.
func (e *InvalidMediaFrameException) Error() string {
	return fmt.Sprintf("%s: %s", e.ErrorCode(), e.ErrorMessage())
}

// ErrorMessage is the service's text.
func (e *InvalidMediaFrameException) ErrorMessage() string { return textOf(e.Message) }

// ErrorCode is the name of the exception.
func (e *InvalidMediaFrameException) ErrorCode() string {
	return codeOf(e.ErrorCodeOverride, "InvalidMediaFrameException")
}

// ErrorFault says that the caller is at fault.
func (e *InvalidMediaFrameException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// MissingCodecPrivateDataException says that a track has no codec private data (API reference, MissingCodecPrivateDataException).
type MissingCodecPrivateDataException struct {
	Message           *string
	ErrorCodeOverride *string
}

var _ smithy.APIError = (*MissingCodecPrivateDataException)(nil)

// Error implements error.
func (e *MissingCodecPrivateDataException) Error() string {
	return fmt.Sprintf("%s: %s", e.ErrorCode(), e.ErrorMessage())
}

// ErrorMessage is the service's text.
func (e *MissingCodecPrivateDataException) ErrorMessage() string { return textOf(e.Message) }

// ErrorCode is the name of the exception.
func (e *MissingCodecPrivateDataException) ErrorCode() string {
	return codeOf(e.ErrorCodeOverride, "MissingCodecPrivateDataException")
}

// ErrorFault says that the caller is at fault.
func (e *MissingCodecPrivateDataException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// NoDataRetentionException says that the stream keeps no data, so there is nothing to serve (API reference, NoDataRetentionException).
type NoDataRetentionException struct {
	Message           *string
	ErrorCodeOverride *string
}

var _ smithy.APIError = (*NoDataRetentionException)(nil)

// Error implements error.
func (e *NoDataRetentionException) Error() string {
	return fmt.Sprintf("%s: %s", e.ErrorCode(), e.ErrorMessage())
}

// ErrorMessage is the service's text.
func (e *NoDataRetentionException) ErrorMessage() string { return textOf(e.Message) }

// ErrorCode is the name of the exception.
func (e *NoDataRetentionException) ErrorCode() string {
	return codeOf(e.ErrorCodeOverride, "NoDataRetentionException")
}

// ErrorFault says that the caller is at fault.
func (e *NoDataRetentionException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// NotAuthorizedException says that the caller may not do this on the stream, or its token has expired (API reference, NotAuthorizedException).
type NotAuthorizedException struct {
	Message           *string
	ErrorCodeOverride *string
}

var _ smithy.APIError = (*NotAuthorizedException)(nil)

// Error implements error.
func (e *NotAuthorizedException) Error() string {
	return fmt.Sprintf("%s: %s", e.ErrorCode(), e.ErrorMessage())
}

// ErrorMessage is the service's text.
func (e *NotAuthorizedException) ErrorMessage() string { return textOf(e.Message) }

// ErrorCode is the name of the exception.
func (e *NotAuthorizedException) ErrorCode() string {
	return codeOf(e.ErrorCodeOverride, "NotAuthorizedException")
}

// ErrorFault says that the caller is at fault.
func (e *NotAuthorizedException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// ResourceNotFoundException says that there is no such stream, or it has no fragments in the range (API reference, ResourceNotFoundException).
type ResourceNotFoundException struct {
	Message           *string
	ErrorCodeOverride *string
}

var _ smithy.APIError = (*ResourceNotFoundException)(nil)

// Error implements error.
func (e *ResourceNotFoundException) Error() string {
	return fmt.Sprintf("%s: %s", e.ErrorCode(), e.ErrorMessage())
}

// ErrorMessage is the service's text.
func (e *ResourceNotFoundException) ErrorMessage() string { return textOf(e.Message) }

// ErrorCode is the name of the exception.
func (e *ResourceNotFoundException) ErrorCode() string {
	return codeOf(e.ErrorCodeOverride, "ResourceNotFoundException")
}

// ErrorFault says that the caller is at fault.
func (e *ResourceNotFoundException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// UnsupportedStreamMediaTypeException says that the type of the media cannot be had from the codec ID of the tracks (API reference, UnsupportedStreamMediaTypeException).
type UnsupportedStreamMediaTypeException struct {
	Message           *string
	ErrorCodeOverride *string
}

var _ smithy.APIError = (*UnsupportedStreamMediaTypeException)(nil)

// Error implements error.
func (e *UnsupportedStreamMediaTypeException) Error() string {
	return fmt.Sprintf("%s: %s", e.ErrorCode(), e.ErrorMessage())
}

// ErrorMessage is the service's text.
func (e *UnsupportedStreamMediaTypeException) ErrorMessage() string { return textOf(e.Message) }

// ErrorCode is the name of the exception.
func (e *UnsupportedStreamMediaTypeException) ErrorCode() string {
	return codeOf(e.ErrorCodeOverride, "UnsupportedStreamMediaTypeException")
}

// ErrorFault says that the caller is at fault.
func (e *UnsupportedStreamMediaTypeException) ErrorFault() smithy.ErrorFault {
	return smithy.FaultClient
}
