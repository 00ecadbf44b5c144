package hls

import (
	"context"
	"sync"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/recent"
	"clipfs/clip/segment"
	"clipfs/clip/ts"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// How much is remembered of a stream.
const (
	maxOpened  = 1024
	maxSources = 64
	// playsOn is how long after a segment was opened the one that follows it is taken to be read by the same reader.
	playsOn = 2 * time.Minute
	// linger is how long a download without readers can be taken up again.
	linger = 8 * time.Second
)

// history is what is remembered of a stream while it is played. It is safe for concurrent use.
type history struct {
	codings *codings

	// mu guards the rest, and the fields of sources that say so.
	mu sync.Mutex
	// delay is how much earlier than they are shown the first pictures of segments are decoded, in ticks; less than 0 while it is not known.
	delay int64
	// sound is that which the stream had last; nil while it is not known to have any.
	sound *ts.Sound
	// ends are the segments that were opened last, by when they end, on the clock and in a playlist.
	ends *simplelru.LRU[end, opening]
	// sources are those chosen last, by the keys of their clips.
	sources *simplelru.LRU[string, *source]
}

// opening is that of a segment.
type opening struct {
	span   archive.Span
	source *source
	at     time.Time
	// run is how many segments before it were opened in a row.
	run int
}

// end is where a segment ends: on the clock, or at a position of its playlist, in milliseconds.
type end struct {
	clock bool
	ms    int64
}

// newHistory remembers nothing yet.
func newHistory() *history {
	return &history{codings: newCodings(), delay: -1, ends: recent.List[end, opening](maxOpened), sources: recent.List[string, *source](maxSources)}
}

// before gives the opening, a moment ago, of the segment that one follows: on the clock, or in the playlist, behind a gap.
func (h *history) before(span archive.Span, position time.Duration, now time.Time) (opening, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range []end{{true, span.Start.UnixMilli()}, {false, position.Milliseconds()}} {
		o, ok := h.ends.Get(e)
		if ok && now.Sub(o.at) < playsOn && !o.span.End.After(span.Start) {
			return o, true
		}
	}
	return opening{}, false
}

// opened notes that a segment was opened, and gives how many before it were in a row.
func (h *history) opened(span archive.Span, position time.Duration, src *source, now time.Time) (run int) {
	before, ok := h.before(span, position, now)
	if ok {
		run = before.run + 1
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range []end{{true, span.End.UnixMilli()}, {false, (position + span.Length()).Milliseconds()}} {
		h.ends.Add(e, opening{span, src, now, run})
	}
	return run
}

// learn notes what a head tells of the stream, and gives the delay of all its segments.
func (h *history) learn(span archive.Span, c segment.Coding, sound *ts.Sound, delay int64) int64 {
	h.codings.note(span, c)
	h.mu.Lock()
	defer h.mu.Unlock()
	if sound != nil {
		h.sound = sound
	}
	if h.delay < 0 {
		h.delay = delay
	}
	return h.delay
}

// known gives how segments are made as far as heads have told.
func (h *history) known() (delay int64, sound *ts.Sound) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.delay, h.sound
}

// having gives the sources that were chosen lately and have the fragments from one to another.
func (h *history) having(first, last time.Time) []*source {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*source
	for _, src := range h.sources.Values() {
		if src.has(first, last) && !src.refused {
			all = append(all, src)
		}
	}
	return all
}

// isLost reports whether segments cannot be made of what a source has, after all.
func (h *history) isLost(src *source) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return src.refused
}

// keep gives the source in place of an equal one.
func (h *history) keep(src *source) *source {
	h.mu.Lock()
	defer h.mu.Unlock()
	if had, ok := h.sources.Get(src.clip.Key()); ok && had.starts == src.starts {
		return had
	}
	h.sources.Add(src.clip.Key(), src)
	return src
}

// coming reports whether a source is being fetched, or can be taken up where it was left.
func (h *history) coming(src *source, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return src.ahead || src.open > 0 || now.Sub(src.used) < linger
}

// isRefused reports whether segments cannot be made of what a source has.
func (h *history) isRefused(src *source) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	had, ok := h.sources.Peek(src.clip.Key())
	return ok && had.refused
}

// hold counts a segment that reads a source; the function that it gives counts it out.
func (h *history) hold(src *source) (release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	src.open++
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		src.open--
		src.used = time.Now()
	}
}

// isOpen reports whether a segment reads a source.
func (h *history) isOpen(src *source) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return src.open > 0
}

// fetchOn has all of a source fetched, once, whoever reads it.
func (h *history) fetchOn(src *source) {
	h.mu.Lock()
	begins := !src.ahead
	src.ahead = true
	h.mu.Unlock()
	if !begins {
		return
	}
	end := func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		src.ahead, src.used = false, time.Now()
	}
	done, release, err := src.clip.Ahead(context.Background())
	if err != nil {
		end()
		return
	}
	go func() {
		<-done
		release()
		end()
	}()
}

// spoils notes that what is on disk of a source is not what its head says, and reports whether that is new.
func (h *history) spoils(src *source) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := !src.spoiled
	src.spoiled = true
	return first
}

// refuse notes that segments cannot be made of a source.
func (h *history) refuse(src *source) {
	h.mu.Lock()
	defer h.mu.Unlock()
	src.refused = true
}
