package emulator

import (
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/form"
	"clipfs/clip/emulator/streams"
)

// oddFragments gives the fragments of a clip as its forms have them, and the one after those that were asked for where a
// form needs that.
func oddFragments(st streams.Stream, fragments []footage.Fragment, forms form.Set, now time.Time) (_ []footage.Fragment, next *footage.Fragment) {
	first, last := fragments[0], fragments[len(fragments)-1]
	if forms.Has(form.Fewer) && len(fragments) > 1 {
		fragments = fragments[:len(fragments)-1]
	}
	around := func(from, to time.Time) []footage.Fragment {
		return streams.OldestOnly(st.Visible(streams.Selection{By: footage.ByProducer, Start: from, End: to}, now))
	}
	if forms.Has(form.Before) {
		if all := around(first.Producer.Add(-2*streams.LongestFragment), first.Producer.Add(-time.Millisecond)); len(all) > 0 {
			fragments = append([]footage.Fragment{all[len(all)-1]}, fragments...)
		}
	}
	if !forms.Has(form.After) && !forms.Has(form.Joint) {
		return fragments, nil
	}
	if all := around(last.Producer.Add(time.Millisecond), last.Producer.Add(2*streams.LongestFragment)); len(all) > 0 {
		next = &all[0]
		if forms.Has(form.After) {
			fragments = append(fragments[:len(fragments):len(fragments)], all[0])
			if next = nil; len(all) > 1 {
				next = &all[1]
			}
		}
	}
	return fragments, next
}
