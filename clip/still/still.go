package still

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/download"
)

// source is what stills are made from.
type source struct {
	options   Options
	collector *collector
}

// errOff says why stills are not fetched. It is an ErrDenied.
var errOff = fmt.Errorf("stills are off (--stills off): %w", archive.ErrDenied)

// Still is one immutable version of a picture of a stream.
type Still struct {
	source *source
	stream archive.Stream
	// at is the instant, begin when its fragment starts; the zero time where fragments may not be listed.
	at, begin time.Time
	// validUntil is until when the answer holds that gave this version, expires when the stream lets go of the fragment.
	validUntil, expires time.Time

	key     cache.Key
	version int

	exact atomic.Int64 // the size; 0 until it is known
	// failure is why the last open failed.
	failure atomic.Pointer[error]
	// bytes and calls are what fetching it has taken, once.
	bytes, calls atomic.Int64
}

// named gives a still its key, which tells apart all that make another picture; words say which fragment it is of, and where in it.
func (s *Still) named(words ...string) *Still {
	o := s.source.options
	words = append(words, s.stream.Identity(), o.Selector.String(), strconv.Itoa(o.Width), "jpeg")
	var text strings.Builder
	for _, w := range words {
		fmt.Fprintf(&text, "%d:%s,", len(w), w)
	}
	sum := sha256.Sum256([]byte(text.String()))
	s.key = cache.Key("s-" + hex.EncodeToString(sum[:16]))
	s.version = o.Versions.Current(s.key)
	if o.Off {
		_ = s.note(errOff)
	}
	return s
}

// Key identifies the version: two stills of one key are the same bytes.
func (s *Still) Key() string { return fmt.Sprintf("%s.%d", s.key, s.version) }

// Stream is the name of its stream.
func (s *Still) Stream() archive.StreamName { return s.stream.Name }

// At is the instant that it was asked for.
func (s *Still) At() time.Time { return s.at }

// First is when the fragment starts that it is of; ok is false where fragments may not be listed.
func (s *Still) First() (at time.Time, ok bool) { return s.begin, !s.begin.IsZero() }

// Expires is until when the answer that gave this version holds.
func (s *Still) Expires() time.Time { return s.validUntil }

// Size is the size in bytes. Where it is not known exactly yet it is an estimate on the high side: a byte a pixel of a square, and no
// more than any image has.
func (s *Still) Size() (n int64, exact bool) {
	if n := s.exact.Load(); n > 0 {
		return n, true
	}
	if n, ok := s.source.options.Versions.Size(s.key, s.version); ok {
		s.exact.Store(n)
		return n, true
	}
	width := int64(s.source.options.Width)
	if width == 0 {
		return archive.MaxImageSize, false
	}
	return min(width*width, archive.MaxImageSize), false
}

// Missing is how many bytes of it are not on disk, about. It costs no call.
func (s *Still) Missing() int64 {
	if s.source.options.Store.Has(s.key) {
		return 0
	}
	n, _ := s.Size()
	return n
}

// Err is why the last open of this version failed; nil if none did, or the last one went well.
func (s *Still) Err() error {
	if p := s.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// note keeps an error for Err, except that of a caller that went away.
func (s *Still) note(err error) error {
	if !errors.Is(err, context.Canceled) {
		s.failure.Store(&err)
	}
	return err
}

// Measure has open open the still, and close it again, to learn its exact size. spent is told what was fetched for that.
func (s *Still) Measure(open func() error, spent func(bytes int64, calls int)) error {
	err := open()
	spent(s.bytes.Swap(0), int(s.calls.Swap(0)))
	return err
}

// fill is the cache.Fill of the still, for who asks for it.
func (s *Still) fill(by download.By) cache.Fill {
	return func(ctx context.Context, w *cache.Writer) error {
		got, err := s.source.collector.get(by.In(ctx), s.stream.Name, s.at, s.earliest())
		s.calls.Add(int64(got.calls))
		if err != nil {
			return err
		}
		s.bytes.Add(int64(len(got.jpeg)))
		// Another image than before is another version: it is kept, and whoever opens this one finds out.
		_ = s.source.options.Versions.Check(s.key, download.Identity{Size: int64(len(got.jpeg)), Digest: sha256.Sum256(got.jpeg)})
		if err := w.Announce(int64(len(got.jpeg))); err != nil {
			return err
		}
		return w.Append(got.jpeg)
	}
}

// tolerance is how much older than the instant a picture is never.
const tolerance = archive.MinImageInterval

// earliest is the oldest picture that will do: one of the instant's fragment, less than tolerance old.
func (s *Still) earliest() time.Time {
	if oldest := s.at.Add(archive.Grain - tolerance); oldest.After(s.begin) {
		return oldest
	}
	return s.begin
}

// formatTime writes an instant in messages.
func formatTime(at time.Time) string { return at.Format("2006-01-02T15:04:05.999Z") }

// about says in the cache what a still is.
func (s *Still) about() cache.About {
	return cache.About{Stream: string(s.stream.Name), Kind: "still", Start: s.at, End: s.at, Fragments: 1}
}
