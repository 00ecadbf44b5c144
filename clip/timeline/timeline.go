package timeline

import (
	"context"
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"clipfs/clip/archive"
	"clipfs/clip/singleflight"
)

// retentionMargin keeps spans clear of the border of retention: a request that was right when it was made is refused when it arrives too late.
const retentionMargin = 5 * time.Second

// Timeline tells what the streams of an archive have recorded. It is safe for concurrent use.
type Timeline struct {
	options Options
	streams *streams
	denials *denials
	table   *table
	clocks  *clocks
	newests *singleflight.Group[archive.StreamName, newest]
	days    *singleflight.Group[archive.StreamName, []archive.Start]

	// latest has the newest footage of streams; toldOlder has the streams of which it was logged that an older day than
	// ListDays allows is listed.
	latest    *lru.Cache[archive.StreamName, latestEntry]
	toldOlder sync.Map
}

// latestEntry is the newest footage of a stream and until when that is valid.
type latestEntry struct {
	newest     newest
	validUntil time.Time
}

// newest is the last fragment of a stream: when it starts and when it ends.
type newest struct{ start, end time.Time }

// New makes the timeline of an archive.
func New(service archive.Service, o Options) *Timeline {
	o = o.withDefaults()
	latest, err := lru.New[archive.StreamName, latestEntry](maxStreams)
	if err != nil {
		panic(err) // only a size that is not positive is an error
	}
	denials := newDenials(service, o)
	table := newTable(denials, o)
	return &Timeline{
		options: o, streams: newStreams(service, o), denials: denials, table: table, clocks: newClocks(table, o.Timeout), latest: latest,
		newests: singleflight.New[archive.StreamName, newest](o.Timeout),
		days:    singleflight.New[archive.StreamName, []archive.Start](o.Timeout),
	}
}

// Streams gives all streams, by name. The slice is shared: it is not to be changed.
func (t *Timeline) Streams(ctx context.Context) ([]archive.Stream, error) { return t.streams.list(ctx) }

// Stream describes a stream, listed or not; ErrNoStream if there is none of that name.
func (t *Timeline) Stream(ctx context.Context, name archive.StreamName) (archive.Stream, error) {
	return t.streams.describe(ctx, name)
}

// Denied gives why fragments of a stream may not be listed, as far as that is known without a call; nil if nothing is known against it.
func (t *Timeline) Denied(stream archive.StreamName) error { return t.denials.denied(stream) }

// Likely guesses how many fragments a length of a stream has where they may not be listed; Saw learns that from how many
// key frames a payload had.
func (t *Timeline) Likely(stream archive.StreamName, length time.Duration) int {
	return t.denials.likely(stream, length)
}

// Saw tells Likely of a payload.
func (t *Timeline) Saw(stream archive.StreamName, length time.Duration, keyFrames int) {
	t.denials.saw(stream, length, keyFrames)
}

// View gives a stream and the span in which it can have footage; ErrNoRetention if it keeps none. Where end is ahead of now, it
// first finds out whether the stream has footage ahead of now. Where fragments may not be listed nothing tells that.
func (t *Timeline) View(ctx context.Context, name archive.StreamName, end time.Time) (View, error) {
	v, err := t.viewNow(ctx, name)
	if err != nil || !end.After(v.Window.End) {
		return v, err
	}
	if err := t.clocks.findAhead(ctx, v); err != nil {
		return View{}, err
	}
	return t.viewNow(ctx, name)
}

// viewNow is View as far as is known.
func (t *Timeline) viewNow(ctx context.Context, name archive.StreamName) (View, error) {
	stream, err := t.streams.describe(ctx, name)
	if err != nil {
		return View{}, err
	}
	if stream.Retention <= 0 {
		return View{}, fmt.Errorf("stream %s: %w", name, archive.ErrNoRetention)
	}
	t.table.meet(stream)
	now := time.Now().UTC().Truncate(archive.Grain)
	return View{stream, archive.Span{Start: now.Add(retentionMargin - stream.Retention), End: now.Add(t.clocks.ahead(name) + archive.Grain)}}, nil
}

// viewToNewest is View for what asks for the newest footage.
func (t *Timeline) viewToNewest(ctx context.Context, name archive.StreamName) (View, error) {
	return t.View(ctx, name, time.Now().Add(maxAhead))
}

// Forget drops what is remembered of a span, so that it is asked for again.
func (t *Timeline) Forget(stream archive.Stream, span archive.Span) {
	t.table.forget(stream, hoursOf(stream.Name, span))
}
