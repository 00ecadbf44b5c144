// Package hls publishes the clips of a library for HTTP Live Streaming (RFC 8216): playlists, and the segments that they name.
//
//	publisher.go                         what is offered
//	playlist.go   a clip's listing      →  text of a playlist             no media
//	live.go       the newest footage    →  text of a playlist that goes on; window.go: what was given of it
//	segment.go    Segment               →  Open, Handle                   the frames of that span as MPEG-TS
//	stream.go     a span, a position    →  Segment                        the segments that were looked up last
//	choose.go     a span                →  source                         the clip that has its media: one call for many segments, read in order
//	history.go    what is remembered of a stream while it is played
//	coding.go     how footage is coded, as far as heads tell
//
// # Where the media of a segment comes from
//
// Three kinds of clips have the media of a segment, all of them had by one GetClip call: the segment's own span; the rest of its cell of the grid of parts, from the
// segment on; the whole cell, whose payload is a part of longer clips too. A segment is looked up without media, and then it is decided which it is: a payload
// that is on disk or on its way; at the beginning of a playlist, and where the segment before was read a moment ago, the rest of the cell, so that whoever
// plays makes one call for many segments; else its own span, so that a seek fetches one segment and no more. From the third segment in a row on the source
// is fetched on while nothing reads it.
//
// The version of a segment is made of its source, so that another decision later is another version of the file.
//
// # What a playlist promises
//
// Names and lengths of segments follow from the listing alone. A segment stands where its name says, to the millisecond, and pictures are decoded
// earlier than they are shown by one constant in all segments of a stream, which its first head tells. Where sound pauses in a stream that had
// sound, segments have silent frames.
//
// # What goes on
//
// The live playlist of a stream has the segments of the last minutes that are all there. A segment that was given once stays what it is: what follows is cut
// behind it. The first one of a day (UTC) has a number that follows from the date, and the others are counted from there, so that numbers are
// the same after a remount; while a stream is followed they are counted on over midnight. Positions are times since 1970, gaps kept.
// A playlist has one video codec: what comes before the last change that is known is left out. To whoever opens it after a minute in which nobody did,
// heads of the first and the last segment tell, and of some between them where these differ.
//
// # Locks
//
// Publisher.mu guards the streams, stream.looked what was looked up of one, history.mu and codings.mu what else is remembered of it, Segment.mu the
// size and the plan of a segment, live.mu the live playlist. history.mu may be taken with stream.looked held; else none is taken while another is. None is held during I/O.
package hls
