// Package mp4 reads and writes ISO base media files (ISO/IEC 14496-12) as far as Kinesis Video Streams uses them: one
// movie, H.264 or H.265 video, AAC or G.711 audio, one mdat. It depends on the standard library only.
//
// Three parts, in the order of the data:
//
//   - boxes: a box header is parsed from bytes, a Scanner walks the top-level boxes of a stream as it arrives.
//   - reading: ParseMovie turns a moov into tracks with their sample tables kept as runs; SetTimes patches a moov in place.
//   - writing: a Writer plans a traditional movie file from tracks of samples, knows its size before a byte is written,
//     and writes it front to back.
//
// Everything read comes from a network: no length is believed before it is checked against what is left, and nothing
// is expanded by sample that the file holds as a run.
package mp4
