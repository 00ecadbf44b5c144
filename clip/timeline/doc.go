// Package timeline tells what the streams of an archive have recorded and where the gaps are.
//
// It needs an archive.Service and a few options. A Timeline is asked with a View, which is a stream and the span in which it
// can have footage now.
//
// # Data flow
//
//	timeline.go   View                       a stream, and the span in which it can have footage
//	listing.go    List, Sections, FirstIn    fragments of a span, by time
//	newest.go     Latest, Newest, First      the newest and the oldest fragment
//	calendar.go   Days, Hours, Minutes, Runs what has footage, and what a day has without a gap
//	      ↓
//	clocks.go     footage that is ahead of now: clocks of cameras, and of this machine
//	daysearch.go  which days have footage, with few calls
//	streams.go    the streams themselves
//	asking.go     what to ask for, in calls of one page at once; package tempo: how much time a page holds
//	probe.go      whether a span has any footage, with one call
//	late.go       what was uploaded late, before hours of the past are trusted
//	confirm.go    holes in a listing of the past are listed again
//	      ↓
//	table.go      what is known of streams, by the hour; bucket.go is an hour, section.go a piece of one, buckets.go those in memory
//	hourstore.go  hours of the past on disk
//	shared.go     hours of the past that other hosts have listed
//	denials.go    a service that remembers of which streams fragments may not be listed
//
// Fragments are packed (package packed) from when they were asked for until they are put together, but for hours that were used last.
//
// Arrows run down only. An hour of the past is remembered for good. The live edge is valid for two seconds, and what was
// said of streams for a TTL.
//
// # Locks
//
// table.mu guards what is known of streams and which calls are under way; streams.mu the streams; denials.mu the denials;
// clocks.mu the clocks. None is held during I/O, and none while another is taken. hourStore.files orders the I/O on files.
package timeline
