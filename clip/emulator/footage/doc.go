// Package footage is what the emulated streams have recorded: fragments cut from real video, once or looped without end.
// Package payload makes clips of them.
//
// # Data flow
//
//	file (MP4, Matroska) or test card ─→ Media (tracks, samples) ─→ cut at key frames ─→ Source
//	Source.Fragments(selector, from, to) ─→ []Fragment ─→ package payload
//	what a producer sends ─→ Clusters ─→ NewStored ─→ Fragment.Load (NewFragment) ─┘
//
// # Time
//
// A fragment is stored as the service stores it, as Matroska: times of showing in whole milliseconds, no times of
// decoding. Media keeps nanoseconds; each time of a fragment is rounded from its absolute time, start of the round plus
// offset in the media, and the start of a round comes from its number by exact arithmetic. So nothing drifts, and neither
// does what is computed from it: a payload takes its times from those of the fragments. Times of decoding are derived
// from times of showing, in Media, in a fragment and in a payload, each for itself.
//
// # Who locks what
//
// Media and Sources do not change after they were made and need no lock. A loop holds its media once; the fragment with
// an absolute index is computed from that index, so that memory does not depend on how long it has run.
package footage
