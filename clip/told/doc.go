// Package told keeps what is told of clips beside their bytes, by the key of their version.
//
//	Notes     what is unusual in them, a sentence each       notes.go
//	Openings  how far those are that are being opened        openings.go
//	Memory    what follows from a look-up                    memory.go
//	Times     of day, as both are written                     times.go
//
// # Locks
//
// Notes.mu guards the notes. No lock is held while another is taken or a caller's function runs.
package told
