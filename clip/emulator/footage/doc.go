// Package footage is what the emulated streams have recorded: fragments cut from real video, once or looped without
// end, and the MP4 that GetClip makes of them.
//
// # Data flow
//
//	file (MP4, Matroska) or test card ─→ Media (tracks, samples) ─→ cut at key frames ─→ Source
//	Source.Fragments(selector, from, to) ─→ []Fragment ─→ Payload (planned by clip/mp4) ─→ WriteTo
//
// A Source is immutable after it was made and needs no lock. A loop holds its media once; the fragment with absolute
// index i is computed from i, so that nothing drifts and memory does not depend on how long it has run.
package footage
