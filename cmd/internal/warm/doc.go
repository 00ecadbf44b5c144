// Package warm reads clips on a running mount, so that they are in its cache before anybody needs them. It runs in a
// process of its own, beside the one that serves the mount, and knows of clips what their names and extended attributes
// tell.
//
//	Find    paths → clips: a directory stands for the longest clip that it lists, or for what is below it
//	Report  what it would take: clips, bytes, cost
//	Run     reads what is not in the cache, several clips at once
//
// What is in the cache is known by the attribute user.clipfs.missing, before and after reading: so a run that was
// interrupted goes on where it was, and what the cache let go of again is told.
package warm
