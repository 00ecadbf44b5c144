// Package store keeps what producers have pushed into the emulator: streams, and their fragments as Matroska, in memory
// or in a directory that outlives the emulator.
//
// # On disk
//
//	DIR/lock                        held while a Store is open: two emulators do not share one
//	DIR/streams/NAME.CREATED.HASH/  a stream, by its name (cut), creation time and a hash of its whole name
//	    stream.json                 what Save was given
//	    NUMBER-PRODUCER-SERVER-LENGTH-SIZE.mkv
//
// A fragment's file is a Matroska file of one cluster that any player opens, and its name is the index: number, times
// in milliseconds since 1970, length in milliseconds and size in bytes. It is written under another name, synced and
// then renamed, so it is there whole or not at all; one whose size is not that in its name is left out with a warning.
// The directory is made with mode 0700, files with 0600.
//
// # Data flow
//
//	PutMedia ─→ Stream.Reserve (number, server time) ─→ Stream.Receive ─→ Incoming (file, or memory) ─→ Stream.Add ─→ index
//	ListFragments, GetClip ─→ Stream.Fragments (index only) ─→ footage.Fragment.Load ─→ file
//
// # Locks
//
// Stream.mu guards the index of one stream, Store.mu which streams there are; neither is taken while the other is held,
// and no file is touched under either. Save and Remove of one stream are the caller's to keep apart.
package store
