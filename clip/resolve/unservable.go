package resolve

import (
	"context"
	"errors"
	"fmt"

	"clipfs/clip/archive"
)

// Of some footage the service makes no MP4: a session that sent no codec private data, a fragment without a key frame. One such
// fragment makes every call fail that asks for it. So the fragments around it are asked for without it.

// unservable gives the stretches of fragments for which a call failed with cause. A run of them is taken to have no others in
// it: its ends are looked for, which takes two calls for each time that it can be doubled, and those around it are halved.
func (s *settling) unservable(ctx context.Context, from, to int, cause error) ([]stretch, error) {
	switch bad, err := s.bad(ctx, from); {
	case err != nil:
		return nil, err
	case bad:
	case to-from > 1:
		return s.beside(ctx, from, s.middle(from, to), to, cause)
	default: // only together with those before it
		return s.run(ctx, from, to)
	}
	end, err := s.badUntil(ctx, from, to)
	if err != nil {
		return nil, err
	}
	lost := exactly(from, end)
	lost.Lost = noMP4
	if why := saidOf(cause); why != "" {
		lost.Lost = fmt.Sprintf("%s (%s)", noMP4, why)
	}
	if end == to {
		return []stretch{lost}, nil
	}
	rest, err := s.run(ctx, end, to)
	return append([]stretch{lost}, rest...), err
}

// beside gives the stretches of the fragments before and from a place on, of which the service makes no MP4 together.
func (s *settling) beside(ctx context.Context, from, at, to int, cause error) ([]stretch, error) {
	if s.ask(ctx, from, at).err != nil {
		return s.runs(ctx, from, at, to)
	}
	rest, err := s.unservable(ctx, at, to, cause) // the fault is there, or between the two: parts of the rest tell
	return append([]stretch{exactly(from, at)}, rest...), err
}

// bad reports whether the service makes no MP4 of a fragment asked for alone.
func (s *settling) bad(ctx context.Context, i int) (bool, error) {
	a := s.ask(ctx, i, i+1)
	switch {
	case a.err == nil, a.lacks(), errors.Is(a.err, archive.ErrNoFootage):
		return false, nil
	case errors.Is(a.err, archive.ErrUnservable):
		return true, nil
	}
	return false, a.err
}

// badUntil gives where a run of unservable fragments ends that begins at from.
func (s *settling) badUntil(ctx context.Context, from, to int) (int, error) {
	if all, err := s.allBad(ctx, to-1, from+(to-from)/2); all || err != nil {
		return to, err
	}
	low, high := from, to // bad, and not known to be
	for step := 1; low+step < high; step *= 2 {
		bad, err := s.bad(ctx, low+step)
		if err != nil {
			return 0, err
		}
		if !bad {
			high = low + step
			break
		}
		low += step
	}
	for low+1 < high {
		at := (low + high) / 2
		bad, err := s.bad(ctx, at)
		if err != nil {
			return 0, err
		}
		if bad {
			low = at
		} else {
			high = at
		}
	}
	return high, nil
}

// allBad reports whether each of some fragments is unservable.
func (s *settling) allBad(ctx context.Context, places ...int) (bool, error) {
	for _, i := range places {
		if bad, err := s.bad(ctx, i); !bad || err != nil {
			return false, err
		}
	}
	return true, nil
}

// saidOf gives the code with which the service refused, "" where there is none.
func saidOf(err error) string {
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) {
		return coded.ErrorCode()
	}
	return ""
}
