// Package tree is the archive as a tree of read-only entries: paths to entries, listings, attributes, opening. It knows
// neither go-fuse nor HTTP. Faces show it: package fs as a FUSE mount.
//
// # Entries
//
// A path names a Dir, a File or a Link. There is one file for each kind of directory, and one for each form of a clip:
//
//	root.go      MOUNT/                    the streams
//	all.go       @/2024-01-01T10:00/10m/   links to the clips of all streams that have footage then; @ is not listed
//	stream.go    front-door/               the days that have footage, latest and last
//	start.go     2024-01-01T10:00/         any start, listed or not: a day, an hour, a minute or an instant
//	runs.go      2024-01-01/runs/          a clip for each run of a day; listed where --list names it
//	last.go      last/                     clips that end with the newest footage
//	status.go    .clipfs/status.json       what tells of the mount itself; not listed
//	movie.go     10m.mp4, 10m.cover.mp4    the clip
//	sidecar.go   10m.json                  what the listing tells of it
//	still.go     2024-01-01T10:00.jpg      the picture of an instant
//	times.go     10m.times.json            which time of day its positions are
//	captions.go  10m.srt, 10m.vtt          the same as captions
//	chart.go     24h.svg                   a picture of what is recorded
//	playlist.go  24h.m3u8, 6s.pts1000.ts   a playlist of it, and segments of playlists; live.m3u8, which follows a stream
//
// # Looking up
//
// Dir.Lookup reads a name and costs no call: the grammar says at once whether there can be such an entry. It gives a
// Place. A place has its Entry where that follows from the name alone; else Place.Find asks the archive, and may be
// asked again for what is there by then. Tree.Walk does so for a whole path. A name that is none is explained once in
// the log.
//
// Info.ValidUntil is until when a face may take a name for the same entry without another look.
//
// # Files
//
// A File is one immutable version of some bytes; File.Version tells it from others at the same path. Its size may be an
// estimate, on the high side, until it was opened (File.Size). File.Open waits until it is exact and fails with
// archive.ErrChanged where there is another version by now. Tree.Measure opens a file to have its exact size, at most
// sizesAtOnce at once, and logs what that cost. Listings and look-ups fetch no media.
//
// # A new form
//
// A form of a clip is a row in the table of form.go and a file of its own, which makes a content of a clip.Clip. Names,
// listings, look-ups, sizes, versions and attributes follow from the row, on all faces. The row says where the form is
// listed: beside each clip, only as that of a whole day or hour, where --list names it, or nowhere. A text is a written:
// its size is known from the start; one that follows from the listing is made by textOf (text.go). What stands outside of START/LENGTH is a name that the lookup of its directory knows, before
// or behind the grammar's, as latest is in stream.go: a Link, a Dir with names of its own, or a File of any content.
//
// # Locks
//
// explainer.mu guards what was explained, sizes.mu what measuring has cost. None is held while another is taken or
// while the library is called.
package tree
