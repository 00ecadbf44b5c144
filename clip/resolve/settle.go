package resolve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/match"
	"clipfs/clip/plan"
)

// A part that one call does not bring takes more of them. Where the codec changes it is halved until no call crosses the
// change. Where a payload has fewer fragments than were listed, these are looked for: by the times of its pictures where they
// leave a hole, else by halves, which takes two calls for each time that the part can be halved. A service that leaves out
// the first or the last fragment of whatever it is asked for shows in both halves; its payload is taken for what it is then,
// and what it lacks is asked for alone. What does not come even alone is not served, and the clip is served without it.

// notServed says of fragments that they are listed and come with no call.
const notServed = "listed and not served, fragments of"

// Settles reports whether other calls may bring what one has not brought.
func Settles(err error) bool {
	return errors.Is(err, archive.ErrCodecChange) || errors.Is(err, archive.ErrUnservable) || errors.Is(err, archive.ErrNoFootage) || errors.As(err, new(*shortError))
}

// settling finds the calls that bring a part.
type settling struct {
	resolver *Resolver
	stream   archive.Stream
	progress func()
	part     Part
	asked    map[[2]int]outcome
}

// outcome is what came of a call.
type outcome struct {
	shown *match.Shown
	err   error
}

// lacks reports whether a payload came that has less than it should.
func (a outcome) lacks() bool {
	return errors.As(a.err, new(*shortError))
}

// settlePart finds the calls that bring a part that one call did not bring because of cause, and remembers them. It gives cause
// where nothing helps, and ErrChanged where the archive lists other fragments by now.
func (r *Resolver) settlePart(ctx context.Context, stream archive.Stream, p Part, cause error, progress func()) error {
	by := r.options.Selector
	if !Settles(cause) || errors.Is(cause, archive.ErrCodecChange) && plan.Border(p.Fragments, len(p.Fragments)/2, by) == 0 {
		return cause
	}
	if err := r.listedStill(ctx, stream, p, cause); err != nil {
		return err
	}
	s := &settling{resolver: r, stream: stream, progress: progress, part: p, asked: make(map[[2]int]outcome)}
	whole := [2]int{0, len(p.Fragments)}
	if errors.Is(cause, archive.ErrCodecChange) || errors.Is(cause, archive.ErrUnservable) {
		s.asked[whole] = outcome{err: cause}
	}
	stretches, err := s.run(ctx, whole[0], whole[1])
	if err != nil {
		return err
	}
	found := settled{At: time.Now(), Stretches: merged(stretches)}
	if len(found.Stretches) == 1 && found.Stretches[0] == exactly(whole[0], whole[1]) {
		r.unsettle(p) // it was short for a moment
		return nil
	}
	log := r.options.Logger.With("stream", stream.Name, "span", plan.SpanOf(p.Fragments, by))
	log.Debug("part takes other calls", "reason", cause, "stretches", len(found.Stretches), "calls", len(s.asked))
	return r.settle(ctx, p.Payload(stream, by), found)
}

// merged makes one stretch of those that are not served side by side.
func merged(stretches []stretch) []stretch {
	var out []stretch
	for _, p := range stretches {
		if last := len(out) - 1; last >= 0 && p.Lost != "" && out[last].Lost == p.Lost {
			out[last].To, out[last].AskTo = p.To, p.To
			continue
		}
		out = append(out, p)
	}
	return out
}

// listedStill gives nil if the archive lists the fragments of a part when it is asked again, ErrChanged if it lists others, and cause
// if it does not say; where the codec changes that does not matter.
func (r *Resolver) listedStill(ctx context.Context, stream archive.Stream, p Part, cause error) error {
	if errors.Is(cause, archive.ErrCodecChange) || errors.Is(cause, archive.ErrUnservable) {
		return nil
	}
	all := p.All(r.options.Selector)
	listed, err := r.options.ListAgain(ctx, stream, plan.SpanOf(all, r.options.Selector))
	if err != nil {
		return cause
	}
	if !slices.EqualFunc(listed, all, func(a, b archive.Fragment) bool { return a.ID == b.ID }) {
		return fmt.Errorf("other fragments are listed by now: %w", archive.ErrChanged)
	}
	return nil
}

// ask gives what came of the call for some fragments, which is made once.
func (s *settling) ask(ctx context.Context, from, to int) outcome {
	at := [2]int{from, to}
	if a, ok := s.asked[at]; ok {
		return a
	}
	a := s.call(ctx, s.part.slice(from, to))
	s.asked[at] = a
	return a
}

// call makes the call for a part.
func (s *settling) call(ctx context.Context, p Part) outcome {
	got, err := s.resolver.downloads.Head(ctx, p.Payload(s.stream, s.resolver.options.Selector))
	s.progress()
	if short, ok := errors.AsType[*shortError](err); ok {
		return outcome{&short.shown, err}
	}
	if err != nil {
		return outcome{err: err}
	}
	pictures, err := shownIn(got)
	return outcome{pictures, err}
}

// run gives the stretches of the fragments [from, to).
func (s *settling) run(ctx context.Context, from, to int) ([]stretch, error) {
	a := s.ask(ctx, from, to)
	n := to - from
	switch {
	case a.err == nil:
		return []stretch{exactly(from, to)}, nil
	case errors.Is(a.err, archive.ErrNoFootage), a.lacks() && n == 1:
		lost := exactly(from, to)
		lost.Lost = notServed
		return []stretch{lost}, nil
	case errors.Is(a.err, archive.ErrCodecChange) && n > 1:
		return s.runs(ctx, from, s.middle(from, to), to)
	case errors.Is(a.err, archive.ErrUnservable):
		return s.unservable(ctx, from, to, a.err)
	case a.lacks():
		return s.short(ctx, from, to, a)
	}
	return nil, fmt.Errorf("part %s: %w", plan.SpanOf(s.part.Fragments[from:to], s.resolver.options.Selector), a.err)
}

// runs gives the stretches between some places.
func (s *settling) runs(ctx context.Context, places ...int) ([]stretch, error) {
	var all []stretch
	for i, from := range places[:len(places)-1] {
		stretches, err := s.run(ctx, from, places[i+1])
		if err != nil {
			return nil, err
		}
		all = append(all, stretches...)
	}
	return all, nil
}

// middle gives where to halve fragments of which there are more than one; those of one time stay together where that can be.
func (s *settling) middle(from, to int) int {
	at := from + plan.Border(s.part.Fragments[from:to], (to-from)/2, s.resolver.options.Selector)
	return min(max(at, from+1), to-1)
}

// fewest is up to how many fragments are asked for one by one: halves would take as many calls.
const fewest = 4

// short gives the stretches of fragments whose payload lacks some.
func (s *settling) short(ctx context.Context, from, to int, a outcome) ([]stretch, error) {
	var short *shortError
	if !errors.As(a.err, &short) {
		return nil, a.err
	}
	if hole := short.hole; hole[0] > 0 && hole[1] < to-from {
		return s.runs(ctx, from, from+hole[0], from+hole[1], to)
	}
	if to-from <= fewest {
		places := make([]int, 0, fewest+1)
		for at := from; at <= to; at++ {
			places = append(places, at)
		}
		return s.runs(ctx, places...)
	}
	at := s.middle(from, to)
	if s.ask(ctx, at, to).lacks() && s.ask(ctx, from, at).lacks() {
		if stretches, err := s.ends(ctx, from, to, a); stretches != nil || err != nil {
			return stretches, err
		}
	}
	return s.runs(ctx, from, at, to)
}

// ends gives the stretches of fragments of which a payload lacks the last or the first, and no other; nil where that is not so.
// Whether a payload has a fragment is told by the sizes of its pictures. What it has then is not less than it should: that is
// made sure of by its times when it is asked for again, as what it is.
func (s *settling) ends(ctx context.Context, from, to int, a outcome) ([]stretch, error) {
	last := s.ask(ctx, to-1, to)
	if last.err == nil && !a.shown.Ends(last.shown) {
		return s.take(ctx, stretch{From: from, To: to - 1, AskFrom: from, AskTo: to}, exactly(to-1, to))
	}
	first := s.ask(ctx, from, from+1)
	if first.err == nil && !a.shown.Begins(first.shown) {
		return s.take(ctx, exactly(from, from+1), stretch{From: from + 1, To: to, AskFrom: from, AskTo: to})
	}
	return nil, nil
}

// take gives stretches if calls bring each of them, else nil.
func (s *settling) take(ctx context.Context, stretches ...stretch) ([]stretch, error) {
	for _, p := range stretches {
		own := s.part.slice(p.From, p.To)
		if p != exactly(p.From, p.To) {
			own.Asked = s.part.Fragments[p.AskFrom:p.AskTo:p.AskTo]
		}
		a := s.call(ctx, own)
		switch {
		case a.lacks():
			return nil, nil
		case a.err != nil:
			return nil, a.err
		}
	}
	return stretches, nil
}
