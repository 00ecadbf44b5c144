// Package still gives the picture of a stream at an instant as a file: one image of GetImages, kept on disk.
//
// # Data flow
//
//	Find      stream, instant →  the fragment that ran then         (package timeline; running.go)
//	Still     fragment        →  a key, an estimate, an exact size  (still.go)
//	Open      key             →  an entry of the cache, filled by   (handle.go)
//	collector wants           →  those of a moment, by stream       (collect.go)
//	batch     wants           →  instants that lie evenly           (batch.go)
//	call      batch           →  GetImages                          (package download)
//
// Looking up costs what it costs to list what ran at the instant, and fetches nothing. Opening makes the call, unless the picture is
// on disk.
//
// # Which picture
//
// A still is the newest image of one call that is no newer than the instant, at most 200 ms older, and of the fragment that ran
// at the instant. As a rule it is the image of the instant itself. Where several are asked for at once, one call brings them all if
// instants that lie evenly come close enough to each.
//
// The key of a still has the number of its fragment, so footage that comes late is never hidden by what was there before. An image that
// is fetched again and differs, after it was evicted, is the next version of the file, as with clips.
//
// # Locks
//
// collector.mu guards what waits to be asked for. It is not held during a call, nor while another lock is taken.
package still
