// Package ts wraps coded frames as an MPEG transport stream (ISO/IEC 13818-1), the form of media that every player of HTTP Live
// Streaming seeks in. Nothing is re-encoded.
//
// # Data flow
//
//	Plan(Streams, []Unit)   sizes, times and kinds of frames  →  Segment   where each packet of the file stands; no media is read
//	Segment.Reader(source)  bytes of frames                   →  ReadAt    packets, made when they are read
//
// The size of a Segment is exact before a byte of media is there: a frame of an MP4 file is as long as in a transport stream, as a
// length of four bytes is as long as a start code. So a file can tell its size from the head of a payload alone, and a read at
// any place needs only the frames that stand there.
//
// # What a segment looks like
//
// One program. First PAT and PMT, then a PES packet for each access unit in the order of decoding. Video has an access unit
// delimiter before each picture and the parameter sets before each key frame, so that a segment needs no other; sound is AAC with
// ADTS headers, one frame a PES packet. PCR equals DTS on each picture. The first packet of each elementary stream says that
// its clock and counters begin: segments are made apart from each other.
//
// Times are in ticks of 90 kHz and are written modulo 2³³.
//
// The library that is known for this writes a stream front to back with counters of its own, so that neither the size nor a
// byte in the middle is known before all of it is made; its demuxer checks this package in the tests.
//
// There are no locks but Reader.mu, which guards the frame read last.
package ts
