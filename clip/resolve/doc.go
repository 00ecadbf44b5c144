// Package resolve finds the GetClip calls that bring the parts of a plan, and the heads of what they bring.
//
//	Keyed         planned parts  →  parts with the keys of their payloads (part.go)
//	Part.Payload  a part         →  its call, and what its payload has to be (payload.go, by package match)
//	Served        parts          →  those that calls bring as far as that is known, and those that none does (stretches.go)
//	Resolve       a part         →  the parts that calls bring for it, with their heads: itself, as a rule (resolve.go)
//
// Where one call does not bring a part, others are looked for (settle.go): halves where the codec changes, the fragments that a
// payload lacks, and those around fragments that the service makes no MP4 of (unservable.go). What is found stays in memory and, with
// the heads, on disk, so that it costs calls once. What no call brings is not served.
//
// The package makes its calls through a download.Downloader. It knows no clips: what becomes of one some of whose fragments are
// not served is decided by package clip.
//
// # Locks
//
// It has none of its own; what it remembers in memory is guarded by its LRU cache.
package resolve
