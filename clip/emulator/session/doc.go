// Package session has the streaming sessions of GetHLSStreamingSessionURL and GetDASHStreamingSessionURL: tokens, playlists and
// manifests, and the resources that they name.
//
//	Order ─→ Table.Open ─→ Session (which fragments, each once, in an order that stays)     session.go, timeline.go
//	token ─→ Table.Get  ─→ playlists (hls.go), manifest (dash.go)
//	                    ─→ init and media fragments of one track (mp4.go), transport streams of all (ts.go)
//
// Transport streams are made by the code that makes them for clipfs (package ts): clipfs writes such and reads none, so what the
// emulator tests is not shared.
//
// # Faithfulness
//
// Names of resources, their queries and what stands in a playlist are those of playlists that users have shown: fragments are numbered
// from 0 within a session, and each track has a playlist of its own but in transport streams. Where the reference and later notes
// differ the newer is followed. What is not known: the texts of errors, and how much LIVE_REPLAY has at the beginning. Here it begins with
// one fragment and gets the next when that has played. A live manifest has a UTCTiming only where the service's clock was set.
//
// # Locks
//
// Table.mu guards which sessions there are, Session.mu the timeline of one. Media is loaded under Session.mu where the length of a last
// fragment has to be found out: requests of one session wait for each other then.
package session
