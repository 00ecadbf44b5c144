// Package emulator is Kinesis Video Streams on one machine: the service's HTTP API over recorded or looped footage, for
// demos, tests, and anything that speaks to the service through an SDK and takes an endpoint URL.
//
// # Data flow
//
//	control listener ─→ operation ─→ streamTable           CreateStream, DescribeStream, ListStreams, GetDataEndpoint, …
//	data listener    ─→ operation ─→ select ─→ footage     ListFragments, GetClip
//
// A request runs through the same steps on both listeners: find the operation by its path (none: the XML answer of a
// wrong host), read the body, check the signature, run the operation, count it, wait out the latency, write. An
// operation gives back its answer and writes nothing itself, so that an error is always a whole answer.
//
// The two listeners stand for the two kinds of host that the service has. The data listener's address is told by
// GetDataEndpoint only, and neither serves the other's operations: a client that skips GetDataEndpoint fails here as
// it fails there.
//
// # Faithfulness
//
// Shapes, limits and texts are those of the service's API reference (2017-09-30) and of what its users have reported.
// Where the service's behaviour is not known, an option offers both ways.
//
// # Locks
//
// streamTable.mu guards the streams, callTable.mu the counts, streamQuota.mu the two buckets that one call draws on
// together. None is held during I/O and none while another is taken.
package emulator
