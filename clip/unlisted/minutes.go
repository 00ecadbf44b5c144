package unlisted

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/plan"
	"clipfs/clip/resolve"
)

// Minute is how much one call asks for.
const Minute = time.Minute

// Estimate is the size in bytes of a payload that nothing is known of: the most that one call returns.
const Estimate = 100_000_000

// Options are what Minutes need of their clips' settings. All of them have to be set.
type Options struct {
	// Logger takes which pieces are asked for in halves, for debugging.
	Logger *slog.Logger
	// Selector says by which clock spans select fragments.
	Selector archive.Selector
	// EdgeAge is how long footage may still come that was recorded before, and TTL how long an answer about such a time is valid.
	EdgeAge, TTL time.Duration
	// Gap is how far apart two fragments have to be for a gap to lie between them.
	Gap time.Duration
	// MaxOpenFetch is how many bytes may be fetched at most for heads that come last.
	MaxOpenFetch int64
	// AtOnce is how many heads are asked for at once.
	AtOnce int
	// Likely guesses how many fragments of a stream start in a length of time; Saw tells how many did.
	Likely func(archive.StreamName, time.Duration) int
	Saw    func(archive.StreamName, time.Duration, int)
}

// Minutes brings footage minute by minute. It is safe for concurrent use.
type Minutes struct {
	cache     *cache.Cache
	downloads *download.Downloader
	options   Options
}

// New gives one that makes its calls through downloads, which keeps payloads in a cache.
func New(c *cache.Cache, downloads *download.Downloader, o Options) *Minutes {
	return &Minutes{cache: c, downloads: downloads, options: o}
}

// Footage is what is asked for.
type Footage struct {
	Stream archive.Stream
	// Span is what can have footage of a span that goes on to End.
	Span archive.Span
	End  time.Time
	// Asked is when that was looked up.
	Asked time.Time
}

// Piece is what one call asks for.
type Piece struct {
	Span archive.Span
	Key  cache.Key
	// Round is when a piece at the live edge was last asked for anew; the zero time for one of the past.
	Round time.Time
}

// Likely guesses how many fragments a call for a length brings.
func (m *Minutes) Likely(stream archive.StreamName, length time.Duration) int {
	return min(plan.MaxFragments, m.options.Likely(stream, length))
}

// Pieces gives what the calls for footage ask for. It has one at least.
func (m *Minutes) Pieces(f Footage) []Piece {
	if f.Span.Length() <= Minute {
		return []Piece{m.piece(f, f.Span, f.End)}
	}
	var pieces []Piece
	for at := f.Span.Start; at.Before(f.Span.End); {
		end := at.Truncate(Minute).Add(Minute)
		if end.Sub(at) <= archive.Grain { // no call can ask for a millisecond alone (API reference, ClipTimestampRange)
			end = end.Add(Minute)
		}
		if !f.Span.End.After(end.Add(archive.Grain)) {
			end = f.Span.End
		}
		pieces = append(pieces, m.piece(f, archive.Span{Start: at, End: end}, f.End))
		at = end
	}
	return pieces
}

// piece gives a piece of footage. Where it ends now, at the live edge, does not change what it is called: end is where the
// clip does.
func (m *Minutes) piece(f Footage, span archive.Span, end time.Time) Piece {
	p := Piece{Span: span}
	if span.End.Add(m.options.EdgeAge).After(f.Asked) {
		p.Round = f.Asked.Truncate(m.options.TTL)
	}
	if next := span.Start.Truncate(Minute).Add(2 * Minute); end.After(next) {
		end = next
	}
	if p.Round.IsZero() {
		end = span.End
	}
	return m.named(f.Stream, p, end)
}

// named gives a piece its key, which knows the stream by all that tells it from another of its name.
func (m *Minutes) named(stream archive.Stream, p Piece, end time.Time) Piece {
	words := []string{
		string(stream.Name), stream.ARN, m.options.Selector.String(),
		strconv.FormatInt(stream.Created.UnixMilli(), 10), archive.Span{Start: p.Span.Start, End: end}.String(),
	}
	if !p.Round.IsZero() {
		words = append(words, p.Round.UTC().String())
	}
	p.Key = resolve.HashKey("u", words...)
	return p
}

// halves cuts a piece in two.
func (m *Minutes) halves(stream archive.Stream, p Piece) [2]Piece {
	middle := p.Span.Start.Add(p.Span.Length() / 2).Truncate(archive.Grain)
	first, second := p, p
	first.Span.End, second.Span.Start = middle, middle
	return [2]Piece{m.named(stream, first, middle), m.named(stream, second, p.Span.End)}
}

// payloadOf tells which call brings a piece.
func (m *Minutes) payloadOf(stream archive.Stream, p Piece, opening uint64) download.Payload {
	return download.Payload{
		Key: p.Key, Stream: stream, Start: p.Span.Start, End: p.Span.End, Expires: resolve.Expiry(p.Span.Start, stream), Opening: opening,
		Query: archive.PayloadQuery{
			Stream: stream.Name, Selector: m.options.Selector, Span: p.Span,
			Likely: m.Likely(stream.Name, p.Span.Length()),
		},
	}
}

// Missing tells how many bytes reading all of some footage would fetch, without a call: of what was never asked for, the
// most that calls can bring.
func (m *Minutes) Missing(ctx context.Context, f Footage) (total int64) {
	for _, p := range m.Pieces(f) {
		total += m.pieceMissing(ctx, f.Stream, p)
	}
	return total
}

// pieceMissing is Missing of a piece.
func (m *Minutes) pieceMissing(ctx context.Context, stream archive.Stream, p Piece) int64 {
	if m.cache.Has(p.Key) {
		return 0
	}
	got, ok := m.downloads.StoredHead(ctx, p.Key)
	switch {
	case !ok:
		return Estimate
	case got.Split == splitEmpty:
		return 0
	case got.Split == splitHalved:
		halves := m.halves(stream, p)
		return m.pieceMissing(ctx, stream, halves[0]) + m.pieceMissing(ctx, stream, halves[1])
	}
	return got.Size
}

// What a record of a head says in split of a piece, which is not cut by fragments.
const (
	splitHalved = 1
	splitEmpty  = -1
)
