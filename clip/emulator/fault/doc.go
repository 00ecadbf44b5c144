// Package fault says what goes wrong in an emulated service, on purpose: which calls it hits, how often, and what
// happens to them then.
//
// # Grammar
//
// A rule is one line of KEY=VALUE, separated by commas, as --fault takes it and POST /_emulator/faults (one rule a line):
//
//	kind=close,api=GetClip,stream=door,at=64KiB,count=2
//
// Which calls a rule hits:
//
//	api=GetClip        calls of this operation; without it, of all that the kind is for, but for PutMedia: that is hit by
//	                   rules that name it, and by those that are for it alone. Of the others it takes reset, close and stall,
//	                   before its answer or once at= bytes of media have come, and before it status, throttle, expired, denied,
//	                   skew and deleted
//	stream=door        calls that name this stream; without it, all
//	skip=3             not the first three of them
//	count=2            two of the rest and no more
//	p=0.25             each with this probability (skip and count are of those that it hits)
//
// What happens to a call is its kind. The position at counts bytes of the answer's body: 65536, 64KiB, or 50% of it.
//
//	kind=refuse        nobody listens where the operation is sent; for=5s: until then. Calls under way go on. It knows no
//	                   stream and no count, because no call arrives. The control listener can be closed only for a time: faults are set there
//	kind=reset         the connection is reset: before the answer, or at=
//	kind=close         the connection is closed: before the answer, or at=
//	kind=stall         nothing more is sent, and the connection stays: before the answer, or at=; for=30s: until then
//	kind=drip          the body comes at rate=100 bytes a second, from at= on
//	kind=status        status=500 (503, 429, any from 400 on): 500 and 503 as the service says them, others in plain text,
//	                   as who stands before it does
//	kind=throttle      ClientLimitExceededException
//	kind=expired       ExpiredTokenException, for calls with the credentials of the first call that it hits and for no others
//	kind=denied        AccessDeniedException
//	kind=length        Content-Length is wrong by=+1000 or by=-1000; what is sent is what there is
//	kind=garbage       a body of random bytes, as long as the right one
//	kind=html          a page of HTML with status 200
//	kind=truncate      the body ends at=50%, and Content-Length says so
//	kind=duplicate     fragments are listed twice, within a page and on the next
//	kind=missing       a page of fragments lacks every tenth, and one at least
//	kind=endless       every page of a listing has a NextToken; after the last comes the first again
//	kind=lie           the head of a payload says what=mdat (the media box reaches beyond the body), sizes (a sample does),
//	                   offsets (a chunk lies beyond the body), overlap (all chunks lie at one place), counts (a table has
//	                   four thousand million rows), moov (the head is 2 GiB long)
//	kind=differ        the payload is another than without: two sample sizes are exchanged, or the byte at= is another
//	kind=skew          the service's clock is off by=10m or by=-10m, and it checks that requests are of its time
//	kind=aged          all footage has left retention
//	kind=deleted       the stream is not there
//
//	kind=failure       an ERROR acknowledgement with code=4006 (4000 to 4012, 5000, 5001) ends PutMedia: in its first fragment,
//	                   or once at= bytes have come. Fragments that were persisted before stay
//	kind=unpersisted   PERSISTED does not come, or for=5s later; the fragments are stored
//	kind=idle          each fragment is told of as IDLE, too, as if nothing had come
//
// A call meets one rule at most: the first, in the order in which they were added, that hits it.
//
// # Locks
//
// Table.mu guards its rules and what they have hit. It is not held while another lock is taken. Door.mu guards a listener and
// its connections, and is held while the listener is opened or closed.
package fault
