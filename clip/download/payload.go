package download

import (
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/mp4"
)

// Payload says what one payload is: which call brings it, what it has to be, and how long the cache may keep it.
type Payload struct {
	Key    cache.Key
	Stream archive.Stream
	// Query is the call. Its Priority and Refused are set by the Downloader.
	Query archive.PayloadQuery
	// Start is what the times in the payload are set to.
	Start time.Time
	// Least gives an ErrLess for a video that has less than was listed. nil: nothing was listed.
	Least func(video *mp4.Track) error
	// Bytes is the size of the footage as stored; 0 where it is not known.
	Bytes int64
	// End is where the footage ends.
	End time.Time
	// Expires is when the stream lets go of its oldest fragment.
	Expires time.Time
	// Opening is the number of the opening of a clip that it is for; 0 for none.
	Opening uint64
	// Shared says that other hosts may have it, and may get it from this one: that it is just what was listed.
	Shared bool
}

// MediaKind is what the cache calls payloads.
const MediaKind = "media"

// Request tells the cache what fill makes of the payload's footage, in a word or two, and how long it may be kept.
func (p Payload) Request(kind string, fill cache.Fill) cache.Request {
	return cache.Request{
		Fill:    fill,
		Expires: p.Expires,
		About: cache.About{
			Stream: string(p.Stream.Name), Kind: kind, Start: p.Query.Span.Start, End: p.End, Fragments: p.Query.Fragments,
		},
	}
}
