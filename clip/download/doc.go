// Package download brings payloads into the cache: one GetClip call is one payload, however many read it.
//
// # What it offers
//
// New gives a Downloader of a Service into a Store. Its Hold takes a payload up for a Want and gives a Reader once the payload
// is known to be the right one; Reader does so at the first read, Head gives the head alone, Made reads what no call brings.
// A Payload is a value: which call brings it, under which key, what it has to be at least, how long it may be kept. What is gone
// although it was listed is told to Options.OnStale. Identities counts the versions of payloads. Records keeps what is known of
// payloads apart from them. Usage adds up what was fetched for a clip.
//
// # Data flow
//
//	Hold, Reader   Payload, Want   →  an entry of the Store, and a holder in the demand    hold.go, reader.go, demand.go
//	entry          cache.Fill      →  fetch: calls until the payload is whole               fetch.go
//	fetch          its turn        →  GetClip                                               scheduler.go
//	body           bytes           →  counted, limited, paid for, watched for stalls        body.go, meter.go, bandwidth.go
//	intake         boxes           →  compared with what was announced and what was before  intake.go, validation.go, identities.go
//	output         proven bytes    →  cache.Writer; what a body repeats is compared         output.go
//
// # What a payload has to be
//
// Bytes are served only of the version that a size was given for. Before any media of a payload is served its head is compared
// with that of each earlier download: with the one in memory, with the one on disk, and, each time that a Reader takes the
// payload up, with what its Want says. A payload that is no MP4, or whose head speaks of media that is not there, is asked for
// again and then refused.
//
// What fails is taken up again by takeUp alone: what was given up or damaged just now always, a few times; a payload that
// differs from the one before once, if of it nothing was served or its samples may be the same.
//
// # Turns
//
// Downloads take turns in the scheduler, Connections at once, more of readers and of heads. Holders come and go while a
// download waits; the priority of the first of them is that of the download. A download of which no holder wants more than has
// come is paused: it has no turn, no more of it is read, and it proceeds when a holder wants more. So opening a clip and then
// reading it makes each call once. It is given up when too many are paused, or when nobody has held it for a while.
//
// # Locks
//
// Each mu guards the fields that follow it: scheduler.mu the downloads and the demand, Identities.mu the versions, meter.mu the
// counts, bandwidth.mu the bodies that wait to read on, Reader.mu the entry that is held, Usage.mu what was fetched for a clip.
// None is held during I/O, while another is taken, or while a function of another package is called. meter.files is no such
// lock: it orders the I/O on a file.
package download
