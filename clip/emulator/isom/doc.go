// Package isom is what the emulator knows of ISO base media files (ISO/IEC 14496-12:2015): it reads the movies that footage is
// taken from, and writes the plain movies that GetClip answers with. It shares no code with the client's reader, which it is
// there to test.
//
//   - box.go: boxes as a tree, to be read or changed and made bytes of again
//   - movie.go, samples.go, entry.go: tracks of a moov, their sample entries, their samples one after the other
//   - output.go, plan.go, writer.go, head.go, described.go: a Writer plans a file of an Output and knows its size before it
//     writes a byte
//
// Sections are those of ISO/IEC 14496-12:2015 where no other part of ISO/IEC 14496 is named. Nothing here is shared but what
// does not change.
package isom
