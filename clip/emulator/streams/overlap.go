package streams

import (
	"cmp"
	"slices"
	"time"

	"clipfs/clip/emulator/footage"
)

// Overlaps says what GetClip does about footage that was ingested over older footage: with producer times at which there
// was some already. "Only the oldest ingested collection is returned" (API reference, ClipFragmentSelector), but
// ListFragments names all fragments. Whether what is newer can be had alone is not known.
type Overlaps int

const (
	// OverlapsDrop leaves a fragment out where the older one is in the same clip. Alone it can be had.
	OverlapsDrop Overlaps = iota
	// OverlapsHide leaves it out of every clip.
	OverlapsHide
	// OverlapsKeep leaves out only what has the very producer time of an older fragment.
	OverlapsKeep
)

// ParseOverlaps reads what the flag --overlaps takes: "drop", "hide" or "keep".
func ParseOverlaps(s string) (Overlaps, error) {
	return footage.ParseWord[Overlaps]("overlaps", s, "drop", "hide", "keep")
}

const (
	// overlapSlack is how far the spans of neighbors may overlap and still be one after the other: a fragment's time can
	// be that of sound that leads its picture. Of a short fragment it is half.
	overlapSlack = 250 * time.Millisecond
	// LongestFragment is how long a fragment can be (API reference, PutMedia).
	LongestFragment = 20 * time.Second
	// overlapReach is how far around a clip OverlapsHide looks for older footage, which is hidden by older footage in turn.
	overlapReach = 3 * LongestFragment
)

// Servable drops what GetClip does not give of the fragments in a selection. Their order stays.
func Servable(st Stream, fragments []footage.Fragment, o Overlaps, now time.Time) []footage.Fragment {
	fragments = OldestOnly(fragments)
	if o == OverlapsKeep || len(fragments) == 0 {
		return fragments
	}
	all := fragments
	if o == OverlapsHide {
		byProducer := func(a, b footage.Fragment) int { return a.Producer.Compare(b.Producer) }
		all = st.Visible(Selection{By: footage.ByProducer, Start: slices.MinFunc(all, byProducer).Producer.Add(-overlapReach),
			End: slices.MaxFunc(all, byProducer).Producer.Add(overlapReach)}, now)
	}
	hidden := superseded(all)
	return slices.DeleteFunc(fragments, func(f footage.Fragment) bool { return hidden[f.Number] })
}

// OldestOnly drops all but the first ingested of fragments with one producer timestamp (API reference,
// ClipFragmentSelector). Their order stays.
func OldestOnly(fragments []footage.Fragment) []footage.Fragment {
	oldest := make(map[int64]string, len(fragments))
	for _, f := range fragments {
		ms := f.Producer.UnixMilli()
		if n, ok := oldest[ms]; !ok || f.Number < n {
			oldest[ms] = f.Number
		}
	}
	return slices.DeleteFunc(fragments, func(f footage.Fragment) bool {
		return oldest[f.Producer.UnixMilli()] != f.Number
	})
}

// superseded gives the numbers of the fragments that lie over older ones. What is superseded supersedes nothing.
func superseded(fragments []footage.Fragment) map[string]bool {
	byTime := slices.Clone(fragments)
	slices.SortFunc(byTime, func(a, b footage.Fragment) int {
		return cmp.Or(a.Producer.Compare(b.Producer), cmp.Compare(a.Number, b.Number))
	})
	byAge := make([]int, len(byTime))
	for i := range byAge {
		byAge[i] = i
	}
	slices.SortFunc(byAge, func(a, b int) int { return cmp.Compare(byTime[a].Number, byTime[b].Number) })
	kept := make([]bool, len(byTime))
	hidden := make(map[string]bool)
	for _, i := range byAge {
		kept[i] = !liesOver(byTime, kept, i)
		if !kept[i] {
			hidden[byTime[i].Number] = true
		}
	}
	return hidden
}

// liesOver reports whether fragment i of those in the order of producer time overlaps one that is kept.
func liesOver(byTime []footage.Fragment, kept []bool, i int) bool {
	f := byTime[i]
	for j := i - 1; j >= 0 && f.Producer.Sub(byTime[j].Producer) <= LongestFragment; j-- {
		if kept[j] && overlap(byTime[j], f) {
			return true
		}
	}
	for j := i + 1; j < len(byTime) && byTime[j].Producer.Sub(f.Producer) <= f.Length; j++ {
		if kept[j] && overlap(f, byTime[j]) {
			return true
		}
	}
	return false
}

// overlap reports whether a fragment lies over one that starts with it or later.
func overlap(a, b footage.Fragment) bool {
	apart := b.Producer.Sub(a.Producer)
	return apart == 0 || apart < a.Length-min(overlapSlack, a.Length/2)
}
