// Package clip is the domain of clipfs: it turns a stream and a span of time into the bytes of one MP4 file.
//
// # Words
//
// One word, one meaning, here and in names, logs, flags and documents:
//
//   - stream: a named Kinesis video stream. archive: the service that holds its media.
//   - fragment: the archive's stored unit, 1 to 20 s that start on a key frame, identified by its fragment number.
//   - span: a half-open range of time [Start, End), UTC, of millisecond grain.
//   - payload: the MP4 bytes that one GetClip call returns.
//   - clip: one span of one stream, presented as one file.
//   - part: the piece of a clip that one GetClip call covers. A clip has one part or many.
//   - head: the bytes of a payload before its media data: ftyp, moov and the header of mdat.
//   - layout: the immutable map from the bytes of a clip to the bytes of its parts.
//   - timeline: what a stream has recorded and where its gaps are, as ListFragments tells.
//
// # Data flow
//
//	names   "2024-01-01T10:00", "10m.mp4"  →  Span            (Grammar)
//	archive ListFragments                  →  fragments       (timeline, by the hour, shared; the past is kept on disk)
//	timeline                               →  days, hours …   (calendar.go: what has footage; late.go: what came late)
//	plan    fragments                      →  parts           (never a call that would be cut)
//	Clip    parts                          →  one version of a file: key, estimate, exact size
//	Handle  ReadAt                         →  cache.Entry     (one download, however many readers)
//	fetch   GetClip                        →  cache.Writer    (times set, beginning checked, cut bodies retried)
//
// The package knows neither go-fuse nor the AWS SDK: an Archive stands for the service, a Library is what the
// filesystem sees.
//
// # Locks
//
// Each mu guards the fields that follow it: Library.mu what was logged, streams.mu the streams, timeline.mu what is
// remembered of fragments, flight.mu the calls under way, versions.mu the heads seen, Handle.mu the entry read from. None
// is held during I/O, and none while another is taken. hourStore.files is no such lock: it orders the I/O on its files.
package clip
