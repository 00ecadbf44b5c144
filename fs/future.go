package fs

import (
	"context"
	"errors"
	"syscall"
	"time"

	"clipfs/clip/archive"
)

const (
	// nothingYet is what is said of a start that is still to come and has nothing.
	nothingYet = "nothing is recorded yet, it is in the future"
	// noteName is the extended attribute that says so.
	noteName = "note"
)

// isFuture tells whether the start is still to come. Its directory resolves, since the name is one, and is empty unless a
// producer's clock is ahead.
func (n *startNode) isFuture() bool { return n.start.Time.After(time.Now()) }

// sayNothingYet logs that a start that is still to come has nothing.
func (n *startNode) sayNothingYet() {
	if n.isFuture() {
		grammar := n.tree.library.Grammar()
		n.tree.explained.say(grammar.FormatStart(n.start.Time, n.start.Precision), n.path, nothingYet)
	}
}

// note answers user.clipfs.note of a start: nothingYet, or that there is none.
func (n *startNode) note(ctx context.Context, dest []byte) (uint32, syscall.Errno) {
	if !n.isFuture() {
		return 0, syscall.ENODATA
	}
	none := false
	errno := n.tree.wait(ctx, "getxattr", n.path, func(ctx context.Context) error {
		_, err := n.tree.library.Footage(ctx, n.stream, n.tree.library.Grammar().Period(n.start))
		if none = errors.Is(err, archive.ErrNoFootage); none {
			return nil
		}
		return err
	})
	switch {
	case errno != 0:
		return 0, errno
	case none:
		return answer(dest, nothingYet)
	}
	return 0, syscall.ENODATA
}
