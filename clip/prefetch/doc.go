// Package prefetch has payloads fetched that nobody waits for yet.
//
//	Ahead    reads of an open clip  →  the parts behind them, held before they are read      ahead.go
//	Opening  heads that come        →  downloads that go on after them                       opening.go
//	habits   clips as they close    →  which programs read clips whole, as copiers do      habits.go
//
// All is fetched by a download.Downloader, with the lowest priority. A Prefetcher is safe for concurrent use.
//
// # Locks
//
// Each mu guards the fields that follow it: Ahead.mu what is fetched ahead for a handle, Opening.mu the downloads of one opening,
// habits.mu what is known of programs. None is held during I/O, and none while another is taken, but for the store's own, which may be
// with Ahead.mu held.
package prefetch
