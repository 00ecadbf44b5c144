// Package form makes odd MP4 files of a plain one: files that say the same in other boxes, as other writers do, and files
// that say more or less than they should.
//
// # Data flow
//
//	plain file ─→ movie (its moov as a tree, where its media lies) ─→ reshapers, one a form ─→ layout ─→ File
//
// Forms that change which frames there are (Before, After, Fewer, Twice, Joint) are for the maker of the plain file; they
// only have their names here. The package reads and writes boxes with code of its own, so that a reader of such files is
// not tested with what it shares with their writer.
//
// Nothing here is shared between calls, so there is nothing to lock. A File does not change and may be written by several.
package form
