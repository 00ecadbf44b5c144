// Package images makes pictures of footage, as GetImages does.
//
// # Data flow
//
//	Find   fragments, instants  →  Shots: which frame was shown at each          (find.go)
//	Make   Shots                →  one ffmpeg for all that are coded alike       (make.go)
//	ffmpeg Matroska by a pipe   →  raw pictures by a pipe, in order of showing   (ffmpeg.go, y4m.go)
//	encode raw picture          →  JPEG or PNG, of the standard library          (encode.go)
//
// Nothing is written to disk. How many run at once is bounded, and how long one may take.
//
// # Which frame
//
// The frame of an instant is the newest that was shown by then, of the fragment that ran: the last one to start by then that has not
// ended. A last frame stands for up to a second until the next fragment. Pictures before a fragment's key frame, of an open group,
// are left out: they need the fragment before.
package images
