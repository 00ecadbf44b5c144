// Package emulator is Kinesis Video Streams on one machine: the service's HTTP API over recorded or looped footage and
// over what producers send, for demos, tests, and anything that speaks to the service through an SDK and takes an
// endpoint URL.
//
// # Data flow
//
//	control listener ─→ operation ─→ streamTable           CreateStream, DescribeStream, ListStreams, GetDataEndpoint, …
//	data listener    ─→ operation ─→ select ─→ footage     ListFragments, GetClip
//	                 ─→ PutMedia ─→ footage.Clusters ─→ store
//
// A request runs through the same steps on both listeners: find the operation by its path (none: the XML answer of a
// wrong host), read the body, check the signature, run the operation, count it, wait out the latency, write. An
// operation gives back its answer and writes nothing itself, so that an error is always a whole answer.
//
// PutMedia is no operation in that sense: headers are checked first, then the answer begins, and acknowledgements go out
// while the body still comes, fragment by fragment. A fragment is whole where its cluster of known size ends, at the tag
// AWS_KINESISVIDEO_END_OF_FRAGMENT, where the next one begins, or where the body ends; one that was cut off with its
// connection is dropped. It can be listed and asked for before its PERSISTED is sent.
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
// What is known of PutMedia differs between its reference, the quotas page and what producers have logged. Here
//   - a second connection to a stream is refused (ConnectionLimitExceededException), the first goes on;
//   - the rates of bytes and fragments are those at which is read, so that a faster producer has to wait;
//   - a fragment may be shorter than a second: there is no error for it, and real listings have fragments of length 0;
//   - a frame that is not later than all of its track in the fragment before is 4004, as is an earlier timecode;
//   - a server timestamp is when a fragment began to arrive, so it is older than the moment at which the fragment can
//     be found, by as much as the fragment took;
//   - any producer timestamp up to the year 9999 is taken, 4007 is for those beyond;
//   - at the end of 30 s without data the connection ends without an error, at the end of 45 min with 4003.
//
// # Forms
//
// Payloads can be odd (package form): some forms change the boxes of a payload, which package payload sees to, others
// which fragments it has (forms.go). They are given at the start or set while it runs, at /_emulator/payload of the control
// listener.
//
// # Faults
//
// What goes wrong on purpose is said by rules (package fault), given at the start or set while it runs, at
// /_emulator/faults of the control listener:
//
//	call ─→ fault.Table.Meet ─→ refusals, the clock, the stream   before the operation runs (fault_call.go)
//	answer ─→ spoil                                               what is sent instead, or how it breaks off (fault_answer.go)
//	page of a listing ─→ mislist                                  (fault_listing.go)
//	listener ─→ door                                              nobody listens for a time (door.go)
//
// A call that a fault hits is counted as any other. An operation whose answer is lost has run all the same.
//
// # Locks
//
// streamTable.mu guards the streams, callTable.mu the counts, streamQuota.mu the two buckets that one call draws on
// together, door.mu a listener and its connections; packages store and fault have their own. Server.turn is held while
// doors are turned, with Server.mu or door.mu taken in it, and door.mu while a listener is opened or closed; of the others
// none is held during I/O and none while another is taken. A change to a stream is kept in the store while it has
// streamTable.turn, a channel that holds one: others that change streams wait for it, and nobody who reads does. Of a PutMedia connection, one goroutine reads and stores, another writes all acknowledgements.
package emulator
