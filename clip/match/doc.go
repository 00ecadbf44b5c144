// Package match compares the pictures of media with a listing of fragments. It fetches nothing and keeps nothing.
//
//	ShownOf     the video of one payload  →  Shown, which tells what it lacks of the fragments that were listed (whole.go)
//	PicturesOf  the tables of a file      →  Pictures, which Place gives times of day by the listing (placed.go)
//
// Both go by when pictures are shown, not by how frames are spaced and not by sync samples alone. All that it gives is a value; the
// package has no locks.
package match
