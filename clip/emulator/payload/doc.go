// Package payload makes the MP4 that GetClip answers with of fragments.
//
//	[]footage.Fragment ─→ timeline (samples on one clock) ─→ isom.Writer, or ffmpeg on Matroska ─→ package form, if it is to be odd
//
// A payload takes its times from those of its fragments, in whole milliseconds, so nothing drifts. A Payload belongs to one
// caller until Render has returned; then WriteTo may be called by several.
package payload
