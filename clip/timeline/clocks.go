package timeline

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/singleflight"
)

// Where clocks are off:
//
// A camera whose clock is ahead records times that are yet to come. So does every camera for a mount whose own clock is
// behind. Before anything is said of what is newest, or of a span that goes on beyond now, such footage is searched for, once
// in a TTL, with one call that finds nothing as a rule. From then on the window reaches as far beyond now as what was found.
// A camera whose clock says what retention does not keep is seen only by the service's own times, which are asked for where a
// stream has nothing new. In each case the log says so once.

const (
	// maxAhead is how far ahead footage is searched for: a clock that is set to next year.
	maxAhead = 366 * 24 * time.Hour
	// maxAheadCalls bounds the calls of a search. Each goes twice as far as the one before.
	maxAheadCalls = 24
	// tolerableOffset is how far clocks may be off without a word.
	tolerableOffset = time.Minute
	// lostWithin is how far back footage of times that are not kept is searched for where there is other footage.
	lostWithin = 24 * time.Hour
)

// clocks is what is known of the clocks of cameras, and of this machine. It is safe for concurrent use.
type clocks struct {
	table    *table
	searches *singleflight.Group[archive.StreamName, struct{}]

	// mu guards the rest.
	mu       sync.Mutex
	byStream map[archive.StreamName]*clock
	// logged says that it was logged that this machine's clock is behind.
	logged bool
}

// clock is what is known of a camera's.
type clock struct {
	// ahead is how long after now there can be footage, until validUntil. Until noLostUntil it is known that there is no
	// footage of times that are not kept.
	ahead                   time.Duration
	validUntil, noLostUntil time.Time
	// loggedAhead and loggedLost say that it was logged that the clock is ahead, or behind all that is kept.
	loggedAhead, loggedLost bool
}

func newClocks(t *table, timeout time.Duration) *clocks {
	return &clocks{
		table: t, byStream: make(map[archive.StreamName]*clock),
		searches: singleflight.New[archive.StreamName, struct{}](timeout),
	}
}

// of calls a function with what is known of a camera's clock.
func (c *clocks) of(name archive.StreamName, do func(*clock)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byStream[name] == nil {
		c.byStream[name] = &clock{}
	}
	do(c.byStream[name])
}

// ahead is how long after now there can be footage of a stream, as far as that is known.
func (c *clocks) ahead(name archive.StreamName) (ahead time.Duration) {
	c.of(name, func(camera *clock) { ahead = camera.ahead })
	return ahead
}

// findAhead searches for footage of a stream that is ahead of now, unless what was found last is valid. Where fragments may
// not be listed it finds nothing: whatever lists them says so.
func (c *clocks) findAhead(ctx context.Context, v View) error {
	name := v.Stream.Name
	valid := func() (valid bool) {
		c.of(name, func(camera *clock) { valid = time.Now().Before(camera.validUntil) })
		return valid
	}
	if valid() {
		return nil
	}
	_, err := c.searches.Do(ctx, name, func(ctx context.Context, progress func()) (struct{}, error) {
		if valid() {
			return struct{}{}, nil // another call has ended in this moment
		}
		now := time.Now().UTC().Truncate(archive.Grain)
		ahead, found, err := c.searchAhead(ctx, v.Stream, now, progress)
		if err != nil {
			return struct{}{}, err
		}
		c.of(name, func(camera *clock) { camera.ahead, camera.validUntil = ahead, now.Add(c.table.ttl) })
		c.logAhead(name, now, found)
		return struct{}{}, nil
	})
	if errors.Is(err, archive.ErrNotListable) {
		return nil
	}
	return err
}

// searchAhead gives how far ahead of now a stream can have footage, and some of it. A service that refuses to be asked for
// times to come has none.
func (c *clocks) searchAhead(ctx context.Context, stream archive.Stream, now time.Time, progress func()) (ahead time.Duration, found []archive.Fragment, err error) {
	by := c.table.by
	for range maxAheadCalls {
		span := archive.Span{Start: now.Add(ahead + archive.Grain), End: now.Add(maxAhead)}
		some, _, err := c.table.sample(ctx, by, View{stream, span}, span, fewFragments)
		if errors.Is(err, archive.ErrInvalid) {
			c.table.logger.Debug("times to come may not be asked for", "stream", stream.Name, "error", err)
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
			ahead = max(ahead, f.Time(by).Sub(now)+EdgeAge)
			if by == archive.ByProducer {
				ahead = max(ahead, f.Producer.Sub(f.Server)+EdgeAge)
			}
		}
	}
	return ahead, found, nil
}

// logAhead logs what footage ahead of now says of clocks.
func (c *clocks) logAhead(name archive.StreamName, now time.Time, found []archive.Fragment) {
	var camera, machine time.Duration
	for _, f := range found {
		camera = max(camera, f.Producer.Sub(f.Server))
		machine = max(machine, f.Server.Sub(now))
	}
	var logCamera, logMachine bool
	c.of(name, func(of *clock) {
		logCamera = camera > tolerableOffset && !of.loggedAhead && c.table.by == archive.ByProducer
		logMachine = machine > tolerableOffset && !c.logged
		of.loggedAhead, c.logged = of.loggedAhead || logCamera, c.logged || logMachine
	})
	if logCamera {
		c.table.logger.Warn("the camera's clock is ahead: its footage is listed where the camera says; --timestamps server goes by when it arrived",
			"stream", name, "ahead", roundOffset(camera))
	}
	if logMachine {
		c.table.logger.Warn("this machine's clock is behind: footage is newer than now", "behind", roundOffset(machine))
	}
}

// findLost searches what has arrived lately for times that retention does not keep, once in a TTL; of a stream that lists
// nothing, all that is kept.
func (c *clocks) findLost(ctx context.Context, v View, nothing bool) error {
	if c.table.by == archive.ByServer {
		return nil
	}
	name, now := v.Stream.Name, time.Now()
	var known bool
	c.of(name, func(camera *clock) { known = now.Before(camera.noLostUntil) || camera.loggedLost })
	if known {
		return nil
	}
	span := v.Window
	if from := now.UTC().Truncate(archive.Grain).Add(-lostWithin); !nothing && from.After(span.Start) {
		span.Start = from
	}
	some, _, err := c.table.sample(ctx, archive.ByServer, v, span, fewFragments)
	if err != nil {
		return err
	}
	lost := slices.DeleteFunc(some, func(f archive.Fragment) bool { return !f.Producer.Before(v.Window.Start) })
	var log bool
	c.of(name, func(camera *clock) {
		camera.noLostUntil = now.Add(c.table.ttl)
		log = len(lost) > 0 && !camera.loggedLost
		camera.loggedLost = camera.loggedLost || log
	})
	if log {
		const layout = "2006-01-02T15:04:05.000Z"
		f := lost[0]
		c.table.logger.Warn("the camera's clock is behind all that is kept: such footage is not listed; --timestamps server goes by when it arrived",
			"stream", name, "behind", roundOffset(f.Server.Sub(f.Producer)), "says", f.Producer.UTC().Format(layout), "arrived", f.Server.UTC().Format(layout))
	}
	return nil
}

// roundOffset rounds as a person would.
func roundOffset(d time.Duration) time.Duration {
	if d > time.Hour {
		return d.Round(time.Minute)
	}
	return d.Round(time.Second)
}
