// Package sidecar writes the two forms of a clip that tell of it as JSON: what the listing tells (10m.json, Text), which costs no
// media, and which time of day each position is as the media tells (10m.times.json, Times).
//
// In both, times are RFC 3339, UTC, to the millisecond; lengths are in seconds, sizes in bytes.
//
// # Locks
//
// Times.mu guards a text. It is not held while that is made.
package sidecar
