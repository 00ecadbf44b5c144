// Package download brings payloads into the cache: one GetClip call is one payload, however many read it.
//
// # What it offers
//
// New gives a Downloader of a Service into a Store. Its Hold takes a payload up for a Want and gives a Reader once the payload
// is known to be the right one. Reader does so at the first read, Head gives the head alone, Made reads what no call brings.
// A Payload is a value: the call that brings it, its key, what it has to be at least, and how long it may be kept.
// Options.OnStale is told of footage that was listed and is gone. Images makes a call for images under the same limits. Identities counts the versions of payloads. Records keeps what
// is known of payloads apart from them. Usage adds up what was fetched for a clip.
//
// # Data flow
//
//	Hold, Reader, Head   Payload, Want →  an entry of the Store, and a holder        hold.go, reader.go, heads.go, store.go
//	entry                cache.Fill    →  calls until the payload is whole           fetch.go
//	fetch                its turn      →  GetClip                                    scheduler.go, demand.go
//	body                 bytes         →  counted, limited, paid for, not stalled    body.go, clip/meter
//	intake               boxes         →  believed, complete, the same as before     intake.go, validation.go, identities.go
//	output               proven bytes  →  cache.Writer, without what is repeated     output.go
//	fetch, Head          before a call →  Tier, whose bytes go the same way          tier.go
//	a payload, a head    that has come →  Tier.Offer, confirmed by Options.Confirm   tier.go
//
// The tier stands behind the Store and before the archive. Its bytes pass the same intake, but for the byte meter. Whatever is wrong with
// it, and what it has of a payload that is known otherwise here, is a miss.
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
// download waits; it has the priority of the first of them, which a Demand tells the archive too. A download of which no holder
// wants more than has come is paused: it has no turn, no more of it is read, and it proceeds when a holder wants more. So opening
// a clip and then reading it makes each call once. It is given up when too many are paused, or after a while without holders.
//
// # Locks
//
// Each mu guards the fields that follow it: scheduler.mu the downloads and the demand, Identities.mu the versions,
// Reader.mu the entry that is held, Usage.mu what was fetched for a clip, sharers.mu who gets what other hosts may wait for.
// None is held during I/O, while another is taken, or while a callback runs; a Demand has a lock of its own for its waiters,
// which is taken last.
package download
