// Package wire is what the protocol of Kinesis Video Streams is, whatever is asked and whatever is there: the names of
// operations and streams, times, errors, tokens, signatures, and how fast a listener answers. It keeps no state but the key
// of its tokens, and imports nothing of ours.
package wire
