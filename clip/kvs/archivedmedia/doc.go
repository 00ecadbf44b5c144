// Package archivedmedia is a client of Amazon Kinesis Video Streams Archived Media for the two calls that clipfs makes:
// GetClip and ListFragments.
//
// The SDK's own package of this service, service/kinesisvideoarchivedmedia, is not to be had where this program is
// built. This one has the same names and shapes and stands on the SDK's core (aws.Config, credentials, SigV4 signer,
// retryer, HTTP client, smithy middleware and operation metadata), so that going over to the SDK's is a change of
// imports. That is why it has functional options and method names that this program does not use elsewhere. Package
// kvs adds its own policy from outside, by options that the SDK's package takes as well, and tells errors by their code.
//
// A call goes through the steps of a smithy stack:
//
//	Initialize   the input is checked, the service and the operation are noted
//	Serialize    the input becomes a POST with a JSON body
//	Build        Content-Length, User-Agent, invocation id
//	Finalize     Retry → ResolveEndpointV2 → ComputePayloadHash → Signing
//	Deserialize  the status decides between the output and an error with the code that the service gave
//
// Unlike the SDK's, this client resolves no endpoint by itself: a call goes to Options.BaseEndpoint, which is what
// GetDataEndpoint gave for the stream and the API, and fails without one.
//
// A Client is safe for concurrent use. It has no locks; clock skew is kept in an atomic.
package archivedmedia
