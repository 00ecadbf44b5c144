// Package mp4 reads ISO base media files (ISO/IEC 14496-12:2015) as far as Kinesis Video Streams uses them:
// one movie, H.264 or H.265 video, AAC or G.711 audio, no fragments. It depends on the standard library only.
//
// Two parts, in the order of the data:
//
//   - boxes: ParseBoxHeader and Children read boxes in memory, a Scanner walks the top-level boxes of a stream as it
//     arrives, ReadMoov takes one of them into memory, within a bound.
//   - reading: ParseMovie turns a moov into tracks with their sample tables kept as runs; Track.Samples and
//     Track.Chunks expand them as far as is asked; Cut and Grouped give another view of a track; SetTimes patches a moov in place.
//
// Everything read comes from a network: no length is believed before it is checked against what is left, and nothing
// is expanded by sample that the file holds as a run. A sample table (Durations, Offsets, Syncs, Sizes, ChunkRuns,
// ChunkOffsets) is a view of the bytes of its box.
//
// Parsing says whether boxes have their form, Track.Check whether tables agree with each other: a payload that cannot
// be taken apart may still be one that can be served.
//
// Sections are those of ISO/IEC 14496-12:2015 where no other part of ISO/IEC 14496 is named.
//
// There are no locks: nothing here is shared but what does not change.
package mp4
