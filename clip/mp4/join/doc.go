// Package join plans one traditional MP4 file (ftyp, moov, one mdat) made of many payloads, from their heads alone. The
// media stays where it is: a File tells which range of it is which range of which payload.
//
// # Data flow
//
//	parts ─→ scan     samples to leave out, sample entries, where parameter sets go in    comparison.go, entries.go
//	      ─→ measure  lengths in common timescales                                         measure.go, rescale.go
//	      ─→ place    one part after the other on the clock, where the file begins         place.go, begin.go, tail.go
//	      ─→ count    how many entries the tables have                                     head.go, tables.go
//	      ─→ File     the head, written part by part, and the segments                     stbl.go, encode.go
//
// A head is opened for each step and for each table, and let go: a day has too many to hold all. Only what tells of a
// part as a whole is kept, some hundred bytes.
//
// A joiner belongs to one goroutine. A File does not change.
package join
