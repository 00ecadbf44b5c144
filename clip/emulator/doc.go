// Package emulator is Kinesis Video Streams on one machine: the service's HTTP API over recorded or looped footage and
// over what producers send, for demos, tests, and anything that speaks to the service through an SDK and takes an
// endpoint URL.
//
// # Rooms
//
//	emulator   the two listeners, the steps of a call, the operations, what is told and set at /_emulator/
//	putmedia   one connection that brings media: intake, fragments, acknowledgements
//	chunk      media out as Matroska: which fragments, live, and how they are written
//	session    media out as HLS and MPEG-DASH: tokens, playlists, segments
//	streams    the table of streams, what each has recorded and what its callers may ask: no HTTP
//	wire       what the protocol is: names, times, errors, signatures, tokens, and the pace of an answer
//	clock      the service's time, which can be set; what the machine's clock is for it says itself
//	control    the client of tests: starts an emulator, or talks to one at /_emulator/
//
// and below these fault, form, footage, payload, images, isom and store.
//
// # Data flow
//
//	control listener ─→ operation ─→ streams.Table         CreateStream, DescribeStream, ListStreams, GetDataEndpoint, …
//	data listener    ─→ operation ─→ Stream.Visible        ListFragments, GetClip, GetImages
//	                 ─→ chunk.Begin  ─→ Stream.Visible     GetMedia, GetMediaForFragmentList
//	                 ─→ session.Table ─→ Stream.Visible    Get…StreamingSessionURL, and what their players ask for
//	                 ─→ putmedia.Session ─→ store          PutMedia
//
// A request runs through the same steps on both listeners: find the operation by its path (none: the XML answer of a
// wrong host), read the body, check the signature, hold the body against the model (package wire), run the operation, count
// it, wait out the latency, write. An operation gives back its answer and writes nothing itself, so that an error is always
// a whole answer. One that the service has and the emulator lacks runs too, and refuses.
//
// An answer of GetMedia goes on for as long as the client takes it; where a fault needs a whole answer it is what there is at the moment.
// The resources of streaming sessions are no operations: their token is all that they need, and they run through the second half of
// the steps. Pages of any origin may use both listeners, as the service's, but for /_emulator/.
//
// PutMedia is no operation in that sense (package putmedia): headers are checked first, then the answer begins, and
// acknowledgements go out while the body still comes.
//
// The two listeners stand for the two kinds of host that the service has. The data listener's address is told by
// GetDataEndpoint only, and neither serves the other's operations: a client that skips GetDataEndpoint fails here as
// it fails there. Both can be encrypted (Options.TLS); package authority makes certificates for that.
//
// # Faithfulness
//
// Shapes, limits and texts are those of the service's API reference (2017-09-30) and of what its users have reported.
// Where the service's behaviour is not known, an option offers both ways.
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
//	page of a listing ─→ mislist                                  (listfragments.go)
//	listener ─→ fault.Door                                        nobody listens for a time
//
// A call that a fault hits is counted as any other. An operation whose answer is lost has run all the same.
//
// # Locks
//
// Packages counts, streams, store, session and fault have their own locks. Server.turn is held while doors
// are opened and shut, with Server.mu or the lock of a door taken in it; no other lock is held during I/O or while another
// is taken.
package emulator
