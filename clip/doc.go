// Package clip is the domain of clipfs: it turns a stream and a span of time into the bytes of one MP4 file.
//
// # Data flow
//
//	names   "2024-01-01T10:00", "10m.mp4"  →  Span            (package names)
//	archive ListFragments                  →  fragments       (package timeline; the past is kept on disk, by the hour)
//	timeline                               →  days, hours …   (package timeline)
//	plan    fragments                      →  parts           (package plan: on a grid of absolute time, never a call that would be cut)
//	glance  fragments                      →  a look-up       (minutes.go: the same of continuous footage of the past, by sums of its minutes)
//	Clip    parts                          →  one version of a file: key, estimate, exact size
//	resolve parts                          →  heads           (package resolve: one GetClip each, as far as its head; kept on disk)
//	unlisted minutes                       →  heads           (package unlisted: by the clock, where fragments may not be listed)
//	joining heads                          →  layout          (join.Make: where each byte of the file comes from)
//	kept    layout                         →  layout          (a record beside the heads: the next run opens by it and reads none)
//	times   heads, listing                 →  times of day    (match.Place: of positions, as far as both agree)
//	Handle  ReadAt                         →  download.Reader (one download, however many readers)
//	prefetch reads front to back           →  download.Reader (package prefetch: held before they are read)
//
// The files use each other one way, from the top: look-ups (lookup.go, minutes.go, looked.go, cover.go, lengths.go), opening
// (openwait.go, open.go), what is asked of a clip without reading it (cost.go, recording.go), handles (handle.go, joined.go), layouts
// (heads.go, kept.go, unlisted.go, joining.go), Clip, detail, Library, and layout and Options, which use none of these.
//
// A clip of one part is that part's payload, byte for byte but for the times in it. Any other is a file of ours: the
// joined head, written to the cache, and the media of the payloads where they lie. It needs the heads of all parts
// before its first byte is known, and no media before it is read.
//
// # What a payload has to be
//
// Bytes are served only of the version that a size was given for. Package download compares each payload with what it was
// before (its doc.go says how), and with the tables that a layout was made from. Where only times and the places of boxes
// differ, clips of many parts go on; else open handles get ErrChanged, and the next look-up gives the clip as it is then.
//
// Whether a payload has all the fragments that were listed is told by the times of its pictures (package match);
// where it has not, other calls are found that bring them, and what none brings is not served (package resolve). Nor is what was
// ingested over older footage (package plan).
//
// # Who asked
//
// An Operation in the context says who asked. It goes with a download into a context of its own, because
// that outlives whoever began it; what was fetched for a clip while it was in use is one line of the log (download.Usage).
//
// The package knows neither go-fuse nor the AWS SDK: an Archive stands for the service, a Library is what the
// filesystem sees.
//
// # Locks
//
// Each mu guards the fields that follow it: joinedFile.mu the parts of a handle. It is not held during I/O, nor while another
// is taken.
//
// Library.room is no lock. It bounds how much of long listings is in memory as it is, which look-ups and Clip.WithRecording wait for, for seconds at most.
package clip
