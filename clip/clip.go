package clip

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/unlisted"
)

// What a size is taken to be until it is known: MP4 was up to 1.2 times the Matroska sum on small or static video, so
// an estimate is half as large again, and a head a part.
const (
	estimateNumerator, estimateDenominator = 3, 2
	estimateHead                           = 64 << 10
)

// Clip is one immutable version of a clip: certain fragments of a stream, presented as one file. It is small: what it is
// made of is told by the timeline again when it is needed.
type Clip struct {
	library *Library
	stream  archive.Stream
	span    archive.Span
	details details
	// fragments, calls and media are how many fragments and parts it has, and their size as stored in bytes; first is when
	// the first fragment starts.
	fragments, calls int
	media            int64
	first            time.Time
	// cover says that it also has the fragment that was running at its start.
	cover bool
	// unlisted is the span to ask for where fragments may not be listed, and asked when the clip was looked up then; empty
	// otherwise.
	unlisted archive.Span
	asked    time.Time
	// planned is the key as far as the listing tells, key that of what is known to be served.
	planned, key cache.Key
	version      int
	expires      time.Time

	exact atomic.Int64 // the exact size; 0 until it is known
	// surplus says that its only payload was compared with the listing.
	surplus atomic.Bool
	// layout is where the bytes come from, once a clip of many parts was opened.
	layout atomic.Pointer[layout]
	// failed is why the call for the only part failed, until the calls that bring it are looked for.
	failed atomic.Pointer[error]
	// looked is what its look-up found; nil where fragments may not be listed.
	looked *looked
	// failure is the last error of an open or a read.
	failure atomic.Pointer[error]
	// usage is what is fetched for it, once it was opened.
	usage atomic.Pointer[download.Usage]
}

// Key identifies the version: two clips of one key are the same bytes.
func (c *Clip) Key() string { return versionKey(c.key, c.version) }

// versionKey gives the key of a version of what has a key.
func versionKey(key cache.Key, version int) string { return fmt.Sprintf("%s.%d", key, version) }

// Stream is the name of the clip's stream.
func (c *Clip) Stream() archive.StreamName { return c.stream.Name }

// Span is the span as it was asked for.
func (c *Clip) Span() archive.Span { return c.span }

// Fragments is how many fragments the clip has; 0 where they may not be listed.
func (c *Clip) Fragments() int { return c.fragments }

// Parts is how many parts the clip has, as far as that is known: one GetClip call each.
func (c *Clip) Parts() int { return c.calls }

// Selector says by which clock spans select fragments.
func (c *Clip) Selector() archive.Selector { return c.library.options.Selector }

// Gaps says what becomes of the time in which nothing was recorded.
func (c *Clip) Gaps() GapPolicy { return c.library.options.Gaps }

// First is when the clip's first fragment starts: where the footage really begins. Without a listing it is the start
// of what was asked for.
func (c *Clip) First() time.Time {
	if c.fragments == 0 {
		return c.unlisted.Start
	}
	return c.first
}

// Expires is until when the answer that gave this version holds.
func (c *Clip) Expires() time.Time { return c.expires }

// MediaBytes is the sum of the fragments' sizes as stored.
func (c *Clip) MediaBytes() int64 { return c.media }

// Size is the size of the file in bytes. Where it is not known exactly yet it is an estimate on the high side.
func (c *Clip) Size() (n int64, exact bool) {
	if n := c.exact.Load(); n > 0 {
		return n, true
	}
	if n, ok := c.library.identities.Size(c.key, c.version); ok {
		return c.settle(n), true
	}
	if c.fragments == 0 {
		return unlisted.Estimate * int64(c.calls), false
	}
	return c.media*estimateNumerator/estimateDenominator + estimateHead*int64(c.calls), false
}

// settle fixes the exact size, once and for all, and gives it.
func (c *Clip) settle(n int64) int64 {
	if c.exact.CompareAndSwap(0, n) {
		return n
	}
	return c.exact.Load()
}

// Err is why the last open or read of this version failed; nil if none did, or the last one went well.
func (c *Clip) Err() error {
	if p := c.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// note keeps an error for Err, except that of a caller that went away.
func (c *Clip) note(err error) error {
	if !errors.Is(err, context.Canceled) {
		c.failure.Store(&err)
	}
	return err
}

// made gives the layout of this version, if it was opened, under whatever name; else nil.
func (c *Clip) made() *layout {
	if made := c.layout.Load(); made != nil {
		return made
	}
	made, _ := c.library.made.Get(c.Key())
	return made
}

// current gives ErrChanged if the archive is known to have another version by now.
func (c *Clip) current() error {
	if c.library.identities.Current(c.key) != c.version {
		return fmt.Errorf("%s %s has another version now: %w", c.stream.Name, c.span, archive.ErrChanged)
	}
	return nil
}

// outdate makes the clip give way to its next version, because a payload is no longer what its head was.
func (c *Clip) outdate(payload download.Payload) {
	c.library.downloads.DropHead(payload.Key)
	c.library.identities.Outdate(c.key, c.version)
}

// used gives what adds up what is fetched for the clip.
func (c *Clip) used() *download.Usage {
	if u := c.usage.Load(); u != nil {
		return u
	}
	c.usage.CompareAndSwap(nil, download.NewUsage(c.library.options.Logger, c.stream.Name, c.span))
	return c.usage.Load()
}

// reader gives who reads the clip in a context.
func (c *Clip) reader(ctx context.Context) download.By {
	by := download.ByOf(ctx)
	by.Usage = c.used()
	return by
}

// asks gives a context in which whatever is fetched is fetched for this clip.
func (c *Clip) asks(ctx context.Context) context.Context { return c.reader(ctx).In(ctx) }

// detail gives what the clip is made of. ErrChanged if the archive has other fragments in its span by now. It costs a
// listing at most, as a rule nothing.
func (c *Clip) detail(ctx context.Context) (*detail, error) {
	if d := c.details.last.get(); d != nil {
		return d, nil
	}
	listed, err := c.details.again(ctx)
	if err != nil {
		return nil, err
	}
	d := c.library.detailOf(c.stream, listed, c.span.Length())
	if len(d.parts) == 0 || c.library.clipKey(d.parts) != c.planned {
		return nil, fmt.Errorf("%s %s has other fragments now: %w", c.stream.Name, c.span, archive.ErrChanged)
	}
	c.details.last.set(d)
	return d, nil
}

// remark notes a sentence about what is unusual in this version of the clip, on one line and without a full stop: what the
// payloads have that the listing does not tell, what is not served. Each sentence is noted once a version, and is one line
// of the log then.
func (c *Clip) remark(sentence string) {
	if sentence = c.library.notes.Add(c.Key(), sentence); sentence != "" {
		c.library.options.Logger.Info("unusual footage", "stream", c.stream.Name, "span", c.span, "note", sentence)
	}
}

// Note says what is unusual in this version of the clip, a sentence a line; it is empty where nothing is, or nothing is
// known yet. It costs no call.
func (c *Clip) Note() string { return strings.Join(c.library.notes.Of(c.Key()), "\n") }

// Opening says how many heads have come of those that an open waits for now, "37 of 240 heads"; else it is empty. It makes no call.
func (c *Clip) Opening() string { return c.library.openings.Of(c.Key()) }

// mayList reports whether the clip is made from a listing.
func (c *Clip) mayList() bool { return c.unlisted == (archive.Span{}) }

// failedOnly gives, once, with what error the call for the clip's only part failed.
func (c *Clip) failedOnly() error {
	if err := c.failed.Swap(nil); err != nil {
		return *err
	}
	return nil
}
