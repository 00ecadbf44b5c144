// Package streams has the streams of the emulated account: what is told of them, what they have recorded and retain, which
// of it a request selects, and what their callers may ask a second. It knows no HTTP, but the service's errors and forms of
// values (package wire).
//
//	Table ─→ Stream ─→ footage.Source   what was there from the start, recorded or looped
//	                ─→ store.Stream     what producers have sent
//
// # Locks
//
// Table.mu guards the streams, Quota.mu the two buckets that one call draws on together. Neither is held during I/O or
// while another lock is taken. A change to a stream is kept in the store while it has Table.turn, a channel that holds one:
// other changes wait for it, reads do not.
package streams
