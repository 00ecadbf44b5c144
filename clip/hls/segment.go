package hls

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/mp4"
	"clipfs/clip/segment"
	"clipfs/clip/ts"
)

// What a segment is estimated to take at most, in bytes: tables; parameter sets of each fragment; its media as stored and an eighth, for the headers of packets; and
// a packet for each frame, as its last one is filled up. There are so many frames a second at most, and none is smaller than leastFrame.
const (
	estimateTables = 8 << 10
	estimateSets   = 1 << 10
	estimateShare  = 8
	framesASecond  = 160
	leastFrame     = 6
)

// Segment is one version of a segment: certain frames, at a position of a playlist. It is safe for concurrent use.
type Segment struct {
	history  *history
	own      *clip.Clip
	source   *source
	span     archive.Span
	position time.Duration
	version  string
	// silence is the sound of which it has silent frames where it has none.
	silence *ts.Sound

	// mu guards the rest: the size, once it is known, and the plan, while it is in use.
	mu   sync.Mutex
	size int64
	plan weak.Pointer[segment.Segment]

	// failure is why it could not be opened last; nil where it could.
	failure atomic.Pointer[error]
}

// Err is why the last open failed; nil if none did, or the last one went well.
func (g *Segment) Err() error {
	if p := g.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// newSegment gives a segment of a clip whose media comes from a source.
func newSegment(h *history, own *clip.Clip, src *source, position time.Duration) *Segment {
	delay, sound := h.known()
	words := fmt.Sprint(src.clip.Key(), " ", own.Span(), " ", position, " ", delay)
	if sound != nil {
		words += fmt.Sprint(" ", *sound)
	}
	sum := sha256.Sum256([]byte(words))
	return &Segment{
		history: h, own: own, source: src, span: own.Span(), position: position, version: hex.EncodeToString(sum[:16]), silence: sound, size: math.MinInt64,
	}
}

// Version tells the bytes of the segment from those of others of its name.
func (g *Segment) Version() string { return g.version }

// Size is the size in bytes. Until it was opened it is an estimate on the high side.
func (g *Segment) Size() (n int64, exact bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.size >= 0 {
		return g.size, true
	}
	media := g.own.MediaBytes()
	if g.own.Fragments() == 0 { // they may not be listed
		media, _ = g.own.Size()
	}
	return estimate(g.own.Fragments(), media, g.span.Length(), g.silence), false
}

// estimate is how large a segment of so many fragments is at most.
func estimate(fragments int, media int64, length time.Duration, silence *ts.Sound) int64 {
	seconds := int64((length + 2*time.Second - 1) / time.Second)
	packets := min(framesASecond*seconds, media/leastFrame)
	if silence != nil {
		packets += (int64(silence.Rate())/ts.SamplesPerFrame + 1) * seconds
	}
	return estimateTables + estimateSets*int64(fragments) + media + media/estimateShare + packets*ts.PacketSize
}

// Measure has open open the segment, as Clip.Measure does.
func (g *Segment) Measure(open func() error, spent func(bytes int64, calls int)) error {
	return g.source.clip.Measure(open, spent)
}

// Open waits for the head of the source, and gives the bytes. It fails as Clip.Open does; with ErrMedia where no segment can be made
// of the media, and with ErrChanged where the source is not what it was taken for, so that another one is to be had.
func (g *Segment) Open(ctx context.Context) (*Handle, error) {
	h, err := g.open(ctx)
	switch {
	case err == nil:
		g.failure.Store(nil)
	case !errors.Is(err, context.Canceled):
		g.failure.Store(&err)
	}
	return h, err
}

func (g *Segment) open(ctx context.Context) (*Handle, error) {
	release := g.history.hold(g.source)
	file, err := g.source.clip.Open(ctx)
	if err != nil {
		release()
		return nil, g.failed(ctx, err)
	}
	plan, err := g.planned(ctx, file)
	if err != nil {
		_ = file.Close()
		release()
		return nil, g.failed(ctx, err)
	}
	if run := g.history.opened(g.span, g.position, g.source, time.Now()); run >= fetchOnFrom && g.source.clip.Calls() == 1 && !g.source.whole(ctx) {
		g.history.fetchOn(g.source)
	}
	return &Handle{segment: g, reader: plan.Reader(file), plan: plan, file: file, release: release}, nil
}

// fetchOnFrom is how many segments were opened in a row before one whose source is fetched on while nothing reads it.
const fetchOnFrom = 2

// failed tells why a segment cannot be opened. Where it is the source that has others too, the segment's own clip may do.
func (g *Segment) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil || g.source.clip == g.own || !errors.Is(err, archive.ErrMedia) && !errors.Is(err, archive.ErrUnservable) && !errors.Is(err, archive.ErrChanged) {
		return err
	}
	g.history.refuse(g.source)
	return fmt.Errorf("%w: %v", archive.ErrChanged, err) //nolint:errorlint // the segment itself may well be had
}

// planned gives the plan of the segment, which is the same each time.
func (g *Segment) planned(ctx context.Context, file *clip.Handle) (*segment.Segment, error) {
	g.mu.Lock()
	plan := g.plan.Value()
	g.mu.Unlock()
	if plan != nil {
		return plan, nil
	}
	plan, err := g.make(ctx, file)
	if errors.Is(err, ts.ErrUnsupported) || errors.Is(err, ts.ErrMalformed) || errors.Is(err, mp4.ErrMalformed) {
		err = fmt.Errorf("segment %s: %w: %w", g.span, archive.ErrMedia, err)
	}
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.size >= 0 && g.size != plan.Size() {
		return nil, fmt.Errorf("segment %s had %d bytes and has %d: %w", g.span, g.size, plan.Size(), archive.ErrChanged)
	}
	g.size, g.plan = plan.Size(), weak.Make(plan)
	return plan, nil
}

// make plans the segment.
func (g *Segment) make(ctx context.Context, file *clip.Handle) (*segment.Segment, error) {
	movie, err := file.Movie(ctx)
	if err != nil {
		return nil, err
	}
	frames, err := g.frames(ctx, file, movie)
	if err != nil {
		return nil, err
	}
	coding, sound, err := segment.CodingOf(movie, frames)
	if err != nil {
		return nil, err
	}
	delay, err := segment.Delay(movie)
	if err != nil {
		return nil, err
	}
	known := g.span
	if len(movie.Video().Entries) == 1 && !g.source.starts.Empty() {
		known = archive.Span{Start: g.source.starts.Start, End: g.source.end}
	}
	delay = g.history.learn(known, coding, sound, delay)
	return segment.Plan(movie, frames, segment.Options{PTS: g.position, Delay: delay, Silence: g.silence, Length: g.span.Length()})
}

// frames finds the segment's frames in its source.
func (g *Segment) frames(ctx context.Context, file *clip.Handle, movie *mp4.Movie) (segment.Frames, error) {
	if len(g.source.times) == 0 {
		return segment.All(movie)
	}
	points, _, err := file.Points(ctx)
	if err != nil {
		return segment.Frames{}, err
	}
	return segment.Find(movie, points, g.source.times, g.span)
}

// Handle is an open segment. It is safe for concurrent use.
type Handle struct {
	segment *Segment
	reader  *ts.Reader
	plan    *segment.Segment
	file    *clip.Handle
	release func()
	once    sync.Once
}

// ReadAt reads as io.ReaderAt does. Where what is on disk has no frames where its head says, it is dropped, once, and ErrChanged tells to open the segment
// again: another call may bring what it should.
func (h *Handle) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	n, err := h.reader.ReadAt(ctx, p, off)
	if errors.Is(err, ts.ErrMalformed) && h.file.Complete() && h.segment.history.spoils(h.segment.source) {
		h.file.Drop()
		err = fmt.Errorf("segment %s: %w: %v", h.segment.span, archive.ErrChanged, err) //nolint:errorlint // it may well be had
	}
	return n, err
}

// Size is exact.
func (h *Handle) Size() int64 { return h.plan.Size() }

// Complete reports that no read waits for the archive.
func (h *Handle) Complete() bool { return h.file.Complete() }

// Close gives the handle up.
func (h *Handle) Close() error {
	err := h.file.Close()
	h.once.Do(h.release)
	return err
}
