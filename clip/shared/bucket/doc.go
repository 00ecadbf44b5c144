// Package bucket is a shared.Bucket on an object store that speaks the API of Amazon S3.
//
//	url.go          what --shared-cache names
//	open.go         where the store is, and how it is reached
//	credentials.go  those of the SDK's default chain, for which no call waits
//	bucket.go       the calls
//
// Nothing is tried twice: who asks has another way, and the bucket is left alone after a failure. A call ends when its context
// does. Only the answer NoSuchKey says that there is no object: any other 404 comes from something in between, or says that
// there is no bucket.
//
// Objects are written with their CRC-32C in a header and a signed digest of the whole: without either some stores keep what has
// come of an upload that was broken off.
//
// # Locks
//
// credentials.mu guards what was found, and is not held during I/O.
package bucket
