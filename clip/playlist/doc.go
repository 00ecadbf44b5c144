// Package playlist writes playlists of HTTP Live Streaming (RFC 8216) from what is listed of a stream: it needs no media.
//
//	Cut(fragments, rule, Options)  →  []Segment   runs of whole fragments, none across a gap or a border
//	VOD(segments, …)               →  text        one playlist of them
//	Live(window, …)                →  text        one of the last of them, which goes on
//
// A segment is a span: the fragments that start in it are what it has, so its name is a start and a length like that of any clip.
// Where segments are cut depends on the fragments of a minute alone. Playlists of spans that overlap share most of their segments.
//
// Players take the time of a picture from its PTS, and seek by the sum of EXTINF: PTS says what the sum of the lengths before a
// segment is, gaps left out; or, where the playlist goes on, the time since 1970, gaps kept. The clock is told by EXT-X-PROGRAM-DATE-TIME.
package playlist
