package timeline

import (
	"context"
	"slices"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/parallel"
	"clipfs/clip/timeline/tempo"
)

// How days with footage are found:
//
// One call asks for a few fragments of a long span. Either the whole span is empty, or at least one day in it has footage;
// then the days before and behind it are asked for in turn. An answer of fewer fragments than were asked for is all that
// there is: no day of the span is left to ask for. So an empty year costs one call, each day with footage one at most, and
// each run of days without any between them one more. A call asks for many fragments only where such an answer told of many
// days, because the service's quota counts what is asked for.
//
// Spans are asked for side by side. To that end spans that may be empty are cut, but only as far as slack goes.

const (
	// manyFragments and fewFragments are what a call asks for of a span of days; it goes on with many if it told of manyDays.
	manyFragments, fewFragments, manyDays = tempo.MaxPage, 10, 8
	// liveSlack is how many calls more than there are days with footage a listing may cost while the stream records,
	// staleSlack otherwise, when the newest footage has to be looked for too. With that the listing stays within twelve.
	liveSlack, staleSlack = 7, 1
)

// dayState is what is known of a day.
type dayState uint8

const (
	unknownDay dayState = iota
	emptyDay
	footageDay
)

// daySearch finds out which days have footage.
type daySearch struct {
	table *table
	view  View
	// periods of the days, in their order.
	periods []archive.Span
	slack   int
	// progress is called with every answer.
	progress func()

	states []dayState
	// extra is how many calls were made more than days found by them.
	extra int
	// limit is how many fragments the next call asks for; 0 before the first.
	limit int
}

// dayRange is a range of days that are asked for at once.
type dayRange struct{ from, to int }

// dayAnswer is what a call tells of a range.
type dayAnswer struct {
	found []int
	// complete says that no other day of the range has footage.
	complete bool
}

// run looks at all days.
func (s *daySearch) run(ctx context.Context) error {
	s.states = slices.Grow(s.states, len(s.periods))[:len(s.periods)]
	for i, period := range s.periods {
		if s.states[i] != unknownDay {
			continue
		}
		found, certain, err := s.table.recordedDay(ctx, s.view, period)
		if err != nil {
			return err
		}
		if certain {
			s.states[i] = emptyDay
		}
		if found {
			s.states[i] = footageDay
		}
	}
	s.limit = manyFragments
	pending := s.unknown(dayRange{0, len(s.periods)})
	for first := true; len(pending) > 0; first = false {
		if !first {
			pending = s.cut(pending)
		}
		answers := make([]dayAnswer, len(pending))
		err := parallel.Each(ctx, probesAtOnce, len(pending), func(ctx context.Context, i int) (err error) {
			answers[i], err = s.ask(ctx, pending[i])
			return err
		})
		if err != nil {
			return err
		}
		var next []dayRange
		told := 0
		for i, r := range pending {
			s.learn(r, answers[i])
			told = max(told, len(answers[i].found))
			next = append(next, s.unknown(r)...)
		}
		if told < manyDays {
			s.limit = fewFragments
		}
		pending = next
	}
	return nil
}

// unknown gives the ranges of a range that have to be asked for: those between days with footage, without known days at their ends.
func (s *daySearch) unknown(r dayRange) []dayRange {
	var all []dayRange
	open := false
	for i := r.from; i < r.to; i++ {
		switch s.states[i] {
		case unknownDay:
			if !open {
				all, open = append(all, dayRange{i, i}), true
			}
			all[len(all)-1].to = i + 1
		case footageDay:
			open = false
		}
	}
	return all
}

// cut halves ranges, the longest first, so that more can be asked for at once, as far as slack goes: each of them may turn
// out to be empty, and is then a call for no day.
func (s *daySearch) cut(pending []dayRange) []dayRange {
	for len(pending) < probesAtOnce && s.extra+len(pending) < s.slack {
		at := 0
		for i, r := range pending {
			if r.to-r.from > pending[at].to-pending[at].from {
				at = i
			}
		}
		r := pending[at]
		middle := (r.from + r.to) / 2
		if middle == r.from {
			break
		}
		pending = slices.Insert(pending, at+1, dayRange{middle, r.to})
		pending[at].to = middle
	}
	return pending
}

// ask makes the call for a range.
func (s *daySearch) ask(ctx context.Context, r dayRange) (dayAnswer, error) {
	defer s.progress()
	if r.to-r.from == 1 {
		found, err := s.table.recorded(ctx, s.view, s.periods[r.from])
		if !found {
			return dayAnswer{complete: true}, err
		}
		return dayAnswer{found: []int{r.from}, complete: true}, err
	}
	some, complete, err := s.table.sample(ctx, s.table.by, s.view, archive.Span{Start: s.periods[r.from].Start, End: s.periods[r.to-1].End}, s.limit)
	a := dayAnswer{complete: complete}
	for _, f := range some {
		i, _ := slices.BinarySearchFunc(s.periods, f.Time(s.table.by), func(period archive.Span, at time.Time) int {
			if period.Contains(at) {
				return 0
			}
			return period.Start.Compare(at)
		})
		a.found = append(a.found, i)
	}
	slices.Sort(a.found)
	a.found = slices.Compact(a.found)
	return a, err
}

// learn notes an answer.
func (s *daySearch) learn(r dayRange, a dayAnswer) {
	s.extra++
	asked := time.Now()
	for _, i := range a.found {
		if s.states[i] != footageDay {
			s.extra--
		}
		s.states[i] = footageDay
		s.table.rememberDay(s.view, s.periods[i], asked, true)
	}
	for i := r.from; i < r.to; i++ {
		if s.states[i] == unknownDay && a.complete {
			s.states[i] = emptyDay
			s.table.rememberDay(s.view, s.periods[i], asked, false)
		}
	}
}
