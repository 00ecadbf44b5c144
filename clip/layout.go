package clip

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sort"
	"sync/atomic"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/join"
	"clipfs/clip/prefetch"
	"clipfs/clip/resolve"
)

// layout is the immutable map from the bytes of a clip of many parts to the bytes of their payloads. It does not change
// and is safe for concurrent use.
type layout struct {
	// joined is nil in a layout read from its record. plan then calls again, which joins the heads, and keeps the result in remade.
	joined *join.File
	again  func(context.Context) (*layout, error)
	remade atomic.Pointer[join.File]
	// size is that of the file, headSize that of its head.
	size, headSize int64
	headKey        cache.Key
	// key is that of the clip that has just these parts: the one that a look-up gives from now on.
	key cache.Key
	// only is the payload that the clip is where one part of it is left; then nothing else is set.
	only *download.Payload
	// digest tells layouts apart.
	digest   [sha256.Size]byte
	parts    []layoutPart
	segments []segment
}

// layoutPart is a part of a layout.
type layoutPart struct {
	payload download.Payload
	// tables is the fingerprint that the part's payload must have.
	tables [sha256.Size]byte
	// start and end bound the part's media in the clip, in bytes.
	start, end int64
}

// segment is a range of the clip's bytes.
type segment struct {
	offset, length int64
	// part is an index of the layout's parts; noPart for the head, and for bytes.
	part int
	// at is where the range begins, from the body of the part's mdat on.
	at    int64
	bytes []byte
}

// nameFor sets what tells the layout from others, of a size, whose parts, as they are served, are joined in some way.
func (l *layout) nameFor(joining string, served []resolve.Part) {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s, %d ", joining, l.size) // a hash takes everything
	for i := range l.parts {
		_, _ = fmt.Fprintf(h, "%s ", served[i].Word())
		h.Write(l.parts[i].tables[:])
	}
	l.digest = [sha256.Size]byte(h.Sum(nil))
	l.headKey = cache.Key(fmt.Sprintf("j-%x", l.digest[:16]))
}

// at gives the segment that holds a position; false behind the end.
func (l *layout) at(off int64) (segment, bool) {
	i := sort.Search(len(l.segments), func(i int) bool { return l.segments[i].offset+l.segments[i].length > off })
	if i == len(l.segments) {
		return segment{}, false
	}
	return l.segments[i], true
}

// file tells what is prefetched where it is.
func (l *layout) file() prefetch.File {
	return prefetch.File{
		Parts:   len(l.parts),
		Payload: func(i int) *download.Payload { return &l.parts[i].payload },
		Bounds:  func(i int) (start, end int64) { return l.parts[i].start, l.parts[i].end },
	}
}

// request tells the cache how the head of the joined file is made, and how long it may be kept.
func (l *layout) request() cache.Request {
	r := l.parts[0].payload.Request("joined head", l.writeHead)
	for i := range l.parts {
		p := &l.parts[i].payload
		if p.Expires.Before(r.Expires) {
			r.Expires = p.Expires
		}
		if i > 0 {
			r.About.End = p.End
			r.About.Fragments += p.Query.Fragments
		}
	}
	return r
}

// writeHead is the cache.Fill of the head.
func (l *layout) writeHead(ctx context.Context, w *cache.Writer) error {
	if err := w.Announce(l.headSize); err != nil {
		return err
	}
	joined, err := l.plan(ctx)
	if err == nil {
		err = joined.WriteHead(ctx, appender{w})
	}
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, join.ErrPlan) {
			return fmt.Errorf("%w: %w", archive.ErrChanged, err) // a head is no longer what it was
		}
		return err
	}
	return nil
}

// appender is an io.Writer on an entry.
type appender struct{ w *cache.Writer }

// Write implements io.Writer.
func (a appender) Write(p []byte) (int, error) {
	if err := a.w.Append(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// keeps reports whether nothing is known to identities that speaks against a part being what the layout was made from.
func (l *layout) keeps(identities *download.Identities) bool {
	for i := range l.parts {
		if p := &l.parts[i]; !identities.Keeps(p.payload.Key, p.tables) {
			return false
		}
	}
	return true
}

// joinsUpTo gives how many parts from the first on can be in one file.
func joinsUpTo(ctx context.Context, inputs []join.Part) int {
	var wrong *join.PartError
	if _, err := join.Make(ctx, inputs, join.Options{}); errors.As(err, &wrong) {
		return wrong.Part
	}
	return len(inputs)
}

// joinKind gives the sentinel for what join.Make says; nil for what is not its own.
func joinKind(err error) error {
	switch {
	case errors.Is(err, mp4.ErrTooBig):
		return archive.ErrTooBig
	case errors.Is(err, join.ErrIncompatible), errors.Is(err, mp4.ErrMalformed), errors.Is(err, join.ErrPlan):
		return archive.ErrMedia
	}
	return nil
}

// noPart is what stands for a part where there is none.
const noPart = -1
