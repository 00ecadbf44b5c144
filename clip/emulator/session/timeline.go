package session

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"
)

const (
	// gap is how long nothing must be shown to count as a gap, overlap how much two fragments share that go on seamlessly: a
	// fragment's time can be that of sound that leads its picture.
	gap, overlap = time.Second, 250 * time.Millisecond
	// lead is where the first fragment stands in the media's own time, as frames can be decoded before it.
	lead = time.Second
)

// entry is a fragment in the playlist of a session.
type entry struct {
	fragment footage.Fragment
	// length is for how long it plays.
	length time.Duration
	// at is its time in the media, position the sum of the lengths before it.
	at, position time.Duration
	// broken says that it does not go on where the one before ended.
	broken bool
}

// timeline is the fragments of a session, which are added at the end and never change.
type timeline struct {
	mu      sync.Mutex // mu guards what follows
	entries []entry
	// begun is for how long those play with which the session began.
	begun time.Duration
	// first is the first fragment with its media; it does not change once the session is open.
	first footage.Fragment
}

// begin finds the fragments with which a session begins.
func (s *Session) begin(now time.Time) error {
	if s.stream.Retention == 0 {
		return wire.NoRetention()
	}
	t := &s.timeline
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []footage.Fragment
	if s.mode == live {
		found = s.look(s.stream, now.Add(-2*silence-time.Duration(s.order.MaxResults)*streams.LongestFragment), now)
		if len(found) == 0 || silent(found[len(found)-1], now) {
			return noFragments()
		}
		found = found[max(0, len(found)-s.order.MaxResults):]
	} else {
		found = s.look(s.stream, s.start.Add(-streams.LongestFragment), now)
		// Of those that begin before the start the last is played if it goes on past it.
		first, _ := slices.BinarySearchFunc(found, s.start, func(f footage.Fragment, at time.Time) int { return f.Time(s.by).Compare(at) })
		if first > 0 && found[first-1].Time(s.by).Add(found[first-1].Length).After(s.start) {
			first--
		}
		found = found[first:]
	}
	if len(found) == 0 {
		return noFragments()
	}
	var err error
	if t.first, err = found[0].Load(); err != nil {
		return err
	}
	if s.mode == replay {
		found = found[:1]
	}
	if err := s.addLocked(found); err != nil {
		return err
	}
	last := t.entries[len(t.entries)-1]
	t.begun = last.position + last.length
	return nil
}

// silent reports whether a fragment has been the newest for too long.
func silent(f footage.Fragment, now time.Time) bool { return now.Sub(f.Server.Add(f.Length)) > silence }

// ordered is the clock by which a session goes on: what is live is what was taken in last, whatever its producer times say (API
// reference, HLSFragmentSelector).
func (s *Session) ordered() footage.Selector {
	if s.mode == live {
		return footage.ByServer
	}
	return s.by
}

// look gives the fragments that can be played and begin at a time or later, in the order of their times: of those with one producer time
// the newest.
func (s *Session) look(st streams.Stream, from, now time.Time) []footage.Fragment {
	sel := streams.Selection{By: s.ordered(), Start: from, End: s.end}
	if s.end.IsZero() {
		sel.End = now.Add(24 * time.Hour)
	}
	found := st.Visible(sel, now)
	if s.by == footage.ByProducer {
		found = newestOnly(found)
	}
	return found
}

// newestOnly drops all but the newest of fragments with one producer time, in whose order they stand.
func newestOnly(found []footage.Fragment) []footage.Fragment {
	kept := found[:0:0]
	for _, f := range found {
		if n := len(kept); n > 0 && kept[n-1].Producer.Equal(f.Producer) {
			kept[n-1] = f
			continue
		}
		kept = append(kept, f)
	}
	return kept
}

// window gives the entries of the playlist at a time, the index of the first, and how many entries before it are broken; ended says that
// none will follow.
func (s *Session) window(now time.Time) (shown []entry, first, broken int, ended bool, err error) {
	t := &s.timeline
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.mode == onDemand {
		return t.entries, 0, 0, true, nil
	}
	st, err := s.source.Stream()
	if err != nil {
		return nil, 0, 0, false, err
	}
	last := t.entries[len(t.entries)-1].fragment
	by := s.ordered()
	fresh := slices.DeleteFunc(s.look(st, last.Time(by), now), func(f footage.Fragment) bool {
		again := s.by == footage.ByProducer && f.Producer.Equal(last.Producer)
		return again || cmp.Or(f.Time(by).Compare(last.Time(by)), cmp.Compare(f.Number, last.Number)) <= 0
	})
	if s.mode == replay {
		ended, err = s.replayLocked(fresh, now)
	} else {
		err = s.addLocked(fresh)
		if newest := t.entries[len(t.entries)-1].fragment; err == nil && silent(newest, now) {
			err = noFragments()
		}
	}
	first = max(0, len(t.entries)-s.order.MaxResults)
	for _, e := range t.entries[:first] {
		if e.broken {
			broken++
		}
	}
	return slices.Clone(t.entries[first:]), first, broken, ended, err
}

// replayLocked adds fragments as what is before them has played since the session was opened.
func (s *Session) replayLocked(fresh []footage.Fragment, now time.Time) (ended bool, err error) {
	t := &s.timeline
	for len(fresh) > 0 {
		last := t.entries[len(t.entries)-1]
		if now.Sub(s.created) < last.position+last.length {
			return false, nil
		}
		if err := s.addLocked(fresh[:1]); err != nil {
			return false, err
		}
		fresh = fresh[1:]
	}
	return !s.end.IsZero() && s.end.Before(now), nil
}

// addLocked adds fragments.
func (s *Session) addLocked(found []footage.Fragment) error {
	t := &s.timeline
	if s.mode == onDemand {
		found = found[:min(len(found), s.order.MaxResults)]
	}
	for i, f := range found {
		e := entry{fragment: f, at: lead}
		if n := len(t.entries); n > 0 {
			before := t.entries[n-1]
			e.position = before.position + before.length
			e.at = max(0, lead+f.Producer.Sub(t.entries[0].fragment.Producer))
			off := f.Producer.Sub(before.fragment.Producer) - before.length
			e.broken = off > gap || off < -overlap
		}
		if i+1 < len(found) {
			if apart := found[i+1].Producer.Sub(f.Producer); apart > f.Length && apart-f.Length <= gap {
				e.length = apart
			}
		}
		if e.length == 0 {
			var err error
			if e.length, err = lengthOf(f); err != nil {
				return err
			}
		}
		t.entries = append(t.entries, e)
	}
	return nil
}

// lengthOf gives for how long a fragment plays by itself.
func lengthOf(f footage.Fragment) (time.Duration, error) {
	loaded, err := f.Load()
	if err != nil {
		return 0, err
	}
	var end time.Duration
	for _, v := range loaded.Video() {
		end = max(end, v.PTS+v.Duration)
	}
	return max(end, time.Millisecond), nil
}

// entry gives the entry of an index with its media, if it is coded as the first is.
func (s *Session) entry(index int) (entry, error) {
	t := &s.timeline
	t.mu.Lock()
	known := index >= 0 && index < len(t.entries)
	var e entry
	if known {
		e = t.entries[index]
	}
	t.mu.Unlock()
	if !known {
		return entry{}, noFragments()
	}
	var err error
	if e.fragment, err = e.fragment.Load(); err == nil {
		err = s.checkMedia(e.fragment)
	}
	return e, err
}
