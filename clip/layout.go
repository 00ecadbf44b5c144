package clip

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sort"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/join"
	"clipfs/clip/resolve"
)

// layout is the immutable map from the bytes of a clip of many parts to the bytes of their payloads. It does not change
// and is safe for concurrent use.
type layout struct {
	library *Library
	joined  *join.File
	headKey cache.Key
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

// layOut joins the resolved parts of a clip.
func (c *Clip) layOut(parts []resolve.Resolved) (*layout, error) {
	l := c.library
	by := l.options.Selector
	first := parts[0].Begins(by)
	inputs := make([]join.Part, len(parts))
	for i, p := range parts {
		inputs[i] = join.Part{
			Head:       func() (*mp4.Movie, error) { return l.downloads.Movie(p.Payload) },
			MediaStart: p.Head.MediaStart, MediaEnd: p.Head.Size, // there can be more than one mdat
			Start:     p.Begins(by).Sub(first),
			GapBefore: p.Part.GapBefore,
		}
		inputs[i].Fragments = p.Part.Listed(by)
	}
	o := join.Options{Created: first}
	if l.options.Gaps == KeepGaps {
		o.Gaps = join.KeepGaps
	}
	joined, err := join.Make(inputs, o)
	if err != nil {
		return nil, c.unjoinable(inputs, parts, err)
	}
	c.remarkLeftOut(joined.LeftOut(), parts)
	return c.newLayout(joined, parts), nil
}

// remarkLeftOut notes what payloads have that the file does not.
func (c *Clip) remarkLeftOut(all []join.LeftOut, parts []resolve.Resolved) {
	var sum join.LeftOut
	odd, first := 0, -1
	for _, out := range all {
		sum.Tracks = max(sum.Tracks, out.Tracks)
		if out.Pictures+out.Sounds == 0 {
			continue
		}
		odd++
		sum.Pictures, sum.Sounds = sum.Pictures+out.Pictures, sum.Sounds+out.Sounds
		if first < 0 {
			first = out.Part
		}
	}
	if sum.Tracks > 0 {
		c.remark(fmt.Sprintf("payloads have %d more tracks of video or sound: the first of each is in the file", sum.Tracks))
	}
	if odd > 0 {
		c.remark(fmt.Sprintf("%d of %d payloads, from %s on, have more than was listed or have it twice: %d pictures and %d frames of sound are left out",
			odd, len(parts), clock(parts[first].Begins(c.library.options.Selector)), sum.Pictures, sum.Sounds))
	}
}

// newLayout makes the map of a joined file.
func (c *Clip) newLayout(joined *join.File, parts []resolve.Resolved) *layout {
	out := &layout{library: c.library, joined: joined, parts: make([]layoutPart, len(parts))}
	served := make([]resolve.Part, len(parts))
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s, %d ", c.library.joining(), joined.Size()) // a hash takes everything
	for i, p := range parts {
		out.parts[i] = layoutPart{payload: p.Payload, tables: p.Head.Tables, start: -1}
		p.Part.Key = p.Payload.Key
		served[i] = p.Part
		_, _ = fmt.Fprintf(h, "%s ", p.Part.Word())
		h.Write(p.Head.Tables[:])
	}
	for s := range joined.Segments() {
		own := segment{offset: s.Offset, length: s.Length, part: s.Part, bytes: s.Bytes}
		if s.Part >= 0 {
			p := &out.parts[s.Part]
			own.at = s.PayloadOffset - parts[s.Part].Head.MediaStart
			if p.start < 0 {
				p.start = s.Offset
			}
			p.end = s.Offset + s.Length
		}
		out.segments = append(out.segments, own)
	}
	if out.key = c.key; c.mayList() {
		out.key = c.library.clipKey(served)
	}
	out.digest = [sha256.Size]byte(h.Sum(nil))
	out.headKey = cache.Key(fmt.Sprintf("j-%x", out.digest[:16]))
	return out
}

// at gives the segment that holds a position; false behind the end.
func (l *layout) at(off int64) (segment, bool) {
	i := sort.Search(len(l.segments), func(i int) bool { return l.segments[i].offset+l.segments[i].length > off })
	if i == len(l.segments) {
		return segment{}, false
	}
	return l.segments[i], true
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
func (l *layout) writeHead(_ context.Context, w *cache.Writer) error {
	if err := w.Announce(l.joined.HeadSize()); err != nil {
		return err
	}
	if err := l.joined.WriteHead(appender{w}); err != nil {
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

// keeps reports whether nothing is known that speaks against a part being what the layout was made from.
func (l *layout) keeps() bool {
	for i := range l.parts {
		if p := &l.parts[i]; !l.library.identities.Keeps(p.payload.Key, p.tables) {
			return false
		}
	}
	return true
}

// unjoinable explains why parts cannot be in one file, and which spans can be had. Everything that is wrong with
// payloads is an ErrMedia, but for tables that are too large.
func (c *Clip) unjoinable(inputs []join.Part, parts []resolve.Resolved, cause error) error {
	var wrong *join.PartError
	if !errors.As(cause, &wrong) {
		return fmt.Errorf("join %d parts: %w: %w", len(parts), joinKind(cause), cause)
	}
	if joinKind(wrong.Err) == nil {
		return wrong.Err // the head could not be had
	}
	by := c.library.options.Selector
	startOf := func(i int) time.Time { return parts[i].Begins(by) }
	var spans string
	for begin := 0; begin < len(parts); {
		end := begin + joinsUpTo(inputs[begin:])
		if end == begin { // nothing can be made of this one
			begin++
			continue
		}
		span := archive.Span{Start: startOf(begin), End: c.span.End}
		if end < len(parts) {
			span.End = startOf(end)
		}
		spans += " " + span.String()
		begin = end
	}
	return fmt.Errorf("from %s on: %w: %w; what can be had:%s", clock(startOf(wrong.Part)), joinKind(wrong.Err), wrong.Err, spans)
}

// joinsUpTo gives how many parts from the first on can be in one file.
func joinsUpTo(inputs []join.Part) int {
	var wrong *join.PartError
	if _, err := join.Make(inputs, join.Options{}); errors.As(err, &wrong) {
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
