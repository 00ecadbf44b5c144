package clip

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"clipfs/clip/archive"
)

// Where clocks are off:
//
// A camera whose clock is ahead records times that are yet to come, and so does every camera for a mount whose own clock is
// behind. That is looked for before anything is said of what is newest, or of a span that goes on beyond now, once in a
// MetadataTTL: one call that finds nothing as a rule. What it finds is let through from then on, by as much beyond now as it
// took. A camera whose clock says what retention does not keep is seen only by the service's own times, which are asked for
// where a stream has nothing new. In each case the log says so once.

const (
	// maxAhead is how far ahead footage is looked for: a clock that is set to next year.
	maxAhead = 366 * 24 * time.Hour
	// maxAheadCalls bounds the calls of a look, each of which goes twice as far as the one before.
	maxAheadCalls = 24
	// tolerableOffset is how far clocks may be off without a word.
	tolerableOffset = time.Minute
	// lostWithin is how far back footage of times that are not kept is looked for where there is other footage.
	lostWithin = 24 * time.Hour
)

// clocks is what is known of the clocks of cameras, and of this machine. It is safe for concurrent use.
type clocks struct {
	// mu guards the rest.
	mu       sync.Mutex
	byStream map[archive.StreamName]*clock
	// told says that it was logged that this machine's clock is behind.
	told bool
}

// clock is what is known of a camera's.
type clock struct {
	// ahead is how long after now there can be footage; expires is when that has to be looked at again, lostExpires when it has
	// to be looked again for footage of times that are not kept.
	ahead                time.Duration
	expires, lostExpires time.Time
	// told and toldLost say that it was logged that the clock is ahead, or behind all that is kept.
	told, toldLost bool
}

// ofLocked gives what is known of a camera's clock, to be changed.
func (c *clocks) ofLocked(name archive.StreamName) *clock {
	if c.byStream[name] == nil {
		c.byStream[name] = &clock{}
	}
	return c.byStream[name]
}

// ahead gives how long after now there can be footage of a stream, as far as that is known.
func (c *clocks) ahead(name archive.StreamName) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ofLocked(name).ahead
}

// viewTo gives a stream and the span in which it can have footage, once it is known whether it has any ahead of now, if a
// time is. Where fragments may not be listed nothing tells, and whatever lists says so.
func (l *Library) viewTo(ctx context.Context, name archive.StreamName, end time.Time) (view, error) {
	v, err := l.view(ctx, name)
	if err != nil || !end.After(v.window.End) {
		return v, err
	}
	if err := l.lookAhead(ctx, v); err != nil && !errors.Is(err, archive.ErrNotListable) {
		return view{}, err
	}
	return l.view(ctx, name)
}

// viewToNewest is viewTo for what asks for the newest footage.
func (l *Library) viewToNewest(ctx context.Context, name archive.StreamName) (view, error) {
	return l.viewTo(ctx, name, time.Now().Add(maxAhead))
}

// lookAhead looks whether a stream has footage that is ahead of now, unless that is known.
func (l *Library) lookAhead(ctx context.Context, v view) error {
	name := v.stream.Name
	fresh := func() bool {
		l.clocks.mu.Lock()
		defer l.clocks.mu.Unlock()
		return time.Now().Before(l.clocks.ofLocked(name).expires)
	}
	if fresh() {
		return nil
	}
	_, err := l.aheads.Do(ctx, name, func(ctx context.Context, progress func()) (struct{}, error) {
		if fresh() {
			return struct{}{}, nil
		}
		now := time.Now().UTC().Truncate(archive.Grain)
		ahead, found, err := l.findAhead(ctx, v.stream, now, progress)
		if err != nil {
			return struct{}{}, err
		}
		l.clocks.mu.Lock()
		c := l.clocks.ofLocked(name)
		c.ahead, c.expires = ahead, now.Add(l.options.MetadataTTL)
		l.clocks.mu.Unlock()
		l.tellAhead(name, now, found)
		return struct{}{}, nil
	})
	return err
}

// findAhead gives how far ahead of now a stream can have footage, and some of it. A service that refuses to be asked for
// times to come has none.
func (l *Library) findAhead(ctx context.Context, stream archive.Stream, now time.Time, progress func()) (ahead time.Duration, found []archive.Fragment, err error) {
	by := l.options.Selector
	for range maxAheadCalls {
		span := archive.Span{Start: now.Add(ahead + archive.Grain), End: now.Add(maxAhead)}
		some, _, err := l.timeline.sampleBy(ctx, by, view{stream, span}, span, fewFragments)
		if errors.Is(err, archive.ErrInvalid) {
			l.options.Logger.Debug("times to come may not be asked for", "stream", stream.Name, "error", err)
			return ahead, found, nil
		}
		if err != nil {
			return 0, nil, err
		}
		progress()
		if len(some) == 0 {
			break
		}
		found = append(found, some...)
		ahead *= 2
		for _, f := range some {
			ahead = max(ahead, f.Time(by).Sub(now)+edgeAge)
			if by == archive.ByProducer {
				ahead = max(ahead, f.Producer.Sub(f.Server)+edgeAge)
			}
		}
	}
	return ahead, found, nil
}

// tellAhead logs what footage ahead of now says of clocks.
func (l *Library) tellAhead(name archive.StreamName, now time.Time, found []archive.Fragment) {
	var camera, machine time.Duration
	for _, f := range found {
		camera = max(camera, f.Producer.Sub(f.Server))
		machine = max(machine, f.Server.Sub(now))
	}
	l.clocks.mu.Lock()
	c := l.clocks.ofLocked(name)
	tellCamera := camera > tolerableOffset && !c.told && l.options.Selector == archive.ByProducer
	tellMachine := machine > tolerableOffset && !l.clocks.told
	c.told, l.clocks.told = c.told || tellCamera, l.clocks.told || tellMachine
	l.clocks.mu.Unlock()
	if tellCamera {
		l.options.Logger.Warn("the camera's clock is ahead: its footage is listed where the camera says; --timestamps server goes by when it arrived",
			"stream", name, "ahead", roundOffset(camera))
	}
	if tellMachine {
		l.options.Logger.Warn("this machine's clock is behind: footage is newer than now", "behind", roundOffset(machine))
	}
}

// lookLost looks whether what has arrived lately bears times that retention does not keep, unless that was done in this
// MetadataTTL; of a stream that lists nothing, whether anything that is kept does.
func (l *Library) lookLost(ctx context.Context, v view, nothing bool) error {
	if l.options.Selector == archive.ByServer {
		return nil
	}
	name, now := v.stream.Name, time.Now()
	l.clocks.mu.Lock()
	c := l.clocks.ofLocked(name)
	known := now.Before(c.lostExpires) || c.toldLost
	l.clocks.mu.Unlock()
	if known {
		return nil
	}
	span := v.window
	if from := now.UTC().Truncate(archive.Grain).Add(-lostWithin); !nothing && from.After(span.Start) {
		span.Start = from
	}
	some, _, err := l.timeline.sampleBy(ctx, archive.ByServer, v, span, fewFragments)
	if err != nil {
		return err
	}
	lost := slices.DeleteFunc(some, func(f archive.Fragment) bool { return !f.Producer.Before(v.window.Start) })
	l.clocks.mu.Lock()
	c.lostExpires = now.Add(l.options.MetadataTTL)
	tell := len(lost) > 0 && !c.toldLost
	c.toldLost = c.toldLost || tell
	l.clocks.mu.Unlock()
	if tell {
		f := lost[0]
		l.options.Logger.Warn("the camera's clock is behind all that is kept: such footage is not listed; --timestamps server goes by when it arrived",
			"stream", name, "behind", roundOffset(f.Server.Sub(f.Producer)), "says", sidecarTime(f.Producer), "arrived", sidecarTime(f.Server))
	}
	return nil
}

// roundOffset gives a clock's offset as a person would.
func roundOffset(d time.Duration) time.Duration {
	if d > time.Hour {
		return d.Round(time.Minute)
	}
	return d.Round(time.Second)
}
