package clip

import (
	"context"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
)

// What the cache is told of a payload before its head has come (kvs.md: a call brings at most 100 MB; MP4 is larger than
// the stored Matroska by less than a tenth as a rule).
const (
	mostExpected    = 100_000_000
	expectedPercent = 110
)

// What entries of the cache are, in words for people.
const (
	keptMedia = "media"
	keptHead  = "head"
	keptIndex = "joined head"
)

// stored is what the archive says of the footage of a payload. Its zero value says nothing.
type stored struct {
	// bytes is the sum of the fragments' sizes.
	bytes int64
	// oldest is when the archive got the fragment that it will let go first.
	oldest time.Time
	// end is where the footage ends.
	end time.Time
}

// stored gives what is known of a part.
func (p part) stored(by archive.Selector) stored {
	last := p.fragments[len(p.fragments)-1]
	s := stored{bytes: p.bytes(), oldest: last.Server, end: last.Time(by).Add(last.Length)}
	for _, f := range p.fragments {
		if f.Server.Before(s.oldest) {
			s.oldest = f.Server
		}
	}
	return s
}

// request is what the cache needs to bring the payload for who asked, and to keep it.
func (f *fetch) request(who asked) cache.Request {
	r := f.kept(keptMedia, func(ctx context.Context, w *cache.Writer) error { return f.fill(who.in(ctx), w) })
	r.Expect = min(f.stored.bytes*expectedPercent/100, mostExpected)
	return r
}

// kept tells the cache what is made of the footage of a fetch, and how long it may be kept: as long as the stream keeps
// its oldest fragment.
func (f *fetch) kept(kind string, fill cache.Fill) cache.Request {
	end := f.stored.end
	if end.IsZero() {
		end = f.query.Span.End
	}
	return cache.Request{
		Fill:    fill,
		Expires: expiry(f.stored.oldest, f.stream),
		About: cache.About{
			Stream: string(f.stream.Name), Kind: kind, Start: f.query.Span.Start, End: end, Fragments: f.query.Fragments,
		},
	}
}

// expiry is when a stream lets go of what it got at a time; where that is not known, of what it gets now.
func expiry(got time.Time, stream archive.Stream) time.Time {
	if got.IsZero() {
		got = time.Now()
	}
	return got.Add(stream.Retention)
}

// request is what the cache needs to make and keep the head of a joined file.
func (l *layout) request() cache.Request {
	r := l.parts[0].fetch.kept(keptIndex, l.writeHead)
	for i := range l.parts {
		f := l.parts[i].fetch
		if e := expiry(f.stored.oldest, f.stream); e.Before(r.Expires) {
			r.Expires = e
		}
		if i > 0 {
			r.About.End = f.stored.end
			r.About.Fragments += f.query.Fragments
		}
	}
	return r
}
