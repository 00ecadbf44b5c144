// Package putmedia takes in the media of one PutMedia connection.
//
//	headers ─→ Order
//	body    ─→ Intake ─→ footage.Clusters ─→ Session ─→ store
//	                                           └─→ ackWriter ─→ answer
//
// A fragment is whole where its cluster of known size ends, at the tag AWS_KINESISVIDEO_END_OF_FRAGMENT, where the next one
// begins, or where the body ends. One that was cut off is dropped: with its connection, or by the end of the body of an official
// producer, which has the tag behind each whole one. A fragment can be listed and asked for before its PERSISTED is sent. One
// goroutine reads and stores, another writes all acknowledgements.
//
// What goes wrong on purpose in a session is its Faults (fault.go): the body breaks off or stalls, an ERROR ends it, PERSISTED comes
// late or not at all.
//
// # Faithfulness
//
// What is known of PutMedia differs between its reference, the quotas page and what producers have logged. Here
//   - some connections can bring media to a stream at once, as official producers open the next before the last has ended, on
//     every reset and every new token; each goes on to its own end, and their fragments are one listing by their times. One
//     connection more is refused (ConnectionLimitExceededException);
//   - a fragment that was cut off does not count, so that the same one can come again whole: with its connection, or by the end of
//     the body of an official producer, which starts over with a body that ends in the midst of a fragment, and ends whole ones
//     with the tag;
//   - the rates of bytes and fragments are those at which is read, so that a faster producer has to wait;
//   - a fragment may be shorter than a second: there is no error for it, and real listings have fragments of length 0;
//   - a frame that is not later than all of its track in the fragment before is 4004, as is an earlier timecode;
//   - a server timestamp is when a fragment began to arrive, so it is older than the moment at which the fragment can
//     be found, by as much as the fragment took;
//   - any producer timestamp up to the year 9999 is taken, 4007 is for those beyond;
//   - at the end of 30 s without data the connection ends without an error, at the end of 45 min with 4003.
package putmedia
