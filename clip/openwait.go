package clip

import (
	"context"
	"fmt"
	"time"

	"clipfs/clip/archive"
)

// Open waits until the size is known exactly, which is when the heads of all parts have arrived, and gives a handle. It
// returns early with ctx's error. ErrMedia if the parts cannot be in one file; ErrTooBig if it would take fetching more
// than MaxOpenFetch; ErrChanged if the archive no longer has this version.
func (c *Clip) Open(ctx context.Context) (*Handle, error) {
	used := c.used()
	used.Take()
	file, err := c.openWithin(c.asks(ctx))
	if err != nil {
		used.Give()
		return nil, c.note(fmt.Errorf("open %s %s: %w", c.stream.Name, c.span, err))
	}
	c.failure.Store(nil)
	c.library.handles.Add(1)
	return &Handle{clip: c, size: c.exact.Load(), file: file}, nil
}

// openWithin is open for as long as Options.MaxOpenWait. After that it fails with ErrOpenWait, and goes on for one caller of each
// clip: what has come of the heads stays on disk, so that the next try succeeds sooner. It ends when the clip is open, or as
// any open does, when nothing has come for ReadTimeout.
func (c *Clip) openWithin(ctx context.Context) (file, error) {
	most := c.library.options.MaxOpenWait
	if most <= 0 {
		return c.open(ctx)
	}
	type answer struct {
		file file
		err  error
	}
	going, cancel := context.WithCancel(c.reader(ctx).In(context.Background())) // ctx may be used for another request later
	done := make(chan answer)
	left := make(chan struct{}) // closed when nobody takes the answer
	goesOn := false             // once left is closed
	c.used().Take()
	go func() {
		defer cancel()
		defer c.used().Give()
		f, err := c.open(going)
		select {
		case done <- answer{f, err}:
		case <-left:
			if err == nil {
				f.Close()
			}
			if goesOn {
				c.library.late.Delete(c.Key())
			}
		}
	}()
	select {
	case a := <-done:
		return a.file, a.err
	case <-ctx.Done():
		close(left)
		cancel()
		return nil, context.Cause(ctx)
	case <-time.After(most):
	}
	if _, others := c.library.late.LoadOrStore(c.Key(), true); others {
		cancel() // another goes on already
	} else {
		goesOn = true
	}
	close(left)
	return nil, fmt.Errorf("%w (%s)%s: it goes on in the background, try again", archive.ErrOpenWait, most, c.headsToCome(ctx))
}

// tellWithin is how long what the clip is made of may take to be told, which is known as a rule.
const tellWithin = 50 * time.Millisecond

// headsToCome says how many heads have still to come, where that is known.
func (c *Clip) headsToCome(ctx context.Context) string {
	if c.calls < 2 {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	d, err := c.detail(ctx)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(", %d of %d heads have still to come", c.library.missingHeads(d.parts).parts, len(d.parts))
}
