// Package archive is the vocabulary of clipfs: what the service that holds footage is, and what it says of streams and fragments.
// All other packages speak of footage in these types; it imports none of them.
//
// # Words
//
// One word, one meaning, in names, logs, flags and documents:
//
//   - stream: a named Kinesis video stream. archive: the service that holds its media.
//   - fragment: the archive's stored unit, 1 to 20 s that start on a key frame, identified by its fragment number.
//   - span: a half-open range of time [Start, End), UTC, of millisecond grain.
//   - payload: the MP4 bytes that one GetClip call returns.
//   - clip: one span of one stream, presented as one file.
//   - cover clip: a clip that also has the fragment that was running at its start.
//   - part: the piece of a clip that one GetClip call covers. A clip has one part or many.
//   - head: the bytes of a payload before its media data: ftyp, moov and the header of mdat.
//   - still: the picture of a stream at an instant, presented as one file. image: what GetImages returns for an instant.
//   - layout: the immutable map from the bytes of a clip to the bytes of its parts.
//   - timeline: what a stream has recorded and where its gaps are, as ListFragments tells.
//
// # Contents
//
//	Service      what an archive does: Streams, Stream, Fragments, Payload, Images. clip/kvs is the one on AWS.
//	Stream, Fragment, Selector, Span, Start, Precision
//	Priority, Demand what a payload is wanted for, and how that changes
//	GapRule      where a gap lies between two fragments, and what runs without one
//	Operation    who asked, carried by a context
//	Err…         what can go wrong, one sentinel a kind
package archive
