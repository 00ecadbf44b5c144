// Package archivedmedia makes the calls of Amazon Kinesis Video Streams Archived Media that clipfs makes: GetClip, ListFragments
// and GetImages.
//
// The SDK's own package of this service, service/kinesisvideoarchivedmedia, is not to be had where this program is built.
// This one stands on the SDK's core: SigV4 signer, retry loop, smithy middleware and metadata. Its steps have the names
// that they have in the SDK's clients, so that package kvs adds its own to both in the same way and tells errors by their
// code.
//
// A call goes to the endpoint that GetDataEndpoint gave for the stream and the API. Its steps are those of a smithy stack:
//
//	Serialize    the input becomes a POST with a JSON body
//	Build        Content-Length, User-Agent, invocation id
//	Finalize     Retry → ResolveEndpointV2 → ComputePayloadHash → Signing
//	Deserialize  the status decides between the output and an error with the code that the service gave
//
// A Client is safe for concurrent use. It has no locks; clock skew is kept in an atomic.
package archivedmedia
