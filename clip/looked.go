package clip

import (
	"context"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/resolve"
	"clipfs/clip/timeline"
	"clipfs/clip/told"
)

// maxLooked is how many look-ups are remembered: those of an hour. One takes some 100 bytes, and as many for each part.
const maxLooked = 1024

// lookUp names a look-up.
type lookUp struct {
	stream archive.StreamName
	span   archive.Span
	cover  bool
}

// looked is what a look-up found out of a listing, for as long as the timeline has that. It is immutable but for texts.
type looked struct {
	stamp uint64
	// listed is the span whose listing it is.
	listed    archive.Span
	fragments int
	// first is when the first fragment starts, media the sum of the sizes, as stored.
	first time.Time
	media int64
	// calls, planned and key are those of a Clip.
	calls        int
	planned, key cache.Key
	// lone says that all of it is one part, which one call brings as it was planned.
	lone bool
	// settled has the keys under which it is known that a part is not what its call brings. None is to be known for key to be right.
	settled []cache.Key
	detail  lastDetail
	// texts has what Clip.Memo keeps.
	texts told.Memory
}

// lookedAt makes that of a clip of certain parts. It is not to be remembered where any part is known not to be what its call brings.
func (l *Library) lookedAt(stream archive.Stream, d *detail, stamp uint64, listed archive.Span) (f *looked, remember bool) {
	parts, lost := l.served(context.Background(), stream, d)
	f = &looked{
		lone:  len(parts) == 1 && len(lost) == 0 && len(d.parts) == 1 && len(parts[0].Over) == 0,
		stamp: stamp, listed: listed, fragments: len(d.fragments), first: d.fragments[0].Time(l.options.Selector),
		calls: len(parts), planned: l.clipKey(d.parts),
	}
	f.detail.set(d)
	if f.key = f.planned; len(parts) > 0 {
		f.key = l.clipKey(parts)
	}
	for i := range d.fragments {
		f.media += d.fragments[i].Size
	}
	for i := range d.parts {
		f.settled = append(f.settled, resolve.SettledKey(d.parts[i].Key))
	}
	return f, stamp != 0 && l.allBrought(f)
}

// allBrought reports whether nothing is known against the call for each part bringing it.
func (l *Library) allBrought(f *looked) bool {
	for _, key := range f.settled {
		if l.downloads.Records().Has(key) {
			return false
		}
	}
	return true
}

// again gives what an earlier look-up found, if a new one would find the same; validUntil is when the answers expire that it is made of.
func (l *Library) again(v timeline.View, u lookUp) (f *looked, validUntil time.Time, ok bool) {
	if f, ok = l.looked.Get(u); !ok {
		return nil, time.Time{}, false
	}
	if validUntil, ok = l.Unchanged(v, f.listed, f.stamp); !ok || !l.allBrought(f) {
		return nil, time.Time{}, false
	}
	return f, validUntil, true
}

// clipOf gives the clip that has certain fragments, which are at least one, of what is listed of a span; again lists them anew.
func (l *Library) clipOf(
	stream archive.Stream, u lookUp, listed archive.Span, found timeline.Listing, again func(context.Context) (timeline.Listing, error),
) *Clip {
	d := l.detailOf(stream, found, u.span.Length())
	f, remember := l.lookedAt(stream, d, found.Stamp, listed)
	c := l.clipFrom(stream, u, f, found.ValidUntil, again)
	switch {
	case u.span.End.Add(timeline.EdgeAge).After(time.Now()):
		c.details.kept = d
	case remember:
		l.looked.Add(u, f)
	}
	return c
}

// clipFrom gives the clip of what a look-up found.
func (l *Library) clipFrom(
	stream archive.Stream, u lookUp, f *looked, validUntil time.Time, again func(context.Context) (timeline.Listing, error),
) *Clip {
	return &Clip{
		library: l, stream: stream, span: u.span, cover: u.cover, expires: validUntil, looked: f,
		details:   details{again: again, last: &f.detail},
		fragments: f.fragments, calls: f.calls, media: f.media, first: f.first, planned: f.planned, key: f.key,
		version: l.identities.Current(f.key),
	}
}

// Memo gives what f made the last time that it was called for the same clip by this name, as long as the listing of the clip is the same. What f
// makes has to follow from Recording alone; where it does not, the name is empty and f is called each time.
func Memo[T any](c *Clip, name string, f func() (T, error)) (T, error) {
	if c.looked == nil || name == "" {
		return f()
	}
	return told.Memo(&c.looked.texts, name, f)
}
