// Package clip is the domain of clipfs: it turns a stream and a span of time into the bytes of one MP4 file.
//
// # Data flow
//
//	names   "2024-01-01T10:00", "10m.mp4"  →  Span            (package names)
//	archive ListFragments                  →  fragments       (package timeline; the past is kept on disk, by the hour)
//	timeline                               →  days, hours …   (package timeline)
//	plan    fragments                      →  parts           (on a grid of absolute time, never a call that would be cut)
//	Clip    parts                          →  one version of a file: key, estimate, exact size
//	resolve parts                          →  heads           (one GetClip each, as far as its head; kept on disk)
//	layout  heads                          →  segments        (join.Make: where each byte of the file comes from)
//	times   heads, listing                 →  times of day    (placed.go: of positions, as far as both agree)
//	Handle  ReadAt                         →  cache.Entry     (one download, however many readers)
//	ahead   reads front to back            →  cache.Entry     (held before they are read)
//	fetch   GetClip                        →  cache.Writer    (times set, beginning checked, cut bodies retried)
//
// A clip of one part is that part's payload, byte for byte but for the times in it. Any other is a file of ours: the
// joined head, written to the cache, and the media of the payloads where they lie. It needs the heads of all parts
// before its first byte is known, and no media before it is read.
//
// # What a payload has to be
//
// Bytes are served only of the version that a size was given for. The head of a payload is compared with that of every
// earlier download of it before any of its media is served: with the one in memory (versions.go), with the one on disk
// (heads.go), and, each time that a handle takes a part up, with the one that the layout was made from (joined.go). Where
// only times and the places of boxes differ, clips of many parts go on; else open handles get ErrChanged, and the next
// look-up gives the clip as it is then.
//
// A payload that is no MP4, or whose head speaks of media that is not there, is asked for again and then refused
// (belief.go, reach.go). Whether it has all the fragments that were listed is told by the times of its pictures (whole.go);
// where it has not, other calls are found that bring them, and what none brings is not served (settle.go, stretches.go). Nor is what was
// ingested over older footage (supersede.go).
//
// # Who comes first
//
// Downloads take turns in slots.go, Connections at once, more of readers and of heads, and in the archive by quota points:
// readers first, then heads, then what is fetched ahead; but however many read, clips can be opened. Who waits for a payload
// can change while it waits; interest.go knows. A download of which nobody wants more than has come is parked: no more of it
// is read, it takes nobody's turn, and it goes on when somebody wants more, so that who opens a clip and then reads it makes
// each call once. It is given up when too many are parked, or after a while.
//
// # Who asked
//
// An Operation in the context says who asked (operation.go). It goes with a download into a context of its own, because
// that outlives whoever began it; what was fetched for a clip while it was in use is one line of the log (usage.go).
//
// The package knows neither go-fuse nor the AWS SDK: an Archive stands for the service, a Library is what the
// filesystem sees.
//
// # Locks
//
// Each mu guards the fields that follow it: Library.mu what was logged, versions.mu the heads seen, notes.mu what is unusual in
// clips, interest.mu who waits for what, slots.mu the downloads under way, Times.mu a text, goOn.mu the downloads of one opening, usage.mu what was fetched for a clip, ledger.mu what was fetched in all, bandwidth.mu who waits to read on, source.mu the entry
// read from, joinedFile.mu the sources of a handle, ahead.mu what it fetches ahead. None is held during I/O, and none
// while another is taken, but for interest.mu, which may be taken with slots.mu held, and the cache's own, which may be
// with ahead.mu held. ledger.files is no such lock: it orders the I/O on its files.
package clip
