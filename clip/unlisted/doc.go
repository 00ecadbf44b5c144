// Package unlisted brings the footage of streams whose fragments may not be listed.
//
// Nobody says what is recorded, so each call asks for one minute of the clock, cut by the ends of the span; a span of up to a
// minute is one call (minutes.go). A minute that has nothing is a gap. A payload that may have been cut is asked for in halves
// (resolve.go). What the calls bring is placed in time by what their payloads tell (place.go), and joined by package clip as the
// parts of any clip. What a minute of the past brought, and that it had nothing, is kept on disk with the heads, so that opening
// again costs no call; minutes at the live edge are asked for again once Options.TTL has passed.
//
// The package makes its calls through a download.Downloader. It knows no clips and no timeline, and has no locks.
package unlisted
